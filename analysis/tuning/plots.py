"""Plots of tuning, of one axis each: curves over the number of trials, slices, parallel coordinates, importance."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator

from analysis.plots.axes import band, wrapped
from analysis.plots.style import INK, line_of
from analysis.tuning.space import Categorical, Distribution
from analysis.tuning.surrogate import unit_cube

SHADES = "cividis"
"""From dark to light for every color vision, and in grey print too."""


def tuning_curves(curves: Mapping[str, pd.DataFrame], ax: Axes, colors: Mapping[str, str]) -> None:
    """Draws the best score of each variant over the number of trials, and the limits that hold its whole curve."""
    for variant, curve in curves.items():
        color = colors[variant]
        ax.plot(curve["trials"], curve["best"], label=wrapped(variant), **line_of(color))
        known = np.isfinite(curve[["low", "high"]]).all(axis=1)
        shown = curve[known]
        band(ax, shown["trials"], shown["low"], shown["high"], color)
    ax.set_xlabel("trials")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.margins(x=0.01)


def slices(
    settings: pd.DataFrame,
    scores: Mapping[str, pd.Series],
    ax: Axes,
    key: str,
    space: Mapping[str, Distribution],
    colors: Mapping[str, str],
) -> None:
    """Draws every trial as a point: one setting against the score, by task. `scores` are by task and number of the
    trial.
    """
    distribution = space[key]
    rng = np.random.default_rng(0)
    for task, series in scores.items():
        values = settings.loc[series.index, key]
        if isinstance(distribution, Categorical):
            x = np.array([distribution.choices.index(value) for value in values]) + rng.uniform(
                -0.15, 0.15, len(values)
            )
        else:
            x = values.to_numpy(dtype=float)
        ax.plot(x, series.to_numpy(), "o", color=colors[task], markersize=3, alpha=0.7, label=task, markeredgewidth=0)
    if isinstance(distribution, Categorical):
        ax.set_xticks(range(len(distribution.choices)), [str(choice) for choice in distribution.choices])
    elif distribution.log:
        ax.set_xscale("log")
    ax.set_xlabel(key)


def parallel_coordinates(
    settings: pd.DataFrame, shares: pd.Series, ax: Axes, space: Mapping[str, Distribution], names: Sequence[str]
) -> None:
    """Draws each trial as a line over all settings to its normalised score at the right. Good trials are dark and on
    top.
    """
    order = shares.sort_values().index
    points = np.column_stack([unit_cube(settings.loc[order], space), shares[order]])
    place = np.arange(points.shape[1])
    shade = mpl.colormaps[SHADES].reversed()(shares[order].to_numpy())
    lines = LineCollection([np.column_stack([place, row]) for row in points], colors=shade, linewidths=0.9)
    ax.add_collection(lines)
    best = points[-1]
    ax.plot(place, best, color=INK, linewidth=1.6, label="the best")
    ax.set_xlim(-0.1, len(place) - 0.9)
    ax.set_ylim(-0.03, 1.03)
    ax.set_xticks(place, [*names, "score"], rotation=30, ha="right")
    ax.set_yticks([0, 1], ["low", "high"])


def importance_map(table: pd.DataFrame, ax: Axes) -> None:
    """Draws the share of each setting (rows) on each task (columns), as numbers on shades. A dash: no model tells."""
    values = table.to_numpy(dtype=float)
    ax.imshow(np.nan_to_num(values), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        text = "–" if np.isnan(value) else f"{value:.2f}"
        ax.text(column, row, text, ha="center", va="center", fontsize=7, color="white" if value > 0.6 else INK)
    ax.set_xticks(range(table.shape[1]), [wrapped(str(name), 12) for name in table.columns])
    ax.set_yticks(range(table.shape[0]), [str(name) for name in table.index])
    ax.grid(visible=False)


def fresh_scores(
    scores: Mapping[str, np.ndarray], tuning: Mapping[str, float], ax: Axes, colors: Mapping[str, str]
) -> None:
    """Draws every fresh seed as a point, their mean as a bar, and the tuning score as a cross."""
    rng = np.random.default_rng(0)
    for place, (name, values) in enumerate(scores.items()):
        y = place + rng.uniform(-0.2, 0.2, len(values))
        ax.plot(values, y, "o", color=colors[name], markersize=3.5, alpha=0.6, markeredgewidth=0)
        ax.plot([values.mean()] * 2, [place - 0.32, place + 0.32], color=INK, linewidth=1.6)
        if name in tuning:
            ax.plot(tuning[name], place, "x", color=INK, markersize=5)
    ax.set_yticks(range(len(scores)), [wrapped(name) for name in scores])
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
