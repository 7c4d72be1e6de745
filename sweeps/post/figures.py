"""Which figures there are: what each needs, how it is drawn, and its caption."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure as Canvas

from analysis import plots as seeds
from analysis.numbers import number
from analysis.plots.canvas import settle, single
from analysis.plots.style import COLORS, COLUMN, colors_of
from sweeps.post import plots
from sweeps.post.data import Data
from sweeps.post.runs import HALF_TRAINED
from sweeps.post.scores import LAST, ablation_runs, ablation_table, final_returns

ALGOS = ("ppo", "a2c", "trpo")
CLIP_COEF = 0.2
WAYS = {"post": "swingup-36", "textbook": "textbook"}
OTHER_WAY = COLORS[-1]

POST_AXES = {
    "cartpole-ppo": (-5.0, 104.0, 13.0, 214.0),
    "cartpole-a2c": (-5.0, 104.0, 11.0, 222.0),
    "swingup-ppo": (-12.75, 267.75, -334.0, 407.0),
    "swingup-36-ppo": (-12.75, 267.75, -388.0, 424.0),
    "swingup-36-a2c": (-12.75, 267.75, -491.0, 422.0),
    "swingup-36-trpo": (-12.75, 267.75, -388.0, 424.0),
}
"""Left, right, bottom and top of the post's figures, read off them; TRPO's, which it has not, as PPO's."""


@dataclass(frozen=True)
class Drawing:
    """One figure: the runs whose numbers it shows, and what draws it from them."""

    name: str
    title: str
    needs: tuple[str, ...]
    draw: Callable[[Data], Canvas]
    caption: Callable[[Data], str]
    vector: bool = True  # also as SVG


def one_seed(name: str, run: str, title: str) -> Drawing:
    """A learning curve of seed 0, as the post draws it."""

    def draw(data: Data) -> Canvas:
        frame = data.frame(run)
        frame = frame[frame["seed"] == 0]
        return single(lambda ax: plots.as_the_post(frame, ax, POST_AXES[name], 1.0, ["#4c72b0"]), 1)

    caption = f"{title} with the post's arithmetic: its measure of return for seed 0, at every iteration."
    return Drawing(name, title, (run,), draw, lambda data: caption)


def all_seeds(algo: str) -> list[Drawing]:
    """36 seeds as the post draws them, and as distributions."""
    name, title = f"swingup-36-{algo}", f"36 seeds of {algo.upper()}"

    def lines(data: Data) -> Canvas:
        return single(lambda ax: plots.as_the_post(data.frame(name), ax, POST_AXES[name], 0.5, plots.TABLEAU), 1)

    def spread(data: Data) -> Canvas:
        frame = data.frame(name)
        canvas = Canvas(figsize=(2 * COLUMN, 2.6), layout="constrained")
        left, right = canvas.subplots(1, 2, sharey=True)
        color = colors_of([algo])[algo]
        seeds.seed_curves(frame, left, name, "post_return", color, x="iteration")
        plots.spread_at_iterations(frame, right, "post_return", color)
        settle(canvas)
        return canvas

    def caption(data: Data) -> str:
        return (
            f"{algo.upper()} on CartPoleSwingUp-v0 with the post's arithmetic: its measure of return (sum of rewards "
            f"over number of ended episodes) for {count(data, name)}, one line each, at every iteration."
        )

    def spread_caption(data: Data) -> str:
        return (
            f"The same {count(data, name)}. Left: every seed (thin), the median (thick), the first to the third "
            "quartile (band, pointwise). Dashed: limits that hold at least 80% of runs with 90% confidence; with fewer "
            "than 18 seeds, the extremes. Right: every seed at some iterations, with quartiles and median."
        )

    return [
        Drawing(name, title, (name,), lines, caption, vector=False),
        Drawing(f"{name}-spread", f"{title} as distributions", (name,), spread, spread_caption, vector=False),
    ]


def count(data: Data, *runs: str) -> str:
    """How many seeds the runs have, and how many of them failed."""
    facts = data.facts()
    total = sum(len(facts[run]["seeds"]) for run in runs)
    failed = sum(len(facts[run]["failed_seeds"]) for run in runs)
    return f"{total} seed{'s' if total > 1 else ''} ({failed} failed)"


def compared(name: str, title: str, runs: dict[str, str], caption: str) -> Drawing:
    """Medians with quartiles over training, and every seed's final return; ``runs`` by their labels."""

    def draw(data: Data) -> Canvas:
        labelled = [data.frame(run).assign(variant=label) for label, run in runs.items()]
        frame = pd.concat(labelled, ignore_index=True)
        finals = pd.concat(
            pd.DataFrame({"variant": label, "final": final_returns(part, "episodic_return")})
            for label, part in zip(runs, labelled, strict=True)
        )
        colors = colors_of(list(runs))
        canvas = Canvas(figsize=(2 * COLUMN, 3.0), layout="constrained")
        left, right = canvas.subplots(1, 2)
        for label, color in colors.items():
            seeds.median_band(frame, left, label, "episodic_return", color, x="iteration")
        left.legend(loc="lower right")
        seeds.distribution(finals, right, colors, "final")
        right.set_xlabel(f"mean episodic return of the last {LAST} iterations")
        settle(canvas)
        return canvas

    def text(data: Data) -> str:
        each = "; ".join(f"{label}: {count(data, run)}" for label, run in runs.items())
        return (
            f"{caption} True episodic returns. Left: median and quartiles over seeds, pointwise, not smoothed. Right: "
            f"every seed's final return; box: quartiles; whiskers: 1.5 interquartile ranges. {each}."
        )

    return Drawing(name, title, tuple(runs.values()), draw, text)


def both_ways(name: str, title: str) -> Drawing:
    """Each variant by the post's arithmetic and by the textbook's: a panel of curves and one of final returns."""
    runs = {algo: {way: f"{run}-{algo}" for way, run in WAYS.items()} for algo in ALGOS}

    def draw(data: Data) -> Canvas:
        canvas = Canvas(figsize=(2 * COLUMN, 4.0), layout="constrained")
        panels = canvas.subplots(2, len(ALGOS), sharex="row", sharey="row", height_ratios=[2.4, 1])
        for (algo, color), (curve, points) in zip(colors_of(ALGOS).items(), panels.T, strict=True):
            colors = {"post": color, "textbook": OTHER_WAY}
            frame = pd.concat([data.frame(run).assign(variant=way) for way, run in runs[algo].items()])
            finals = [
                pd.DataFrame(
                    {"variant": way, "final": final_returns(frame[frame["variant"] == way], "episodic_return")}
                )
                for way in colors
            ]
            for way in colors:
                seeds.median_band(frame, curve, way, "episodic_return", colors[way], x="iteration")
            curve.set_title(algo)
            curve.legend(loc="lower right")
            seeds.distribution(pd.concat(finals), points, colors, "final")
            points.set_xlabel("final return")
        for ax in panels[:, 1:].flat:
            ax.tick_params(labelleft=False)
            ax.set_ylabel("")
        settle(canvas)
        return canvas

    def caption(data: Data) -> str:
        each = "; ".join(
            f"{algo}, {way}: {count(data, run)}" for algo, ways in runs.items() for way, run in ways.items()
        )
        return (
            "Each variant on CartPoleSwingUp-v0, by the post's arithmetic (color) and by the textbook's (grey). True "
            "episodic returns. Above: median and quartiles over seeds, pointwise, not smoothed. Below: every seed's "
            f"mean return of the last {LAST} iterations; box: quartiles, whiskers: 1.5 interquartile ranges. {each}."
        )

    return Drawing(name, title, tuple(run for ways in runs.values() for run in ways.values()), draw, caption)


def ablation(algo: str) -> Drawing:
    """What switching each departure to the textbook's way changes."""

    def draw(data: Data) -> Canvas:
        table = ablation_table(data, algo)
        canvas = Canvas(figsize=(2 * COLUMN, 2.7), layout="constrained")
        axes = canvas.subplots(1, 2, sharey=True)
        for ax, (score, rows) in zip(axes, table.groupby("score", sort=False), strict=True):
            plots.forest(rows, ax, colors_of([algo])[algo])
            ax.set_xlabel(f"change of the return, {score}")
        settle(canvas)
        return canvas

    def caption(data: Data) -> str:
        table = ablation_table(data, algo)
        return (
            f"{algo.upper()} with one of the post's rules, or all of them, replaced by the textbook's: change of the "
            f"episodic return over {table['n'].min()} seeds, compared seed by seed, and {table['iterations'].min()} "
            f"iterations. Bars: 95% intervals, not corrected. Left: mean of the last {LAST} iterations. Right: mean "
            "over training. Filled: different, p ≤ .05 with Holm's correction over the rows. Cross: practically the "
            f"same, within ±{table['margin'].max():.0f} (shaded). Open: undecided."
        )

    return Drawing(f"ablation-{algo}", f"Ablation of {algo.upper()}", needed(algo), draw, caption)


def needed(algo: str) -> tuple[str, ...]:
    """The runs of an ablation, the post's way first."""
    return (f"swingup-36-{algo}", *ablation_runs(algo).values())


def clip_figure(data: Data) -> Canvas:
    """The clipped objective for a positive and a negative advantage."""
    canvas = Canvas(figsize=(2 * COLUMN, 2.4), layout="constrained")
    for ax, advantage in zip(canvas.subplots(1, 2), (1.0, -1.0), strict=True):
        plots.clipped(ax, advantage, CLIP_COEF)
    settle(canvas)
    return canvas


def region_caption(data: Data) -> str:
    """The caption of both sketches."""
    table = data.frame(HALF_TRAINED.name)
    return (
        "Computed along the natural gradient of a half-trained PPO policy on CartPoleSwingUp-v0 (seed 0, 12 "
        f"iterations), in steps whose KL would be δ = {plots.MAX_KL:g} if it were quadratic. As in the post's sketch, "
        "the axis runs from right to left: the steps that should improve the policy are to the left of 0. Black: true "
        f"performance with fresh episodes at each of {len(table)} points, and its pointwise 95% band. Dashed: "
        "the surrogate from one batch of 64 episodes, which is not the batch that gave the direction."
    )


def bound_caption(data: Data) -> str:
    """With the coefficient of the penalty, and what theory asks for."""
    table = data.frame(HALF_TRAINED.name)
    return (
        f"{region_caption(data)} Dash-dotted: the surrogate less β times the largest KL of any visited state. "
        f"β = {number(plots.penalty(table))} is the smallest that keeps it below the upper edge of η's band at every "
        f"point. Theory guarantees a bound for β = 4εγ/(1−γ)² = {plots.theoretical_penalty(table):.1e}, which "
        "makes it a needle at θ_old."
    )


DRAWINGS = [
    Drawing(
        "trust-region", "The trust region", (HALF_TRAINED.name,),
        lambda data: single(lambda ax: plots.trust_region(data.frame(HALF_TRAINED.name), ax), 2, 2.9),
        lambda data: f"{region_caption(data)} Shaded: where the mean KL is at most δ.",
    ),
    Drawing(
        "max-kl", "The lower bound", (HALF_TRAINED.name,),
        lambda data: single(lambda ax: plots.max_kl(data.frame(HALF_TRAINED.name), ax), 2, 2.9), bound_caption,
    ),
    Drawing(
        "ppo-plot", "The clipped objective", (), clip_figure,
        lambda data: (
            "PPO's clipped objective of one sample against its probability ratio, as the project's own loss computes "
            f"it (ε = {CLIP_COEF:g}); red: where the optimisation starts."
        ),
    ),
    one_seed("cartpole-ppo", "cartpole-ppo", "PPO on CartPole-v0"),
    one_seed("cartpole-a2c", "cartpole-a2c", "A2C on CartPole-v0"),
    one_seed("swingup-ppo", "swingup-36-ppo", "PPO on CartPoleSwingUp-v0"),
    *(drawing for algo in ALGOS for drawing in all_seeds(algo)),
    compared(
        "comparison", "All variants in one comparison", {algo: f"swingup-36-{algo}" for algo in ALGOS},
        "A2C, PPO and TRPO on CartPoleSwingUp-v0, by the post's arithmetic.",
    ),
    compared(
        "textbook", "The comparison with the correct estimator", {algo: f"textbook-{algo}" for algo in ALGOS},
        "A2C, PPO and TRPO on CartPoleSwingUp-v0, by the textbook's arithmetic.",
    ),
    both_ways("textbook-and-post", "The post's arithmetic and the textbook's"),
    ablation("ppo"),
    ablation("a2c"),
]  # fmt: skip
