"""``python -m analysis.compare``: see analysis.command. In a notebook ``analysis.compare`` is the function."""

import sys

from analysis.command import main

if __name__ == "__main__":
    sys.exit(main())
