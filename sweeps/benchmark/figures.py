"""The figures of the benchmark: the curves on every task, and the results over all tasks."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from analysis.comparison import Comparison
from analysis.plots import axes as plots
from analysis.plots.canvas import Figure, settle
from analysis.plots.style import COLUMN, colors_of
from analysis.summary import ALL_TASKS
from sweeps.benchmark.runs import VARIANTS

ACROSS = 3


def curves(comparison: Comparison) -> Figure:
    """One panel per task: the median over seeds and the middle half of every variant."""
    tasks = list(comparison.tasks)
    colors = colors_of(VARIANTS)
    down = math.ceil(len(tasks) / ACROSS)
    canvas = Canvas(figsize=(2.2 * COLUMN, 1.85 * down + 0.3), layout="constrained")
    panels: list[Axes] = list(canvas.subplots(down, ACROSS, squeeze=False, sharex=True).flat)
    for ax, env_id in zip(panels, tasks, strict=False):
        frame = comparison.dataset.frame
        frame = frame[frame["env_id"] == env_id]
        for variant, color in colors.items():
            if (frame["variant"] == variant).any():
                plots.median_band(
                    frame, ax, variant, comparison.choices.metric, color, known=comparison.choices.known_references
                )
        ax.set_title(env_id)
        ax.set_ylabel("")
        ax.set_xlabel("")
    for ax in panels[len(tasks) :]:
        ax.set_visible(False)
    for ax in panels[max(0, len(tasks) - ACROSS) : len(tasks)]:
        ax.set_xlabel("env steps")
        ax.tick_params(labelbottom=True)
    for ax in panels[::ACROSS]:
        ax.set_ylabel("episodic return")
    handles, labels = panels[0].get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    settle(canvas)
    caption = (
        "Return of training episodes, ten seeds of each variant: the median over seeds and the band from the first to "
        "the third quartile. Each point is the mean over the episodes that ended since the last point."
    )
    return Figure("curves", "Learning curves", caption, canvas)


def over_all_tasks(comparison: Comparison) -> Figure:
    """Three panels over all tasks: performance profile, probability of improvement, and mean rank."""
    canvas = Canvas(figsize=(2.2 * COLUMN, 2.3), layout="constrained")
    profile, chance, rank = canvas.subplots(1, 3, width_ratios=[1.2, 1, 1])
    plots.performance_profile(comparison.normalised, profile, colors_of(VARIANTS), "normalised")
    profile.set_xlabel("normalised score")
    profile.legend()
    pairs = comparison.pairs
    plots.improvement(pairs[pairs["env_id"] == ALL_TASKS], chance)
    plots.ranks(comparison.overall, rank)
    settle(canvas)
    caption = (
        "Over all tasks. Left: the fraction of runs whose normalised score is above each level. Middle: the "
        "probability that a run of the first variant ends higher than a run of the second on the same task; filled "
        "where its own test, adjusted for all pairs, has p at most .05. Right: the rank of each variant's mean, "
        "averaged over tasks. Bands and bars are 95% intervals."
    )
    return Figure("all-tasks", "All tasks", caption, canvas)
