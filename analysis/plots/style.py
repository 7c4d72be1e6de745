"""How every figure looks: sizes, inks, and one colour per variant."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl

# Okabe and Ito's palette (2008), distinguishable with the common colour vision deficiencies; without its yellow and
# black, which vanish on white and on dark paper.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A8A8A", "#7A4B2A")
PREFERRED = {"ppo": 0, "trpo": 1, "a2c": 2, "npg": 3, "ppo_penalty": 5, "reinforce": 4}

COLUMN = 3.5  # inches, one column of a paper
INK = "#1a1a1b"
GRID = "#d9d9dc"

RC: dict[Any, Any] = {
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
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "lines.linewidth": 1.4,
    "svg.hashsalt": "seedbed",
    "svg.fonttype": "path",
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "path.simplify_threshold": 0.25,
}


def use_style() -> AbstractContextManager[None]:
    """A context in which figures are drawn in this style."""
    return mpl.rc_context(RC)


def colors_of(variants: Sequence[str]) -> dict[str, str]:
    """One colour per variant: an algorithm by its bare name always has its own, the others follow in sorted order."""
    chosen = {name: PREFERRED[name] for name in variants if name in PREFERRED}
    free = [number for number in range(len(COLORS)) if number not in chosen.values()] or list(range(len(COLORS)))
    for position, name in enumerate(sorted(name for name in variants if name not in chosen)):
        chosen[name] = free[position % len(free)]
    return {name: COLORS[chosen[name]] for name in variants}
