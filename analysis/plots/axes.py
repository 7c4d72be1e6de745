"""Plots that take a frame and an axis.

The frames: `frame`, the rows of one task (load_runs); `aligned`, one task on its common grid (Task.frame); `scores`,
one row per seed of one task (seed_scores); `pairs`, one row per pair (pair_table). `colors` maps the variants to draw.
"""

import textwrap
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import EngFormatter

from analysis import statistics as st
from analysis.alignment import curves, floor_of
from analysis.plots.style import INK
from analysis.statistics.multiplicity import LEVEL
from analysis.summary import CONFIDENCE, COVERAGE, TOLERANCE_CONFIDENCE, stream
from analysis.variants import natural

X_LABELS = {"env_steps": "environment steps", "iteration": "iteration"}
GUIDE: dict[str, Any] = {"color": INK, "linewidth": 0.6, "linestyle": (0, (4, 3))}


def describe(column: str) -> str:
    return column.replace("_", " ")


def wrapped(label: str, width: int = 22) -> str:
    return "\n".join(textwrap.wrap(label, width))


def in_steps(ax: Axes, which: str = "x") -> None:
    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_major_formatter(EngFormatter(sep=""))


def matrix(aligned: pd.DataFrame, variant: str) -> tuple[np.ndarray, np.ndarray]:
    """(grid [G], values [S, G]) of one variant in an aligned frame."""
    rows = aligned[aligned["variant"] == variant]
    grid = np.sort(rows["env_steps"].unique())
    return grid, rows.sort_values(["seed", "env_steps"])["value"].to_numpy().reshape(-1, len(grid))


# Curves


def seed_curves(frame: pd.DataFrame, ax: Axes, variant: str, metric: str, color: str, x: str = "env_steps") -> None:
    """Every seed of `variant` as a thin line (a cross where one failed), their median and quartiles, and (dashed) the
    limits that hold at least 80% of runs."""
    lines = curves(frame, variant, metric, x)
    known = np.isfinite(lines.values)
    drawn = [np.column_stack([lines.x[cells], row[cells]]) for row, cells in zip(lines.values, known, strict=True)]
    ax.add_collection(LineCollection([line for line in drawn if len(line)], colors=color, linewidths=0.5, alpha=0.35))
    ends = [line[-1] for line, failed in zip(drawn, lines.failed, strict=True) if failed and len(line)]
    if ends:
        ax.plot(*np.transpose(ends), "x", color=INK, markersize=4)
    ax.autoscale_view()
    median_band(frame, ax, variant, metric, color, x, line_color=INK)
    values = lines.filled(floor_of(frame, metric))
    whole = np.isfinite(values).all(axis=0)
    if whole.any():
        low, high, _ = st.tolerance_interval(values[:, whole].T, COVERAGE, TOLERANCE_CONFIDENCE)
        ax.plot(lines.x[whole], np.transpose([low, high]), **GUIDE)


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
    ax.plot(lines.x[known], median, color=line_color or color, linewidth=1.0, label=wrapped(variant))
    ax.set_xlabel(X_LABELS[x])
    ax.set_ylabel(describe(metric))
    ax.margins(x=0.01)
    if x == "env_steps":
        in_steps(ax)


def iqm_curves(aligned: pd.DataFrame, ax: Axes, colors: Mapping[str, str]) -> None:
    """The IQM over seeds of each variant and its pointwise 95% bootstrap interval."""
    for variant, color in colors.items():
        grid, values = matrix(aligned, variant)
        rng = stream("iqm curve", str(aligned["env_id"].iloc[0]), variant)
        low, high = st.bootstrap_interval([values.T], st.iqm, rng, CONFIDENCE, n_resamples=1000)
        ax.fill_between(grid, low, high, color=color, alpha=0.3, linewidth=0)
        ax.plot(grid, st.iqm(values, axis=0), color=color, label=wrapped(variant))
    ax.set_xlabel(X_LABELS["env_steps"])
    ax.margins(x=0.01)
    in_steps(ax)


def sample_efficiency(aligned: pd.DataFrame, ax: Axes, colors: Mapping[str, str]) -> None:
    """Env steps by which half of a variant's seeds had reached each level; a line ends where fewer ever did."""
    levels = np.linspace(aligned["value"].min(), aligned["value"].max(), 100)
    for variant, color in colors.items():
        grid, values = matrix(aligned, variant)
        half = [st.median_time(*st.time_to_threshold(values, grid, level)) for level in levels]
        ax.step(levels, half, color=color, where="post", label=wrapped(variant))
    ax.set_ylabel(X_LABELS["env_steps"])
    in_steps(ax, "y")


# Scores


def distribution(scores: pd.DataFrame, ax: Axes, colors: Mapping[str, str], score: str) -> None:
    """Every seed's score as a point, and box, median and whiskers (1.5 interquartile ranges) of each variant."""
    for row, (variant, color) in enumerate(reversed(list(colors.items()))):
        values = np.sort(scores.loc[scores["variant"] == variant, score].to_numpy())
        jitter = (np.arange(len(values)) * 0.618 % 1 - 0.5) * 0.5  # the golden ratio spreads neighbours evenly
        ax.plot(values, row + jitter, "o", color=color, markersize=2.5, alpha=0.7, markeredgewidth=0)
        line = {"color": INK, "linewidth": 0.7}
        ax.boxplot(
            values,
            positions=[row],
            orientation="horizontal",
            widths=0.62,
            showfliers=False,
            boxprops=line,
            whiskerprops=line,
            capprops=line,
            medianprops=line | {"linewidth": 1.4},
        )
    ax.set_yticks(range(len(colors)), [wrapped(variant) for variant in reversed(list(colors))])
    ax.grid(axis="y", visible=False)


def performance_profile(scores: pd.DataFrame, ax: Axes, colors: Mapping[str, str], score: str) -> None:
    """The fraction of runs that score above each level, averaged over the tasks in `scores`, with a pointwise 95%
    bootstrap interval."""
    levels = np.linspace(scores[score].min(), scores[score].max(), 200)
    profile = partial(st.performance_profile, thresholds=levels)
    for variant, color in colors.items():
        rows = scores[scores["variant"] == variant]
        strata = [task[score].to_numpy() for _, task in rows.groupby("env_id", observed=True)]
        low, high = st.bootstrap_interval(strata, profile, stream("profile", variant, score), CONFIDENCE, 1000)
        ax.fill_between(levels, low, high, color=color, alpha=0.25, linewidth=0)
        ax.plot(levels, profile(*strata), color=color, label=wrapped(variant))
    ax.set_ylabel("fraction of runs above")
    ax.set_ylim(-0.02, 1.02)


def survival(scores: pd.DataFrame, ax: Axes, colors: Mapping[str, str]) -> None:
    """Kaplan-Meier estimate of the fraction of seeds that have reached the threshold, with 95% log-log limits."""
    for variant, color in colors.items():
        rows = scores[scores["variant"] == variant]
        time, reached = rows["time"].to_numpy(), rows["reached"].to_numpy()
        x, not_yet = st.kaplan_meier(time, reached)
        _, low, high = st.kaplan_meier_band(time, reached, CONFIDENCE)
        start = np.concatenate([[0], x])
        ax.step(start, 1 - np.concatenate([[1], not_yet]), color=color, where="post", label=wrapped(variant))
        ax.fill_between(x, 1 - high, 1 - low, step="post", color=color, alpha=0.2, linewidth=0)
    ax.set_xlabel(X_LABELS["env_steps"])
    ax.set_ylabel("fraction of seeds there")
    ax.set_ylim(-0.02, 1.02)
    in_steps(ax)


def interval_widths(scores: pd.DataFrame, ax: Axes, colors: Mapping[str, str], score: str) -> None:
    """The width of the 95% interval of the IQM that so many seeds like these would have given."""
    for variant, color in colors.items():
        values = scores.loc[scores["variant"] == variant, score].to_numpy()
        if len(values) < 2:
            continue
        sizes = np.unique(np.geomspace(4, max(8, 2 * len(values)), 16).astype(int))
        widths = st.interval_width(values, st.iqm, sizes, stream("width", variant, score), CONFIDENCE)
        ax.plot(sizes, widths, color=color, label=wrapped(variant))
        ax.plot(len(values), np.interp(len(values), sizes, widths), "o", color=color, markersize=4)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set_ylim(bottom=0)
    ax.set_xlabel("number of seeds")
    ax.set_ylabel("width of the interval")


def improvement(pairs: pd.DataFrame, ax: Axes) -> None:
    """P(a > b) of each pair with its 95% interval; filled where its own adjusted p is at most .05."""
    records = pairs.iloc[::-1].to_dict("records")
    for row, pair in enumerate(records):
        ax.plot([pair["probability_low"], pair["probability_high"]], [row, row], color=INK, linewidth=1)
        fill = INK if pair["probability_adjusted_p"] <= LEVEL else "none"
        ax.plot(pair["probability_of_improvement"], row, "o", color=INK, markerfacecolor=fill, markersize=4)
    labels = [wrapped(f"{pair['a']} > {pair['b']}", 34) for pair in records]
    ax.set_yticks(range(len(pairs)), labels)
    ax.set_ylim(-0.6, len(pairs) - 0.4)
    ax.axvline(0.5, **GUIDE)
    ax.set_xlim(-0.02, 1.02)
    ax.set_xlabel("probability that a run of the first is better")
    ax.grid(axis="y", visible=False)


# Hyperparameter sweeps


def heat_map(table: pd.DataFrame, ax: Axes, x: str, y: str, value: str) -> None:
    """The mean of `value` over the rows of `table` that share the settings `x` and `y`."""
    cells = table.pivot_table(index=y, columns=x, values=value, aggfunc="mean", sort=False)
    cells = cells.loc[sorted(cells.index, key=natural), sorted(cells.columns, key=natural)]
    image = ax.imshow(cells.to_numpy(), cmap="cividis", aspect="auto", origin="lower")
    ax.set_xticks(range(cells.shape[1]), list(cells.columns))
    ax.set_yticks(range(cells.shape[0]), list(cells.index))
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.grid(visible=False)
    low, high = image.get_clim()
    for (row, column), cell in np.ndenumerate(cells.to_numpy()):
        if np.isfinite(cell):
            ink = "white" if cell < (low + high) / 2 else "black"
            ax.text(column, row, f"{cell:.3g}", ha="center", va="center", fontsize=6.5, color=ink)


def ranking(table: pd.DataFrame, ax: Axes, best: int = 20) -> None:
    """The `best` rows of `table` by mean score, with 95% bootstrap intervals; the column `settings` names them."""
    top = table.dropna(subset="mean").sort_values("mean", ascending=False).head(best).iloc[::-1]
    rows = np.arange(len(top))
    ax.hlines(rows, top["mean_low"], top["mean_high"], color=INK, linewidth=1)
    ax.plot(top["mean"], rows, "o", color=INK, markersize=3.5)
    ax.set_yticks(rows, [wrapped(name, 36) for name in top["settings"]], fontsize=6.5)
    ax.set_ylim(-0.6, len(top) - 0.4)
    ax.grid(axis="y", visible=False)
