"""What a command imports: seedbed's packages from where seedbed is, and the user's modules from where the user is."""

import os
import sys

from sweeps import ROOT


def own_packages_first() -> None:
    """Put the working directory last on the path.

    ``python -m`` puts it first, where a user's folder ``tests`` or ``sweeps`` hides ours; a console script leaves it
    out, so that a user's environments and variants could not be imported.
    """
    here = os.getcwd()
    others = [path for path in sys.path if path not in ("", here, str(ROOT))]
    sys.path[:] = [*others, *dict.fromkeys([str(ROOT), here])]
