"""The style of every figure: sizes, inks, and a color and a line style for each variant."""

import hashlib
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl
import seaborn as sns

# After the palette of Okabe and Ito (2008), whose colors are told apart with the common color vision deficiencies. Each
# color has a contrast of at least 3 to white paper. The first three differ in luminance too: in print without color
# they are a dark, a middle and a light grey.
COLORS = ("#003F7D", "#A63A00", "#00A378", "#8E3A80", "#3A8CC1", "#5F3A16", "#8A6D00", "#6B6B6B")
ON_DARK = ("#5EA9EA", "#FF9E5C", "#6FEFC8", "#E39BC4", "#A6DBFA", "#D9A988", "#F2C648", "#C6C6C6")
"""The same colors on dark paper, where even the thin lines of single seeds have a contrast of at least 4.5."""

THIN_ON_WHITE, THIN_ON_DARK = 0.5, 0.8
"""Opacity of the lines of single seeds."""

LINES: tuple[Any, ...] = (
    "solid",
    (0, (5, 1.5)),
    (0, (6, 1.5, 1.2, 1.5)),
    (0, (1.6, 1.2)),
    (0, (3, 3)),
    (0, (6, 1.3, 1.2, 1.3, 1.2, 1.3)),
    (0, (10, 2.5)),
    (0, (1.2, 2.8)),
)
"""A line style for each color, so that variants can be told apart without color."""

BUILT_IN = {name: place for place, name in enumerate(("ppo", "trpo", "a2c", "npg", "ppo_penalty", "reinforce"))}
"""The place in the palette of each variant that comes with seedbed. It is the same in every figure."""

COLUMN = 3.5  # inches, one column of a paper
MAIN = 4.4  # inches, the first figure of a task on a page
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


def places_of(variants: Iterable[str]) -> dict[str, int]:
    """The place of each variant in the palette.

    A variant of BUILT_IN has a place of its own. Any other gets a free place that its name chooses; names are served in
    alphabetical order, and places of BUILT_IN are given away last.
    """
    names = sorted(variants)
    chosen = {name: BUILT_IN[name] for name in names if name in BUILT_IN}
    for name in names:
        if name in chosen:
            continue
        start = hashlib.md5(name.encode(), usedforsecurity=False).digest()[0]
        spare = range(len(BUILT_IN), len(COLORS))
        wishes = [
            group[(start + step) % len(group)] for group in (spare, range(len(BUILT_IN))) for step in range(len(group))
        ]
        taken = set(chosen.values())
        chosen[name] = next((place for place in wishes if place not in taken), wishes[0])
    return chosen


def colors_of(variants: Iterable[str]) -> dict[str, str]:
    """One color per variant, in the order given."""
    names = list(variants)
    places = places_of(names)
    return {name: COLORS[places[name]] for name in names}


def line_of(color: str) -> dict[str, Any]:
    """Line style and order of a variant's line: one style for each color of the palette, a solid line for any other
    color.

    A style with less ink is drawn later and thinner. So all of several coincident curves are seen: each shows through
    the gaps of those above it.
    """
    if color not in COLORS:
        return {"color": color, "linestyle": "solid"}
    style = LINES[COLORS.index(color)]
    above = sorted(LINES, key=ink, reverse=True).index(style)
    return {"color": color, "linestyle": style, "linewidth": 1.8 - 0.12 * above, "zorder": 2.1 + 0.05 * above}


def ink(style: Any) -> float:
    """Share of a line's length that a line style draws."""
    return 1.0 if style == "solid" else sum(style[1][::2]) / sum(style[1])
