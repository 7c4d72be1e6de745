"""Commands that train, compare and reproduce runs. In a notebook: ``from sweeps import train``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sweeps.notebook import train

__all__ = ["train"]

ROOT = Path(__file__).resolve().parent.parent
"""The folder with the packages of this installation."""

CONF = ROOT / "conf"
"""The configs of this installation. A path, not a package: a folder ``conf`` in the working directory is the user's."""

# The working directory may have a folder with one of these names, and may come first on the path.
sys.path.insert(0, str(ROOT))
import algos  # noqa: E402, F401
import analysis  # noqa: E402, F401

sys.path.remove(str(ROOT))


def __getattr__(name: str) -> Any:
    if name == "train":  # imported when it is asked for; the module of this name is the command's
        from sweeps.notebook import train

        return train
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
