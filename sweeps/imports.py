"""How a command begins: seedbed's own packages first on the import path, and a garbage collector that rests."""

import atexit
import gc
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


def collect_rarely() -> None:
    """Have Python look for cycles of references after 10,000 new objects, not 700, and not at the end.

    Imports and compiled kernels leave some 300,000 objects that stay. Python looks through them again and again while
    they are made, and once more as the process ends.
    """
    gc.set_threshold(10_000)
    atexit.register(gc.freeze)
