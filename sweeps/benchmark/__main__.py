"""``python -m sweeps.benchmark``."""

from sweeps.benchmark.command import main

if __name__ == "__main__":
    main()
