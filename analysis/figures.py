"""Composing figures from plots, with their captions, and turning them into PNG and SVG."""

import io
import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from analysis import plots
from analysis.style import COLUMN, INK


@dataclass(frozen=True)
class Figure:
    """A drawn figure with its file name (no suffix) and its caption."""

    name: str
    caption: str
    figure: MplFigure


def seeds_figure(
    frame: pd.DataFrame, counts: Mapping[str, str], colors: Mapping[str, str], metric: str, x: str
) -> Figure:
    """One panel per variant with every seed, and all variants' medians in the last panel. `frame` is one task's."""
    env_id = str(frame["env_id"].iloc[0])
    panels = len(colors) + (len(colors) > 1)
    columns = min(panels, 2)
    rows = math.ceil(panels / columns)
    figure, grid = plt.subplots(
        rows,
        columns,
        figsize=(COLUMN * columns, 2.3 * rows),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    axes: list[Axes] = list(grid.flat)
    for (variant, color), ax in zip(colors.items(), axes, strict=False):
        plots.seed_curves(frame, ax, variant, metric, color, x)
        ax.set_title(f"{variant} ({counts[variant]})")
    if len(colors) > 1:
        for variant, color in colors.items():
            plots.median_band(frame, axes[panels - 1], variant, metric, color, x)
        axes[panels - 1].set_title("all variants")
        axes[panels - 1].legend()
    for ax in axes[panels:]:
        ax.remove()
    for number, ax in enumerate(axes[:panels]):
        ax.label_outer()
        if number + columns >= panels:
            ax.tick_params(labelbottom=True)
            ax.set_xlabel(plots.X_LABELS[x])
    caption = (
        f"{env_id}, {plots.describe(metric)}: every seed (thin), their median (thick) and the band from the first to "
        f"the third quartile of the seeds, at each point and without smoothing. {describe_counts(counts)}"
    )
    return Figure(f"seeds-{file_name(env_id)}", caption, figure)


def describe_counts(counts: Mapping[str, str]) -> str:
    return "; ".join(f"{variant}: {count}" for variant, count in counts.items()) + "."


def file_name(text: str) -> str:
    """`text` with what a file name should not hold replaced."""
    return "".join(letter if letter.isalnum() or letter in "-_.=" else "-" for letter in text)


def encode(drawn: Figure, suffix: str) -> bytes:
    """The figure as a PNG or SVG file, with its caption below. The same figure gives the same bytes."""
    figure = drawn.figure
    width = int(figure.get_figwidth() * 19)
    text = figure.text(
        0.01, -0.01, "\n".join(textwrap.wrap(drawn.caption, width)), va="top", ha="left", fontsize=7, color=INK
    )
    buffer = io.BytesIO()
    figure.savefig(
        buffer,
        format=suffix,
        bbox_inches="tight",
        facecolor="white",
        metadata={"Date": None} if suffix == "svg" else None,
    )
    text.remove()
    return buffer.getvalue()
