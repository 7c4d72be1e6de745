"""The import path of a command: seedbed's own packages first, the user's working directory last."""

import os
import sys

from sweeps import ROOT


def own_packages_first() -> None:
    """Put the working directory last on the path.

    ``python -m`` puts it first, so a user's folder ``tests`` or ``sweeps`` would hide ours. A console script leaves it
    out, so a user's environments and variants could not be imported.
    """
    here = os.getcwd()
    others = [path for path in sys.path if path not in ("", here, str(ROOT))]
    sys.path[:] = [*others, *dict.fromkeys([str(ROOT), here])]
