"""``python -m sweeps.tune``."""

from sweeps.tune.command import main

if __name__ == "__main__":
    main()
