"""``python -m sweeps.train``: see sweeps.hydra_command. In a notebook ``sweeps.train`` is the function."""

from sweeps.hydra_command import main

if __name__ == "__main__":
    main()
