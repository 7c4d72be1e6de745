"""``python -m sweeps.study``."""

from sweeps.study.command import main

if __name__ == "__main__":
    main()
