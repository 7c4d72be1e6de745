"""The figures of the report: which there are, what each shows, and its caption."""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from analysis.extensions import from_outside, one_line
from analysis.numbers import number
from analysis.plots import axes as plots
from analysis.plots.canvas import Canvas, Figure, file_name, finished, settle, single
from analysis.plots.style import COLUMN, MAIN, colors_of
from analysis.references import Reference
from analysis.results import MOST_SHOWN, Results
from analysis.run_format import InputError
from analysis.runs.variants import ABSENT, settings_table, short_names
from analysis.summary import ALL_TASKS, COVERAGE, TOLERANCE_CONFIDENCE


@dataclass(frozen=True)
class Context:
    """What the figures of one task share.

    Attributes:
        counts: number of seeds of each variant, in words.
        colors: color of each variant.
        score_text: description of the score.
        known: references of tasks.
    """

    env_id: str
    counts: Mapping[str, str]
    colors: Mapping[str, str]
    metric: str
    score: str
    score_text: str
    lower_is_better: bool = False
    known: Mapping[str, Reference] = field(default_factory=dict)

    @property
    def seeds(self) -> str:
        """The number of seeds, and how many of them failed or did not finish."""
        if len(set(self.counts.values())) == 1:
            return next(iter(self.counts.values())) + (" each." if len(self.counts) > 1 else ".")
        return "; ".join(f"{variant}: {count}" for variant, count in self.counts.items()) + "."

    @property
    def better(self) -> str:
        return "below" if self.lower_is_better else "above"


def seeds_figure(frame: pd.DataFrame, context: Context, x: str) -> Figure:
    """All medians in a wide panel, and below it one panel per variant with every seed. `frame` holds one task."""
    several = len(context.colors) > 1

    def one(variant: str) -> Callable[[Axes], None]:
        def draw(ax: Axes) -> None:
            plots.seed_curves(frame, ax, variant, context.metric, context.colors[variant], x, context.known)
            ax.set_title(plots.wrapped(f"{variant} ({context.counts[variant]})", 32))

        return draw

    def together(ax: Axes) -> None:
        for variant, color in context.colors.items():
            plots.median_band(frame, ax, variant, context.metric, color, x, context.known)
        ax.set_title("all variants: median and middle half of seeds")

    singles = [one(variant) for variant in context.colors]
    columns = min(len(singles), 3) if several else 1
    rows = math.ceil(len(singles) / columns)
    canvas = Canvas(
        figsize=(2 * COLUMN if several else COLUMN, 2.6 * several + 2.1 * rows + 0.25), layout="constrained"
    )
    grid = canvas.add_gridspec(several + rows, columns, height_ratios=[2.5] * several + [2.1] * rows)
    places = [grid[0, :]] if several else []
    places += [grid[several + position // columns, position % columns] for position in range(len(singles))]
    axes: list[Axes] = []
    for place, (draw, cell) in enumerate(zip([together] * several + singles, places, strict=True)):
        like = axes[several] if place > several else None  # ticks of the wide panel would be too many for the others
        axes.append(canvas.add_subplot(cell, sharex=like, sharey=axes[0] if axes else None))
        draw(axes[-1])
    if several:
        axes[several].set_xlim(axes[0].get_xlim())
        axes[0].legend(ncols=math.ceil(len(context.colors) / 4))
    handles, labels = axes[-1].get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    for place, ax in enumerate(axes[several:]):
        if place % columns:
            ax.tick_params(labelleft=False)
            ax.set_ylabel("")
        if place + columns < len(singles):
            ax.tick_params(labelbottom=False)
            ax.set_xlabel("")
    settle(canvas)

    def alone(draw: Callable[[Axes], None]) -> Canvas:
        def with_shared_limits(ax: Axes) -> None:
            draw(ax)
            ax.set(xlim=axes[0].get_xlim(), ylim=axes[0].get_ylim())

        return single(with_shared_limits, 2)

    def main(ax: Axes) -> None:
        together(ax)
        ax.set(xlim=axes[0].get_xlim(), ylim=axes[0].get_ylim())

    parts = [single(main, len(context.colors), width=MAIN)] * several + [alone(draw) for draw in singles]
    caption = (
        f"{context.env_id}, {plots.describe(context.metric)}: every seed (thin), their median (thick) and the band "
        "from the first to the third quartile, at each point and without smoothing. Dashed: limits that hold at "
        f"least {COVERAGE:.0%} of runs, with {TOLERANCE_CONFIDENCE:.0%} confidence from 18 seeds on; with fewer seeds, "
        f"the extremes. A cross marks where a seed failed. {context.seeds}"
    )
    return Figure(f"seeds-{file_name(context.env_id)}", "All seeds", caption, canvas, parts)


def task_figures(aligned: pd.DataFrame, scores: pd.DataFrame, pairs: pd.DataFrame, context: Context) -> list[Figure]:
    """The figures of one task that compare variants. The frames hold the shown variants."""
    colors, metric, score, lower = (
        context.colors,
        plots.describe(context.metric),
        context.score,
        context.lower_is_better,
    )
    variants = len(colors)

    def profile(ax: Axes) -> None:
        plots.performance_profile(scores, ax, colors, score, lower)
        ax.set_xlabel(f"{score} {metric}")

    def distribution(ax: Axes) -> None:
        plots.distribution(scores, ax, colors, score)
        ax.set_xlabel(f"{score} {metric}")

    def efficiency(ax: Axes) -> None:
        plots.sample_efficiency(aligned, ax, colors, lower)
        ax.set_xlabel(f"level of {metric}")

    def iqm(ax: Axes) -> None:
        plots.iqm_curves(aligned, ax, colors)
        ax.set_ylabel(f"IQM of {metric}")

    threshold = float(scores["threshold"].iloc[0])
    drawn = [
        Figure(
            "iqm",
            "Interquartile mean",
            f"Interquartile mean of {metric} over seeds, up to the horizon, without smoothing. Band: 95% interval at "
            "each point by itself. Thin lines: limits that hold the whole curve at once, with 95% confidence. The axis "
            "has the range of the seeds; wider limits leave it.",
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
            f"The fraction of seeds whose {score} score is {context.better} each level, with pointwise 95% intervals.",
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
    ]
    if scores.groupby("variant", observed=True).size().max() > 2:
        drawn.append(widths_figure(scores, context))
    if len(pairs):
        drawn.insert(3, improvement_figure(pairs, f"{score} score"))
    return [finished(figure, context.env_id, context.seeds) for figure in drawn]


def widths_figure(scores: pd.DataFrame, context: Context) -> Figure:
    caption = (
        f"The width of the 95% interval of the mean {context.score} score for other numbers of seeds like these: "
        "its median (line), and where it lies in 80% of the cases (band). The points are the seeds there are. "
        "Choose the number before the runs: adding seeds until a difference is significant finds differences that are "
        "not there."
    )
    canvas = single(lambda ax: plots.interval_widths(scores, ax, context.colors, context.score), len(context.colors))
    return Figure("interval-width", "How many seeds are enough", caption, canvas)


def improvement_figure(pairs: pd.DataFrame, what: str) -> Figure:
    caption = (
        f"The probability that a run of the first variant has a better {what} (ties count half) than one of the "
        "second, with 95% intervals; filled where its own test, adjusted for all pairs, has p at most .05."
    )
    names = [plots.wrapped(f"{pair['a']} beats {pair['b']}", 34) for pair in pairs.to_dict("records")]
    canvas = single(lambda ax: plots.improvement(pairs, ax), 0, rows_height(names))
    return Figure("improvement", "Probability of improvement", caption, canvas)


def rows_height(names: Sequence[str]) -> float:
    """Height in inches of a list with these names. A name may have several lines."""
    return 0.7 + len(names) * max(0.24, 0.14 * max(name.count("\n") + 1 for name in names))


def overall_figures(
    scores: pd.DataFrame, overall: pd.DataFrame, pairs: pd.DataFrame, context: Context, scale: str
) -> list[Figure]:
    """The figures over all tasks. `scores` has the column `normalised`; `scale` says what 0 and 1 are."""

    def profile(ax: Axes) -> None:
        plots.performance_profile(scores, ax, context.colors, "normalised")
        ax.set_xlabel("normalised score")

    caption = (
        "The fraction of runs whose normalised score is above each level, averaged over tasks, with pointwise 95% "
        f"intervals. {scale}"
    )
    drawn = [Figure("profile", "Performance profile", caption, single(profile, len(context.colors)))]
    if len(pairs):
        drawn.append(improvement_figure(pairs, "score"))
    if "mean_rank" in overall:
        caption = (
            "The rank of each variant's mean, averaged over tasks, with 95% intervals from seeds drawn anew within "
            "each task."
        )
        names = [plots.wrapped(str(variant)) for variant in overall["variant"]]
        canvas = single(lambda ax: plots.ranks(overall, ax), 0, rows_height(names))
        drawn.append(Figure("ranks", "Ranks", caption, canvas))
    return [finished(figure, ALL_TASKS, context.seeds) for figure in drawn]


def own_figures(comparison: Results) -> list[Figure]:
    """The user's figures.

    Raises:
        InputError: A function raises, or returns something other than figures.
    """
    drawn: list[Figure] = []
    for name in comparison.choices.figures:
        function = from_outside(name, "figure")
        try:
            result = function(comparison)
        except Exception as error:
            raise InputError(f"figure {name}: {one_line(error)}") from error
        for position, item in enumerate(result if isinstance(result, (list, tuple)) else [result]):
            if isinstance(item, Canvas):
                title = function.__name__.replace("_", " ")
                caption = (function.__doc__ or title).strip().splitlines()[0]
                number_of = f"-{position + 1}" * isinstance(result, (list, tuple))
                item = Figure(file_name(f"own-{function.__name__}{number_of}"), title.capitalize(), caption, item)
            if not isinstance(item, Figure):
                raise InputError(f"figure {name} gave {type(item).__name__}; expected: a matplotlib Figure, or several")
            drawn.append(replace(item, name=file_name(item.name)))
    return drawn


OWN = "figures of your own"


def sweep_figures(
    table: pd.DataFrame, keys: list[str], env_id: str, algo: str, what: str, lower_is_better: bool
) -> list[Figure]:
    """A ranking, and a heat map for every two of the swept `keys`. `table` is a summary with the keys as columns."""

    def rank(ax: Axes) -> None:
        plots.ranking(table, ax, lower_is_better=lower_is_better)
        ax.set_xlabel(what)

    shown = min(20, len(table))
    caption = (
        f"The best {shown} of {len(table)} settings ({', '.join(keys)}) by mean {what}, with 95% intervals, "
        "not corrected for choosing the best."
    )
    drawn = [Figure(f"ranking-{algo}", f"Ranking, {algo}", caption, single(rank, 0, 0.7 + 0.26 * shown))]
    for position, y in enumerate(keys):
        for x in keys[position + 1 :]:

            def draw(ax: Axes, x: str = x, y: str = y) -> None:
                plots.heat_map(table, ax, x, y, "mean", f"mean {what}")

            caption = f"Mean {what} over seeds and over the settings of the other swept keys."
            drawn.append(Figure(f"heat-map-{algo}-{y}-{x}", f"{y} and {x}, {algo}", caption, single(draw, 0)))
    return [finished(figure, env_id, "") for figure in drawn]


def draw(comparison: Results) -> dict[str, list[Figure]]:
    """The figures by task, in the order of the page. Those over all tasks are under ALL_TASKS, the user's under OWN."""
    choices, seeds, scores, pairs = comparison.choices, comparison.dataset.seeds, comparison.scores, comparison.pairs
    figures: dict[str, list[Figure]] = {}
    if choices.figures:
        figures[OWN] = own_figures(comparison)  # first: they may be refused
    drawn = comparison.shown or sorted(seeds["variant"].unique())[:MOST_SHOWN]
    colors = colors_of(drawn)
    score, lower = choices.scored.name, choices.lower_is_better
    by_task = dict(iter(comparison.dataset.frame.groupby("env_id", observed=True)))
    for env_id, frame in by_task.items():
        env_id = str(env_id)
        here = seeds[seeds["env_id"] == env_id]
        known = set(frame.loc[frame[choices.metric].notna(), "variant"])
        present = {variant: colors[variant] for variant in drawn if variant in known}
        if not present:
            continue
        counts = {variant: count_text(here[here["variant"] == variant]) for variant in present}
        task = comparison.tasks.get(env_id)
        text = choices.scored.describe(task, choices.last) if task else ""
        context = Context(env_id, counts, present, choices.metric, score, text, lower, choices.known_references)
        frame = frame[frame["variant"].isin(present)]
        figures[env_id] = [*sweeps(comparison, env_id), seeds_figure(frame, context, choices.x)]
        if task:
            scored, aligned = (table[table["variant"].isin(present)] for table in (scores, task.frame()))
            scored = scored[scored["env_id"] == env_id]
            if len(scored):
                here_scored = Context(
                    env_id,
                    {v: f"{scored_text(scored, v)}" for v in present if (scored["variant"] == v).any()},
                    {v: color for v, color in present.items() if (scored["variant"] == v).any()},
                    *(choices.metric, score, text, lower),
                )
                figures[env_id] += task_figures(aligned, scored, pairs_of(pairs, env_id), here_scored)
    if len(comparison.overall):
        variants = list(comparison.overall["variant"])
        counts = {row["variant"]: overall_count(row) for row in comparison.overall.to_dict("records")}
        context = Context(ALL_TASKS, counts, {v: colors[v] for v in variants}, choices.metric, score, "")
        over = pairs_of(pairs, ALL_TASKS)
        figures[ALL_TASKS] = overall_figures(
            comparison.normalised, comparison.overall, over, context, scale_text(comparison)
        )
    return figures


def pairs_of(pairs: pd.DataFrame, env_id: str) -> pd.DataFrame:
    return pairs[pairs["env_id"] == env_id] if len(pairs) else pairs


def scored_text(scored: pd.DataFrame, variant: str) -> str:
    """The number of seeds with a score, as text: "n=5, 1 failed"."""
    own = scored[scored["variant"] == variant]
    failed = int(own["failed"].sum())
    return f"n={len(own)}" + (f", {failed} failed" if failed else "")


def overall_count(row: Mapping[Hashable, Any]) -> str:
    return f"n={row['scored']} runs on {row['tasks']} tasks"


def scale_text(comparison: Results) -> str:
    """What 0 and 1 mean for normalised scores."""
    observed = [env_id for env_id, scale in comparison.scales.items() if not scale.fixed]
    if not observed:
        return "0 and 1 are each task's references, listed under “How runs are compared”."
    return (
        "0 and 1 are each task's references, listed under “How runs are compared”; on "
        f"{', '.join(observed)} they are the untrained return and the best variant's mean of these runs."
    )


def sweeps(comparison: Results, env_id: str) -> list[Figure]:
    """Ranking and heat maps for each algorithm that was run with more than two settings on this task."""
    dataset = comparison.dataset
    figures: list[Figure] = []
    if "mean" not in comparison.summary:
        return figures
    summary = comparison.summary[comparison.summary["env_id"] == env_id].dropna(subset="mean")
    own = {name: run for name, run in dataset.runs.items() if run.env_id == env_id and not run.format}
    for algo in sorted({run.algo for run in own.values()}):
        runs = {name: run for name, run in own.items() if run.algo == algo}
        settings = settings_table(runs, dataset.variants)
        keys = short_names([str(key) for key in settings.columns[3:]])
        settings = settings.rename(columns=keys).drop(columns="env_id")
        values = [", ".join(row) for row in settings[[*keys.values()]].fillna(ABSENT).to_numpy()]
        settings["settings"] = [f"{name} ({text})" for name, text in zip(settings["variant"], values, strict=True)]
        table = summary.merge(settings, on="variant")
        if len(table) > 2 and keys:
            choices = comparison.choices
            what = f"{choices.scored.name} {plots.describe(choices.metric)}"
            figures += sweep_figures(table, list(keys.values()), env_id, algo, what, choices.lower_is_better)
    return figures


def count_text(seeds: pd.DataFrame) -> str:
    """The number of seeds, and how many of them failed, did not finish or have no rows."""
    states = seeds["state"].value_counts()
    words = [f"n={len(seeds)}"]
    words += [f"{states[state]} {state}" for state in ("failed", "unfinished", "no rows") if state in states]
    return ", ".join(words)
