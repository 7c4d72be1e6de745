"""Plots that take a frame and an axis. `frame` holds the rows of one task, as load_runs gives them."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import EngFormatter

from analysis.curves import curves, floor_of
from analysis.style import INK

X_LABELS = {"env_steps": "environment steps", "iteration": "iteration"}


def describe(metric: str) -> str:
    return metric.replace("_", " ")


def seed_curves(frame: pd.DataFrame, ax: Axes, variant: str, metric: str, color: str, x: str = "env_steps") -> None:
    """Every seed of `variant` as a thin line (a cross where one failed), their median and inter-quartile band."""
    lines = curves(frame, variant, metric, x)
    known = np.isfinite(lines.values)
    drawn = [np.column_stack([lines.x[cells], row[cells]]) for row, cells in zip(lines.values, known, strict=True)]
    ax.add_collection(LineCollection([line for line in drawn if len(line)], colors=color, linewidths=0.5, alpha=0.35))
    ends = [line[-1] for line, failed in zip(drawn, lines.failed, strict=True) if failed and len(line)]
    if ends:
        ax.plot(*np.transpose(ends), "x", color=INK, markersize=4, label="failed")
    ax.autoscale_view()
    median_band(frame, ax, variant, metric, color, x, line_color=INK)


def median_band(
    frame: pd.DataFrame,
    ax: Axes,
    variant: str,
    metric: str,
    color: str,
    x: str = "env_steps",
    line_color: str | None = None,
) -> None:
    """The median over seeds of `variant`, and the band between their first and third quartiles, at each x."""
    lines = curves(frame, variant, metric, x)
    values = lines.filled(floor_of(frame, metric))
    known = np.isfinite(values).any(axis=0)
    low, median, high = np.nanquantile(values[:, known], [0.25, 0.5, 0.75], axis=0)
    ax.fill_between(lines.x[known], low, high, color=color, alpha=0.3, linewidth=0)
    ax.plot(lines.x[known], median, color=line_color or color, linewidth=1.0, label=variant)
    curve_axes(ax, metric, x)


def curve_axes(ax: Axes, metric: str, x: str) -> None:
    ax.set_xlabel(X_LABELS[x])
    ax.set_ylabel(describe(metric))
    ax.margins(x=0.01)
    if x == "env_steps":
        ax.xaxis.set_major_formatter(EngFormatter(sep=""))
