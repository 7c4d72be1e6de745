"""One figure: its canvas and its caption, and how it becomes a PNG or SVG file."""

import io
import math
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.transforms import Bbox

from analysis.plots.style import COLUMN, INK


@dataclass(frozen=True)
class Figure:
    """A drawn figure.

    Attributes:
        name: file name without suffix.
        parts: its panels as figures of their own, one column wide each, for a page that flows. Empty if there is one
            panel.
    """

    name: str
    title: str
    caption: str
    canvas: Canvas
    parts: list[Canvas] = field(default_factory=list)


def file_name(text: str) -> str:
    """The text as a file name: characters other than letters, digits and -_.= become a dash."""
    return "".join(letter if letter.isalnum() or letter in "-_.=" else "-" for letter in text)


def single(draw: Callable[[Axes], None], variants: int, height: float = 2.5, width: float = COLUMN) -> Canvas:
    """Draws a figure of one panel, `width` by `height` inches. With several variants there is a legend below."""
    canvas = Canvas(figsize=(width, height), layout="constrained")
    ax = canvas.subplots()
    draw(ax)
    handles, labels = ax.get_legend_handles_labels()
    if variants > 1 and labels:
        widest = max(len(line) for label in labels for line in label.split("\n"))
        columns = min(variants, max(1, round(58 * width / COLUMN) // (widest + 7)))
        lines = math.ceil(len(labels) / columns) * max(label.count("\n") + 1 for label in labels)
        canvas.set_size_inches(width, height + 0.13 * (lines - 1))
        canvas.legend(handles, labels, loc="outside lower center", ncols=columns)
    settle(canvas)
    return canvas


def settle(canvas: Canvas) -> None:
    """Computes the layout once, so that saving does not repeat it. Fixes the legend to the lower edge."""
    engine = canvas.get_layout_engine()
    assert engine is not None
    for _ in range(2):  # the second pass settles labels that the first one moved
        engine.execute(canvas)
    canvas.set_layout_engine(None)  # not "none", which makes saving draw twice
    for legend in canvas.legends:
        legend.set_loc("lower center")
        legend.set_bbox_to_anchor((0.5, 0.0), canvas.transFigure)


def finished(figure: Figure, env_id: str, seeds: str) -> Figure:
    """The figure with the task in its name and its caption, and the number of seeds."""
    caption = f"{env_id[0].upper()}{env_id[1:]}. {figure.caption} {seeds}".strip()
    return Figure(file_name(f"{figure.name}-{env_id}"), figure.title, caption, figure.canvas, figure.parts)


def encode(figure: Figure, suffix: str) -> bytes:
    """The figure as a PNG or SVG file, with its caption below. The same figure gives the same bytes."""
    canvas = figure.canvas
    width, height = canvas.get_size_inches()
    lines = textwrap.wrap(figure.caption, int(width * 19))
    text = canvas.text(0.02, -0.06 / height, "\n".join(lines), va="top", ha="left", fontsize=7, color=INK)
    below = 0.14 + len(lines) * 7 * 1.25 / 72
    content = save(canvas, suffix, facecolor="white", bbox_inches=Bbox([[0, -below], [width, height]]))
    text.remove()
    return content


def save(canvas: Canvas, suffix: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    metadata = {"Date": None} if suffix == "svg" else None
    canvas.savefig(buffer, format=suffix, metadata=metadata, **options)
    return buffer.getvalue()
