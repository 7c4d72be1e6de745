"""How every figure looks: sizes, inks, and a color and a line style for each variant."""

import hashlib
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl
import seaborn as sns

# Okabe and Ito's palette (2008), distinguishable with the common color vision deficiencies; without its yellow and
# black, and with its light colors darker, so that each has at least 3 times the contrast to white paper.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#B5598F", "#B07A00", "#3A8CC1", "#7F7F7F", "#7A4B2A")
ON_DARK = ("#4DA9E6", "#FF8B3D", "#2BC79A", "#E39BC4", "#F2B632", "#8CCFF5", "#B9B9B9", "#C9956B")
"""The same colors where the page is dark: each has at least 4.5 times the paper's luminance."""

LINES: tuple[Any, ...] = ("solid", (0, (5, 1.5)), (0, (6, 1.5, 1.2, 1.5)), (0, (1.6, 1.2)))
"""Line styles, so that variants are told apart without color too."""

COLUMN = 3.5  # inches, one column of a paper
INK = "#1a1a1b"
GRID = "#d9d9dc"
STYLE = "whitegrid"

RC: dict[str, Any] = {
    "figure.dpi": 200,  # as saved, so that text has the width that the layout reckoned with
    "figure.constrained_layout.w_pad": 0.06,
    "figure.constrained_layout.h_pad": 0.06,
    "font.size": 8,
    "font.family": "DejaVu Sans",
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.bottom": True,
    "ytick.left": True,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "legend.handlelength": 2.6,
    "lines.linewidth": 1.4,
    "svg.hashsalt": "seedbed",
    "svg.fonttype": "path",
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "path.simplify_threshold": 0.25,
}


def use_style() -> AbstractContextManager[None]:
    """A context in which figures are drawn in this style."""
    return mpl.rc_context(dict(sns.axes_style(STYLE)) | RC)


SALT = 12634
"""Chosen so that short names seldom meet in one slot."""


def slots_of(variants: Iterable[str]) -> dict[str, int]:
    """A place in the palette for each variant, by its name alone: a variant keeps its color in whatever company.

    Only where two names meet in one place does the later in the alphabet take the next free one.
    """
    chosen: dict[str, int] = {}
    for name in sorted(variants):
        slot = hashlib.md5(f"{SALT} {name}".encode(), usedforsecurity=False).digest()[0] % len(COLORS)
        taken = set(chosen.values())
        free = [(slot + step) % len(COLORS) for step in range(len(COLORS)) if (slot + step) % len(COLORS) not in taken]
        chosen[name] = free[0] if free else slot
    return chosen


def colors_of(variants: Iterable[str]) -> dict[str, str]:
    """One color per variant, in the order given."""
    names = list(variants)
    slots = slots_of(names)
    return {name: COLORS[slots[name]] for name in names}


def line_style(color: str) -> Any:
    """The line style that goes with a color of the palette; solid for any other."""
    return LINES[COLORS.index(color) % len(LINES)] if color in COLORS else "solid"
