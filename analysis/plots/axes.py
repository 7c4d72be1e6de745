"""Plots that draw a frame into an axis of matplotlib.

The frames: `frame` holds the rows of one task (load_runs); `aligned`, one task on its common grid (Task.frame);
`scores`, one row per seed of one task (seed_scores); `pairs`, one row per pair (pair_table); `overall`, one row per
variant over all tasks. `colors` maps the variants to draw to their colors.
"""

import textwrap
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import EngFormatter, MaxNLocator

from analysis import statistics as st
from analysis.alignment import curves, floors_of
from analysis.plots.style import INK, THIN_ON_WHITE, line_of
from analysis.references import Reference
from analysis.runs.variants import natural
from analysis.scores import time_to
from analysis.statistics.multiplicity import LEVEL
from analysis.summary import CONFIDENCE, COVERAGE, TOLERANCE_CONFIDENCE, stream

X_LABELS = {"env_steps": "environment steps", "iteration": "iteration"}
TINT = 0.06
GUIDE: dict[str, Any] = {"color": INK, "linewidth": 0.6, "linestyle": (0, (4, 3))}


def describe(column: str) -> str:
    return column.replace("_", " ")


def wrapped(label: str, width: int = 22) -> str:
    return "\n".join(textwrap.wrap(label, width))


def in_steps(ax: Axes, which: str = "x") -> None:
    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_major_formatter(EngFormatter(sep=""))


def matrix(aligned: pd.DataFrame, variant: str) -> tuple[np.ndarray, np.ndarray]:
    """The grid [G] and values [S, G] of one variant in an aligned frame."""
    rows = aligned[aligned["variant"] == variant]
    grid = np.sort(rows["env_steps"].unique())
    return grid, rows.sort_values(["seed", "env_steps"])["value"].to_numpy().reshape(-1, len(grid))


def band(ax: Axes, x: Any, low: Any, high: Any, color: str, step: Any = None) -> None:
    """Draws the area between `low` and `high`: thin edges, and a light tint, so that areas may overlap."""
    ax.fill_between(x, low, high, color=color, alpha=TINT, linewidth=0, step=step)
    for edge in (low, high):
        ax.plot(x, edge, color=color, linewidth=0.6, alpha=0.8, drawstyle=f"steps-{step}" if step else "default")


# Curves


def seed_curves(
    frame: pd.DataFrame,
    ax: Axes,
    variant: str,
    metric: str,
    color: str,
    x: str = "env_steps",
    known: Mapping[str, Reference] | None = None,
) -> None:
    """Draws every seed of `variant` as a thin line (a cross where one failed), their median and quartiles, and limits.

    The dashed limits hold at least 80% of runs. `known` are the ends of tasks' scales, as in align: they say what a
    failed seed counts as.
    """
    lines = curves(frame, variant, metric, x)
    there = np.isfinite(lines.values)
    drawn = [np.column_stack([lines.x[cells], row[cells]]) for row, cells in zip(lines.values, there, strict=True)]
    thin = LineCollection([each for each in drawn if len(each)], colors=color, linewidths=0.5, alpha=THIN_ON_WHITE)
    thin.set_label("one seed")
    ax.add_collection(thin)
    ends = [each[-1] for each, failed in zip(drawn, lines.failed, strict=True) if failed and len(each)]
    if ends:
        ax.plot(*np.transpose(ends), "x", color=INK, markersize=4, label="failed")
    ax.autoscale_view()
    median_band(frame, ax, variant, metric, color, x, known, label="median, middle half", ink=INK)
    values = lines.filled(floors_of(frame, lines, metric, known))
    whole = np.isfinite(values).all(axis=0)
    if whole.any():
        low, high, _ = st.tolerance_interval(values[:, whole].T, COVERAGE, TOLERANCE_CONFIDENCE)
        limits = ax.plot(lines.x[whole], np.transpose([low, high]), **GUIDE)
        limits[0].set_label(f"limits for {COVERAGE:.0%} of runs")


def median_band(
    frame: pd.DataFrame,
    ax: Axes,
    variant: str,
    metric: str,
    color: str,
    x: str = "env_steps",
    known: Mapping[str, Reference] | None = None,
    label: str | None = None,
    ink: str | None = None,
) -> None:
    """Draws the median over seeds of `variant`, and the band between the quartiles, at each x.

    `ink` is the color of the median, if it differs from the color of the band.
    """
    lines = curves(frame, variant, metric, x)
    values = lines.filled(floors_of(frame, lines, metric, known))
    some = np.isfinite(values).any(axis=0)
    low, middle, high = np.nanquantile(values[:, some], [0.25, 0.5, 0.75], axis=0)
    if ink:
        ax.fill_between(lines.x[some], low, high, color=color, alpha=0.25, linewidth=0)
    else:
        band(ax, lines.x[some], low, high, color)
    style = {"color": ink, "linewidth": 1.2} if ink else line_of(color)
    ax.plot(lines.x[some], middle, label=label or wrapped(variant), **style)
    ax.set_xlabel(X_LABELS[x])
    ax.set_ylabel(describe(metric))
    ax.margins(x=0.01)
    if x == "env_steps":
        in_steps(ax)


def iqm_curves(aligned: pd.DataFrame, ax: Axes, colors: Mapping[str, str]) -> None:
    """Draws the IQM over seeds of each variant with its 95% limits: pointwise (band), and for the whole curve (thin
    lines).

    The y axis has the range of the seeds. With few seeds, limits may leave it.
    """
    for variant, color in colors.items():
        grid, values = matrix(aligned, variant)
        if not values.size:
            continue
        known = np.isfinite(values).all(axis=0)
        grid, values = grid[known], values[:, known]
        low, high = st.iqm_interval([values.T], CONFIDENCE)
        ax.fill_between(grid, low, high, color=color, alpha=0.12, linewidth=0)
        rng = stream("iqm curve", str(aligned["env_id"].iloc[0]), variant)
        whole = st.simultaneous_band(values, rng, "iqm", CONFIDENCE)
        ax.plot(grid, np.transpose(whole), color=color, linewidth=0.5)
        ax.plot(grid, st.iqm(values, axis=0), label=wrapped(variant), **line_of(color))
    lowest, highest = aligned["value"].min(), aligned["value"].max()
    if lowest < highest:
        ax.set_ylim(lowest - 0.05 * (highest - lowest), highest + 0.05 * (highest - lowest))
    ax.set_xlabel(X_LABELS["env_steps"])
    ax.margins(x=0.01)
    in_steps(ax)


def sample_efficiency(
    aligned: pd.DataFrame, ax: Axes, colors: Mapping[str, str], lower_is_better: bool = False
) -> None:
    """Draws the env steps by which half of a variant's seeds reached each level. A line ends where fewer did."""
    levels = np.linspace(aligned["value"].min(), aligned["value"].max(), 100)
    for variant, color in colors.items():
        grid, values = matrix(aligned, variant)
        if values.size:
            half = [st.median_time(*time_to(values, grid, level, lower_is_better)) for level in levels]
            ax.step(levels, half, where="post", label=wrapped(variant), **line_of(color))
    ax.set_ylabel(X_LABELS["env_steps"])
    in_steps(ax, "y")


# Scores


def distribution(scores: pd.DataFrame, ax: Axes, colors: Mapping[str, str], score: str) -> None:
    """Draws every seed's score as a point, and box, median and whiskers (1.5 interquartile ranges) of each variant."""
    order = list(colors)
    shown = scores[scores["variant"].isin(order)].assign(variant=lambda rows: rows["variant"].astype(str))
    where: dict[str, Any] = {"data": shown, "x": score, "y": "variant", "order": order, "ax": ax}
    ink = {"color": INK, "linewidth": 0.7}
    inks = {"boxprops": ink, "whiskerprops": ink, "capprops": ink, "medianprops": {"color": INK, "linewidth": 1.4}}
    with warnings.catch_warnings(action="ignore", category=mpl.MatplotlibDeprecationWarning):  # of seaborn's own call
        sns.boxplot(**where, color=INK, fill=False, width=0.62, showfliers=False, **inks)
    with reproducible_jitter():
        sns.stripplot(**where, hue="variant", palette=dict(colors), legend=False, size=4, alpha=0.7, jitter=0.22)
    ax.set_yticks(range(len(order)), [wrapped(variant) for variant in order])
    ax.set_ylabel("")
    ax.grid(axis="x", visible=True)
    ax.grid(axis="y", visible=False)


@contextmanager
def reproducible_jitter() -> Iterator[None]:
    """Makes seaborn's jitter the same at each drawing, and leaves NumPy's global generator as it was."""
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002


def performance_profile(
    scores: pd.DataFrame, ax: Axes, colors: Mapping[str, str], score: str, lower_is_better: bool = False
) -> None:
    """Draws the fraction of runs that score better than each level, over all tasks, with a pointwise 95% interval."""
    sign = -1.0 if lower_is_better else 1.0
    levels = np.linspace(scores[score].min(), scores[score].max(), 200)
    for variant, color in colors.items():
        rows = scores[scores["variant"] == variant]
        strata = [sign * task[score].to_numpy(dtype=float) for _, task in rows.groupby("env_id", observed=True)]
        if not strata:
            continue
        low, high = st.profile_interval(strata, sign * levels, CONFIDENCE)
        band(ax, levels, low, high, color)
        ax.plot(
            levels, st.performance_profile(*strata, thresholds=sign * levels), label=wrapped(variant), **line_of(color)
        )
    ax.set_ylabel(f"fraction of runs {'below' if lower_is_better else 'above'}")
    ax.set_ylim(-0.02, 1.02)


def survival(scores: pd.DataFrame, ax: Axes, colors: Mapping[str, str]) -> None:
    """Draws the fraction of seeds that have reached the threshold (Kaplan-Meier), with 95% log-log limits."""
    for variant, color in colors.items():
        rows = scores[scores["variant"] == variant]
        if not len(rows):
            continue
        time, reached = rows["time"].to_numpy(), rows["reached"].to_numpy(dtype=bool)
        x, not_yet = st.kaplan_meier(time, reached)
        _, low, high = st.kaplan_meier_band(time, reached, CONFIDENCE)
        start = np.concatenate([[0], x])
        ax.step(start, 1 - np.concatenate([[1], not_yet]), where="post", label=wrapped(variant), **line_of(color))
        band(ax, x, 1 - high, 1 - low, color, step="post")
    ax.set_xlabel(X_LABELS["env_steps"])
    ax.set_ylabel("fraction of seeds")
    ax.set_ylim(-0.02, 1.02)
    in_steps(ax)


def interval_widths(scores: pd.DataFrame, ax: Axes, colors: Mapping[str, str], score: str) -> None:
    """Draws the width of the 95% interval of the mean that other numbers of seeds like these would give.

    The line is the median width, the band holds 80% of such widths, and a point marks the seeds there are.
    """
    for variant, color in colors.items():
        values = scores.loc[scores["variant"] == variant, score].to_numpy(dtype=float)
        if len(values) < 3:
            continue
        sizes = np.unique(np.geomspace(3, max(12, 2 * len(values)), 12).astype(int))
        widths = st.interval_widths(values, st.mean_interval, sizes, stream("width", variant, score), CONFIDENCE)
        band(ax, sizes, widths[:, 1], widths[:, 2], color)
        ax.plot(sizes, widths[:, 0], label=wrapped(variant), **line_of(color))
        low, high = st.mean_interval([values], CONFIDENCE)
        ax.plot(len(values), high - low, "o", color=color, markersize=4)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set_ylim(bottom=0)
    ax.set_xlabel("number of seeds")
    ax.set_ylabel("width of the 95% interval")


def improvement(pairs: pd.DataFrame, ax: Axes) -> None:
    """Draws P(a beats b) of each pair with its 95% interval. It is filled where its own adjusted p is at most .05."""
    records = pairs.iloc[::-1].to_dict("records")
    for row, pair in enumerate(records):
        told = pair["probability_adjusted_p"] <= LEVEL
        point(ax, row, pair["probability_of_improvement"], pair["probability_low"], pair["probability_high"], told)
    rows_named(ax, [wrapped(f"{pair['a']} beats {pair['b']}", 34) for pair in records])
    ax.axvline(0.5, **GUIDE)
    ax.set_xlim(-0.02, 1.02)
    ax.set_xlabel("P(first is better)")


def ranks(overall: pd.DataFrame, ax: Axes) -> None:
    """Draws the mean rank of each variant over tasks, with its 95% interval. The best variant is on top."""
    ordered = overall.sort_values("mean_rank", ascending=False, kind="stable").to_dict("records")
    for row, variant in enumerate(ordered):
        point(ax, row, variant["mean_rank"], variant["rank_low"], variant["rank_high"])
    rows_named(ax, [wrapped(str(variant["variant"])) for variant in ordered])
    ax.set_xlim(0.8, len(ordered) + 0.2)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("mean rank over tasks (1 is best)")


def point(ax: Axes, row: int, value: float, low: float, high: float, filled: bool = True) -> None:
    """Draws a value with its interval on one line of a list."""
    ax.plot([low, high], [row, row], color=INK, linewidth=1)
    ax.plot(value, row, "o", color=INK, markerfacecolor=INK if filled else "none", markersize=4)


def rows_named(ax: Axes, names: list[str]) -> None:
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.grid(axis="y", visible=False)


# Hyperparameter sweeps


def heat_map(table: pd.DataFrame, ax: Axes, x: str, y: str, value: str, what: str = "") -> None:
    """Draws the mean of `value`, called `what`, over the rows of `table` that share the settings `x` and `y`."""
    cells = table.pivot_table(index=y, columns=x, values=value, aggfunc="mean", sort=False)
    cells = cells.loc[sorted(cells.index, key=natural, reverse=True), sorted(cells.columns, key=natural)]
    sns.heatmap(
        cells,
        ax=ax,
        cmap="cividis",
        annot=True,
        fmt=".3g",
        annot_kws={"fontsize": 6.5},
        cbar_kws={"label": what or describe(value)},
    )
    ax.tick_params(axis="y", rotation=0)
    ax.set_xlabel(x)
    ax.set_ylabel(y)


def ranking(table: pd.DataFrame, ax: Axes, best: int = 20, lower_is_better: bool = False) -> None:
    """Draws the `best` rows of `table` by mean score, with 95% intervals. The column `settings` names the rows."""
    top = table.dropna(subset="mean").sort_values("mean", ascending=lower_is_better).head(best).iloc[::-1]
    for row, setting in enumerate(top.to_dict("records")):
        point(ax, row, setting["mean"], setting["mean_low"], setting["mean_high"])
    rows_named(ax, [wrapped(name, 36) for name in top["settings"]])
    ax.tick_params(axis="y", labelsize=6.5)
