"""The figures of a tuning study."""

import math
from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from analysis.plots.axes import describe
from analysis.plots.canvas import Canvas, Figure, file_name, settle, single
from analysis.plots.style import COLUMN, colors_of
from analysis.runs.variants import short_names
from analysis.tuning import plots
from analysis.tuning.gap import scores_of
from analysis.tuning.study import PRESET, TUNED, Study
from analysis.tuning.winners import normalised_scores

PANELS = 3
"""Number of panels side by side in a figure of slices."""


def curve_figure(study: Study, env_id: str, curves: Mapping[str, pd.DataFrame], bounded: bool) -> Figure:
    """The best score of every variant on a task over the number of trials."""
    plan = study.plan
    what = f"{plan['score']} {describe(plan['metric'])}"
    kind = "Expected best" if bounded else "Median best"

    def draw(ax: Axes) -> None:
        plots.tuning_curves(curves, ax, colors_of(curves))
        ax.set_ylabel(f"{kind.lower()} {what}")
        ax.set_title(env_id)

    caption = (
        f"{env_id}. {kind} {what} of a search by the number of its trials. Bands: limits that hold the curves of all "
        f"{len(curves)} variants at once with 95% confidence, exact for settings drawn at random"
        + (
            ", given the lowest and the highest return that an episode can have."
            if bounded
            else "; none where the trials are too few."
        )
    )
    return Figure(f"curve-{file_name(env_id)}", f"{kind} by trials", caption, single(draw, len(curves)))


def slice_figure(study: Study, variant: str) -> Figure:
    """Every trial of a variant as a point, one panel per setting, by task."""
    space, settings = study.spaces[variant], study.settings[variant]
    shares = shares_of(study, variant)
    tasks = {str(env_id): shares[env_id].dropna() for env_id in shares}
    colors = colors_of(tasks)
    columns = min(PANELS, len(space))
    rows = math.ceil(len(space) / columns)
    canvas = Canvas(figsize=(2 * COLUMN, 1.7 * rows + 0.3), layout="constrained")
    axes = list(canvas.subplots(rows, columns, sharey=True, squeeze=False).flat)
    names = short_names(list(space))
    for key, ax in zip(space, axes, strict=False):
        plots.slices(settings, tasks, ax, key, space, colors)
        ax.set_xlabel(names[key])
    for ax in axes[len(space) :]:
        ax.remove()
    for ax in axes[: len(space) : columns]:
        ax.set_ylabel("share of trials beaten")
    handles, labels = axes[0].get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    settle(canvas)
    caption = (
        f"{variant}: every trial as a point, by the value of each setting. Its score is the share of all trials on its "
        "task, of any variant, that it is no worse than."
    )
    return Figure(f"slices-{file_name(variant)}", f"Slices of {variant}", caption, canvas)


def parallel_figure(study: Study, variant: str) -> Figure:
    """Each trial of a variant as a line over its settings."""
    space, names = study.spaces[variant], short_names(list(study.spaces[variant]))
    share = shares_of(study, variant).mean(axis=1)

    def draw(ax: Axes) -> None:
        plots.parallel_coordinates(study.settings[variant], share, ax, space, [names[key] for key in space])
        ax.set_title(variant)

    where = "averaged over tasks" if len(study.tasks) > 1 else f"on {study.tasks[0]}"
    caption = (
        f"{variant}: each trial as a line over its settings, from the low to the high end of its range; at the right "
        f"the share of trials beaten, {where}: the better, the darker. Thick: the best."
    )
    return Figure(f"parallel-{file_name(variant)}", f"Settings of {variant}", caption, single(draw, 1, 2.9))


def importance_figure(variant: str, tables: Mapping[str, pd.DataFrame]) -> Figure:
    """The main effect of each setting of a variant on each task."""
    shares = pd.DataFrame({env_id: table.set_index("setting")["share"] for env_id, table in tables.items()})
    shares.index = pd.Index(list(short_names(list(shares.index)).values()))

    def draw(ax: Axes) -> None:
        plots.importance_map(shares, ax)
        ax.set_title(variant)

    caption = (
        f"{variant}: the share of the score's variance over the space that each setting explains alone (main effect "
        "of a Gaussian process fitted to the trials). A dash: the model explains too little of trials left out."
    )
    height = 0.26 * len(shares) + 0.9
    return Figure(f"importance-{file_name(variant)}", f"What matters to {variant}", caption, single(draw, 1, height))


def fresh_figure(study: Study, env_id: str) -> Figure:
    """Scores on fresh seeds of tuned variants and presets, beside the winners' tuning scores."""
    scores, promised, ink = {}, {}, {}
    colors = colors_of(study.variants)
    for variant in study.variants:
        for origin in (TUNED, PRESET):
            values = scores_of(study, variant, env_id, origin)
            if len(values):
                name = f"{variant} ({origin})"
                scores[name], ink[name] = values, colors[variant]
    for winner in study.winners[study.winners["env_id"] == env_id].to_dict("records"):
        promised[f"{winner['variant']} ({TUNED})"] = float(winner["score"])

    def draw(ax: Axes) -> None:
        plots.fresh_scores(scores, promised, ax, ink)
        ax.set_xlabel(f"{study.plan['score']} {describe(study.plan['metric'])}")
        ax.set_title(env_id)

    seeds = max(len(values) for values in scores.values())
    caption = (
        f"{env_id}: each of {seeds} fresh seeds as a point, their mean as a bar; the cross is the score by which "
        "tuning chose the winner."
    )
    return Figure(f"fresh-{file_name(env_id)}", "Fresh seeds", caption, single(draw, 1, 0.32 * len(scores) + 0.9))


def shares_of(study: Study, variant: str) -> pd.DataFrame:
    """Normalised scores of a variant: one row per trial, one column per task."""
    table = study.means.assign(share=normalised_scores(study.means, study.sign))
    return table[table["variant"] == variant].pivot(index="trial", columns="env_id", values="share")
