"""The figures of a study: the curves of its seeds, and the path of each test over the looks."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.numbers import number
from analysis.pairs import BETTER, SAME
from analysis.plots import axes as plots
from analysis.plots.canvas import Figure, file_name, single
from analysis.plots.figures import Context, seeds_figure
from analysis.plots.style import COLORS, GRID, INK, colors_of
from analysis.study.answers import Answer
from analysis.study.record import Record
from analysis.study.scores import failures

INKS = {BETTER: COLORS[0], SAME: COLORS[2]}
"""Colors of the outcomes. Undecided questions have the color of text."""


def path_figure(record: Record, path: Sequence[Answer]) -> Figure:
    """The difference of one question and its interval after each look. `path` holds the answers in order."""
    last = path[-1]
    seeds = np.array([answer.seeds for answer in path])
    low, high = (np.array([getattr(answer, name) for answer in path]) for name in ("low", "high"))
    difference = np.array([answer.difference for answer in path])
    margin = last.margin

    def draw(ax: Axes) -> None:
        if margin is not None:
            ax.axhspan(-margin, margin, color=GRID, alpha=0.6, linewidth=0)
        ax.axhline(0.0, color=INK, linewidth=0.8)
        known = np.concatenate([difference, low[np.isfinite(low)], high[np.isfinite(high)], [0.0]])
        known = np.concatenate([known, [-margin, margin]]) if margin is not None else known
        room = 0.08 * np.ptp(known) or 1.0
        bottom, top = known.min() - room, known.max() + room
        for each, (x, a, b) in enumerate(zip(seeds, np.maximum(low, bottom), np.minimum(high, top), strict=True)):
            ink = INKS.get(last.outcome, INK) if each == len(seeds) - 1 else INK
            ax.plot([x, x], [a, b], color=ink, linewidth=1.6)
        ax.plot(seeds, difference, "o-", color=INK, linewidth=0.8, markersize=3.5)
        ax.plot(seeds[-1:], difference[-1:], "o", color=INKS.get(last.outcome, INK), markersize=6)
        ax.set(ylim=(bottom, top), xlim=(0, record.now.largest + record.now.group / 2))
        ax.set_xticks(range(record.now.group, record.now.largest + 1, record.now.group))
        ax.set_xlabel("seeds of each variant")
        ax.set_ylabel(f"{last.a} minus {last.b}")

    band = "" if margin is None else f" Grey: closer than the margin, {number(margin)}."
    infinite = "" if np.isfinite([low, high]).all() else " A line that runs off the figure has no end yet."
    caption = (
        f"{last.task}. The difference of the mean scores after each group of seeds, with its interval. With "
        f"{100 * (1 - record.now.level):.3g}% confidence the intervals of all looks and all questions of the study "
        f"hold the true differences. Colored: the look at which the test ended.{band}{infinite}"
    )
    name = file_name(f"path-{last.task}-{last.a}-{last.b}")
    return Figure(name, f"{last.a} and {last.b} over the looks: {last.outcome}", caption, single(draw, 0))


def paths(record: Record) -> dict[str, list[Figure]]:
    """The path of each tested question, by task."""
    found: dict[str, list[Figure]] = {}
    for question in record.now.questions:
        path = [answer for look in record.looks for answer in look.answers if answer.question == question]
        if path:
            found.setdefault(question.task, []).append(path_figure(record, path))
    return found


def curves_figure(record: Record, rows: pd.DataFrame, task: str) -> Figure:
    """The curves of all seeds of one task."""
    plan = record.now
    here = rows[rows["task"] == task]
    failed = failures(here)
    counts = {}
    for variant in plan.variants:
        seeds = here.loc[here["variant"] == variant, "seed"].nunique()
        lost = failed.get((task, variant), (0, 0))[0]
        counts[variant] = f"{seeds} seeds" + (f", {lost} failed" if lost else "")
    context = Context(
        record.env_ids[task],
        counts,
        colors_of(list(plan.variants)),
        plan.metric,
        plan.scored.name,
        plots.describe(plan.metric),
        plan.lower_is_better,
        plan.known_references,
    )
    return seeds_figure(here, context, "env_steps")
