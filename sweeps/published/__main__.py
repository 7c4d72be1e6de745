"""``python -m sweeps.published``."""

from sweeps.published.command import main

if __name__ == "__main__":
    main()
