"""Which figures there are, what is in each, and its caption."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from analysis.comparison import Comparison
from analysis.numbers import number
from analysis.plots import axes as plots
from analysis.plots.canvas import Canvas, Figure, file_name, finished, settle, single
from analysis.plots.style import COLUMN, colors_of
from analysis.summary import ALL_TASKS, COVERAGE, TOLERANCE_CONFIDENCE
from analysis.variants import ABSENT, settings_table, short_names


@dataclass(frozen=True)
class Context:
    """What the figures of one task share: how many seeds each variant has, in words, and its colour."""

    env_id: str
    counts: Mapping[str, str]
    colors: Mapping[str, str]
    metric: str
    score_text: str

    @property
    def seeds(self) -> str:
        """The number of seeds, and how many of them did not end well."""
        if len(set(self.counts.values())) == 1:
            return next(iter(self.counts.values())) + (" each." if len(self.counts) > 1 else ".")
        return "; ".join(f"{variant}: {count}" for variant, count in self.counts.items()) + "."


def seeds_figure(frame: pd.DataFrame, context: Context, x: str) -> Figure:
    """One panel per variant with every seed, and all variants' medians in the last panel. `frame` is one task's."""

    def one(variant: str) -> Callable[[Axes], None]:
        def draw(ax: Axes) -> None:
            plots.seed_curves(frame, ax, variant, context.metric, context.colors[variant], x)
            ax.set_title(plots.wrapped(f"{variant} ({context.counts[variant]})", 46))

        return draw

    def together(ax: Axes) -> None:
        for variant, color in context.colors.items():
            plots.median_band(frame, ax, variant, context.metric, color, x)
        ax.set_title("all variants")

    panels = [one(variant) for variant in context.colors] + ([together] if len(context.colors) > 1 else [])
    columns = min(len(panels), 2)
    rows = math.ceil(len(panels) / columns)
    canvas = Canvas(figsize=(COLUMN * columns, 2.3 * rows), layout="constrained")
    grid = canvas.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    axes: list[Axes] = list(grid.flat)
    for draw, ax in zip(panels, axes, strict=False):
        draw(ax)
    if len(context.colors) > 1:
        axes[len(panels) - 1].legend()
    for ax in axes[len(panels) :]:
        ax.remove()
    for position, ax in enumerate(axes[: len(panels)]):
        ax.label_outer()
        if position + columns >= len(panels):
            ax.tick_params(labelbottom=True)
            ax.set_xlabel(plots.X_LABELS[x])
    settle(canvas)

    def alone(draw: Callable[[Axes], None]) -> Canvas:
        def with_shared_limits(ax: Axes) -> None:
            draw(ax)
            ax.set(xlim=axes[0].get_xlim(), ylim=axes[0].get_ylim())

        return single(with_shared_limits, len(context.colors) if draw is together else 1)

    caption = (
        f"{context.env_id}, {plots.describe(context.metric)}: every seed (thin), their median (thick) and the band "
        "from the first to the third quartile, at each point and without smoothing. Dashed: the limits that hold at "
        f"least {COVERAGE:.0%} of runs, with {TOLERANCE_CONFIDENCE:.0%} confidence where there are seeds enough (18), "
        f"else the extremes. A cross marks where a seed failed. {context.seeds}"
    )
    return Figure(f"seeds-{file_name(context.env_id)}", "All seeds", caption, canvas, [alone(draw) for draw in panels])


def task_figures(
    aligned: pd.DataFrame, scores: pd.DataFrame, pairs: pd.DataFrame, context: Context, score: str
) -> list[Figure]:
    """The figures of one task that compare variants; the frames are those of the shown variants."""
    env_id, colors, metric = context.env_id, context.colors, plots.describe(context.metric)
    variants = len(colors)

    def profile(ax: Axes) -> None:
        plots.performance_profile(scores, ax, colors, score)
        ax.set_xlabel(f"{score} {metric}")

    def distribution(ax: Axes) -> None:
        plots.distribution(scores, ax, colors, score)
        ax.set_xlabel(f"{score} {metric}")

    def efficiency(ax: Axes) -> None:
        plots.sample_efficiency(aligned, ax, colors)
        ax.set_xlabel(f"level of {metric}")

    def iqm(ax: Axes) -> None:
        plots.iqm_curves(aligned, ax, colors)
        ax.set_ylabel(f"IQM of {metric}")

    threshold = float(scores["threshold"].iloc[0])
    drawn = [
        Figure(
            "iqm",
            "Interquartile mean",
            f"Interquartile mean of {metric} over seeds, with pointwise 95% bootstrap intervals; up to the env steps "
            "that all variants reached; no smoothing.",
            single(iqm, variants),
        ),
        Figure(
            "scores",
            "Scores",
            f"The {score} score of every seed ({context.score_text}); box: quartiles and median, whiskers: 1.5 "
            "interquartile ranges.",
            single(distribution, variants, 0.7 + 0.45 * variants),
        ),
        Figure(
            "profile",
            "Performance profile",
            f"The fraction of seeds whose {score} score is above each level, with pointwise 95% bootstrap intervals.",
            single(profile, variants),
        ),
        Figure(
            "survival",
            f"Time to {number(threshold)}",
            f"The fraction of seeds that have reached {number(threshold)} (Kaplan-Meier, with pointwise 95% log-log "
            "limits); a seed that never does is censored at its end.",
            single(lambda ax: plots.survival(scores, ax, colors), variants),
        ),
        Figure(
            "efficiency",
            "Sample efficiency",
            "Env steps by which half of the seeds have reached each level; a line ends where fewer than half ever do.",
            single(efficiency, variants),
        ),
        Figure(
            "interval-width",
            "How many seeds are enough",
            f"The width of the 95% interval of the IQM of the {score} score that a number of seeds like these gives; "
            "the points are the seeds there are.",
            single(lambda ax: plots.interval_widths(scores, ax, colors, score), variants),
        ),
    ]
    if len(pairs):
        drawn.insert(3, improvement_figure(pairs, f"{score} score"))
    return [finished(figure, env_id, context.seeds) for figure in drawn]


def improvement_figure(pairs: pd.DataFrame, what: str) -> Figure:
    caption = (
        f"The probability that a run of the first variant has a higher {what} (ties count half) than one of the "
        "second, with 95% bootstrap intervals; filled where Holm's corrected p is at most .05."
    )
    canvas = single(lambda ax: plots.improvement(pairs, ax), 0, 0.7 + 0.24 * len(pairs))
    return Figure("improvement", "Probability of improvement", caption, canvas)


def overall_figures(scores: pd.DataFrame, pairs: pd.DataFrame, context: Context) -> list[Figure]:
    """The figures over all tasks; `scores` has the column `normalised`."""

    def profile(ax: Axes) -> None:
        plots.performance_profile(scores, ax, context.colors, "normalised")
        ax.set_xlabel("normalised score")

    caption = (
        "The fraction of runs whose normalised score is above each level, averaged over tasks, with pointwise 95% "
        "intervals from a bootstrap stratified by task. 0 is a task's untrained return, 1 its best seed."
    )
    drawn = [Figure("profile", "Performance profile", caption, single(profile, len(context.colors)))]
    if len(pairs):
        drawn.append(improvement_figure(pairs, "score"))
    return [finished(figure, ALL_TASKS, context.seeds) for figure in drawn]


def sweep_figures(table: pd.DataFrame, keys: list[str], env_id: str, algo: str, what: str) -> list[Figure]:
    """A ranking, and a heat map for every two of the swept `keys`; `table` is a summary with the keys as columns."""

    def rank(ax: Axes) -> None:
        plots.ranking(table, ax)
        ax.set_xlabel(what)

    shown = min(20, len(table))
    caption = (
        f"The best {shown} of {len(table)} settings ({', '.join(keys)}) by mean {what}, with 95% bootstrap intervals, "
        "not corrected for choosing the best."
    )
    drawn = [Figure(f"ranking-{algo}", f"Ranking, {algo}", caption, single(rank, 0, 0.7 + 0.26 * shown))]
    for position, y in enumerate(keys):
        for x in keys[position + 1 :]:

            def draw(ax: Axes, x: str = x, y: str = y) -> None:
                plots.heat_map(table, ax, x, y, "mean")

            caption = f"Mean {what} over seeds and over the settings of the other swept keys."
            drawn.append(Figure(f"heat-map-{algo}-{y}-{x}", f"{y} and {x}, {algo}", caption, single(draw, 0)))
    return [finished(figure, env_id, "") for figure in drawn]


def draw(comparison: Comparison) -> dict[str, list[Figure]]:
    """The figures by task, in the order of the page; those over all tasks under ALL_TASKS."""
    choices, seeds, scores, pairs = comparison.choices, comparison.dataset.seeds, comparison.scores, comparison.pairs
    colors = colors_of(comparison.shown)
    figures: dict[str, list[Figure]] = {}
    for env_id, task in comparison.tasks.items():
        present = {variant: colors[variant] for variant in comparison.shown if variant in task.variants}
        here = seeds[seeds["env_id"] == env_id]
        counts = {variant: count_text(here[here["variant"] == variant]) for variant in present}
        context = Context(env_id, counts, present, choices.metric, choices.score_text)
        frame, aligned, scored = (
            table[(table["env_id"] == env_id) & table["variant"].isin(present)]
            for table in (comparison.dataset.frame, task.frame(), scores)
        )
        figures[env_id] = [
            *sweeps(comparison, env_id),
            seeds_figure(frame, context, choices.x),
            *task_figures(aligned, scored, pairs[pairs["env_id"] == env_id], context, choices.score),
        ]
    if len(comparison.overall):
        variants = list(comparison.overall["variant"])
        counts = {row["variant"]: f"n={row['scored']}" for row in comparison.overall.to_dict("records")}
        context = Context(ALL_TASKS, counts, {v: colors[v] for v in variants}, choices.metric, choices.score_text)
        figures[ALL_TASKS] = overall_figures(comparison.normalised, pairs[pairs["env_id"] == ALL_TASKS], context)
    return figures


def sweeps(comparison: Comparison, env_id: str) -> list[Figure]:
    """Ranking and heat maps for each algorithm that was run with more than two settings on this task."""
    dataset = comparison.dataset
    summary = comparison.summary[comparison.summary["env_id"] == env_id].dropna(subset="mean")
    figures = []
    for algo in sorted({run.algo for run in dataset.runs.values() if run.env_id == env_id}):
        runs = {name: run for name, run in dataset.runs.items() if (run.env_id, run.algo) == (env_id, algo)}
        settings = settings_table(runs, dataset.variants)
        keys = short_names([str(key) for key in settings.columns[3:]])
        settings = settings.rename(columns=keys).drop(columns="env_id")
        values = [", ".join(row) for row in settings[[*keys.values()]].fillna(ABSENT).to_numpy()]
        settings["settings"] = [f"{name} ({text})" for name, text in zip(settings["variant"], values, strict=True)]
        table = summary.merge(settings, on="variant")
        if len(table) > 2 and keys:
            what = f"{comparison.choices.score} {plots.describe(comparison.choices.metric)}"
            figures += sweep_figures(table, list(keys.values()), env_id, algo, what)
    return figures


def count_text(seeds: pd.DataFrame) -> str:
    """How many seeds there are, and how many of them did not end well."""
    states = seeds["state"].value_counts()
    words = [f"n={len(seeds)}"]
    words += [f"{states[state]} {state}" for state in ("failed", "unfinished", "no rows") if state in states]
    return ", ".join(words)
