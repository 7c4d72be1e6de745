"""The page of the figures: each with its caption, command, runs, and the published number beside ours."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.numbers import number, p_value
from analysis.pairs import BETTER, SAME, UNDECIDED
from sweeps.markdown import markdown_table
from sweeps.post.data import Data
from sweeps.post.figures import DRAWINGS, Drawing
from sweeps.post.runs import DEPARTURES_OF
from sweeps.post.scores import ALL_TOGETHER, GROUPS, LAST, ablation_table, group_shares, quantile_table, values_of
from sweeps.post.summary import summary
from sweeps.status import duration

HEAD = """# The figures of the post, reproduced

"The post" is [Beyond Vanilla Policy Gradients](https://avandekleut.github.io/ppo/). `seedbed reproduce` trains its runs
with the code of this repository, draws these figures and writes this page. The numbers behind the figures are in
`data/`; `seedbed reproduce --from-data` draws everything again from them, without training.
"""

QUICK = """
> **Quick version: short runs with few seeds.** The figures show that everything works, not what the post shows.
"""

Numbers = list[tuple[str, str, str]]
"""What, published, ours."""


def cartpole_numbers(run: str, final: str, plateau: str) -> Callable[[Data], Numbers]:
    """The end of one curve, the iteration that first reaches its plateau, and the true return at the end."""

    def numbers(data: Data) -> Numbers:
        frame = data.frame(run)
        post, true = frame["post_return"].to_numpy(), frame["episodic_return"].to_numpy()
        reached = np.flatnonzero(post >= 195.0)
        first = str(reached[0]) if len(reached) else "never"
        return [
            ("post's own number at the end", final, f"{post[-1]:.2f}"),
            ("first iteration at 195 or more", plateau, first),
            ("true episodic return at the end (at most 200)", "not shown", f"{true[-1]:.2f}"),
        ]

    return numbers


def swingup_numbers(data: Data) -> Numbers:
    """The end of one curve."""
    frame = data.frame("swingup-36-ppo")
    frame = frame[frame["seed"] == 0]
    return [("post's own number at the end, one seed", "355.93", f"{frame['post_return'].iloc[-1]:.2f}")]


def ppo_numbers(data: Data) -> Numbers:
    """How 36 seeds of PPO rise."""
    values = values_of(data.frame("swingup-36-ppo"), "post_return")
    median = np.nanmedian(values, axis=0)
    final = values[:, -LAST:].mean(axis=1)
    above = np.flatnonzero(median >= 0)
    rows = [
        ("median at iteration 0", "about −325", number(median[0])),
        ("first iteration with a median of 0 or more", "about 10", str(above[0]) if len(above) else "never"),
    ]
    if len(median) > 40:
        rows.append(("median at iteration 40", "about 350", number(median[40])))
    rows.append(
        (f"lowest, median and highest seed, mean of the last {LAST}", "all near 350",
         f"{number(final.min())}, {number(float(np.median(final)))}, {number(final.max())}")
    )  # fmt: skip
    return rows


def a2c_numbers(data: Data) -> Numbers:
    """How many seeds of A2C end in each group."""
    shares = group_shares(data.frame("swingup-36-a2c"))
    published = dict(zip(GROUPS, ("some, near −30", "most, 100 to 200", "some, near 400"), strict=True))
    total = sum(shares.values())
    return [
        (
            f"seeds that end {name}, mean of the last {LAST}",
            published[name],
            f"{seeds} of {total} ({seeds / total:.0%})",
        )
        for name, seeds in shares.items()
    ]


PUBLISHED: dict[str, Callable[[Data], Numbers]] = {
    "cartpole-ppo": cartpole_numbers("cartpole-ppo", "201.56", "about 12"),
    "cartpole-a2c": cartpole_numbers("cartpole-a2c", "209.97", "about 42"),
    "swingup-ppo": swingup_numbers,
    "swingup-36-ppo": ppo_numbers,
    "swingup-36-a2c": a2c_numbers,
}

CHANGED = {
    "critic-target": "the critic is fitted to λ-returns instead of rewards-to-go",
    "values-after-fit": "advantages use the critic before its fit, not the critic before the last step of its fit",
    "bootstrap-in-reward": "the bootstrap is not added to the last reward",
    "cut-traces": "the GAE recursion is cut where an episode ends",
    "time-limits": "values bootstrap at a time limit, which does not count as termination",
    "spread": "the parameter is the log of the standard deviation, not of the variance, with the same initial spread",
    "kl": "mean(r − 1 − log r) estimates the KL, and a step from above the threshold is not made",
    ALL_TOGETHER: "all of the above: the textbook's estimator",
}


EXPLAINED = {
    "cartpole-ppo": "The return of an episode of CartPole-v0 cannot exceed 200. The post adds up all rewards of the "
    "rollout and the value that bootstraps its end, and divides by the number of episodes that ended. So rewards of "
    "unfinished episodes, and the bootstrap, are counted as if the finished episodes had earned them.",
    "textbook": f"The differences from the post's arithmetic: {'; '.join(list(CHANGED.values())[:-1])} (PPO only). "
    "Both normalise advantages over the rollout.",
}


def runs_table(facts: dict[str, dict[str, Any]], names: Sequence[str]) -> str:
    """What was run: command, size, how it ended, wall time, by which commit."""
    rows = []
    for name in names:
        run = facts[name]
        seeds, failed = run["seeds"], len(run["failed_seeds"])
        rows.append(
            [
                name,
                f"`{run['command']}`",
                f"{len(seeds)} × {run['iterations']}" + (f", {failed} failed" if failed else ""),
                f"{run['num_envs']} × {run['num_steps']}, γ {run['gamma']}, λ {run['gae_lambda']}",
                duration(run["seconds"]),
                run["commit"] or "unknown",
            ]
        )
    heading = ["run", "command", "seeds × iterations", "environments × steps", "wall time", "commit"]
    return markdown_table(rows, heading)


def ablation_text(data: Data, algo: str) -> str:
    """What was found, in words and as a table."""
    table = ablation_table(data, algo)
    paragraphs = [
        f"Each of the {table['n'].min()} seeds begins with the same networks and states in every run, so runs are "
        "compared seed by seed. There are three outcomes. *Different*: p ≤ .05, with Holm's correction over the "
        f"switches. *Practically the same*: an equivalence test shows a difference of less than "
        f"{table['margin'].max():.0f}, a twentieth of the task's scale, with the same correction. Otherwise "
        "*undecided*: the number beside it is how many seeds would find a difference of that size with probability "
        "80%, if they vary like these."
    ]
    paragraphs += [outcomes_text(str(score), rows) for score, rows in table.groupby("score", sort=False)]
    lines = [
        [
            str(row["departure"]), str(row["score"]), number(row["post"]), number(row["switched"]),
            f"{row['difference']:+.1f}", f"{row['low']:+.1f} to {row['high']:+.1f}", f"{row['improvement']:.2f}",
            f"{row['correlation']:.2f}", *(p_cell(row[name]) for name in P_COLUMNS), str(row["outcome"]),
        ]
        for row in table.to_dict("records")
    ]  # fmt: skip
    heading = ["switched", "score", "post", "switched", "difference", "95% interval", "P(better)", "correlation"]
    heading += ["p", "p, Holm", "equivalence p, Holm", "outcome"]
    meanings = "\n".join(f"- `{name}`: {CHANGED[name]}." for name in [*DEPARTURES_OF[algo], ALL_TOGETHER])
    return "\n\n".join([*paragraphs, meanings, markdown_table(lines, heading)])


P_COLUMNS = ("p_uncorrected", "adjusted_p", "equivalence_adjusted_p")


def p_cell(p: float) -> str:
    return p_value(p).removeprefix("p ").removeprefix("= ")


def outcomes_text(score: str, rows: pd.DataFrame) -> str:
    """A sentence for each outcome that a switch has on this score."""
    by_outcome = {outcome: rows[rows["outcome"] == outcome].to_dict("records") for outcome in (BETTER, SAME, UNDECIDED)}
    different = [
        f"`{row['departure']}` ({row['difference']:+.0f}, 95% interval {row['low']:+.0f} to {row['high']:+.0f})"
        for row in by_outcome[BETTER]
    ]
    same = [f"`{row['departure']}`" for row in by_outcome[SAME]]
    undecided = [f"`{row['departure']}` ({row['seeds_needed']:.0f} seeds)" for row in by_outcome[UNDECIDED]]
    measure = f"the mean return of the last {LAST} iterations" if score == "final" else f"the return {score}"
    if different:
        told = [f"These switches change {measure}: {', '.join(different)}."]
    else:
        told = [f"No switch is shown to change {measure}."]
    if same:
        told.append(f"Practically the same with and without the switch: {', '.join(same)}.")
    if undecided:
        told.append(f"Undecided: {', '.join(undecided)}.")
    return " ".join(told)


def quantiles_text(data: Data) -> str:
    """The quantiles over the seeds of PPO."""
    table = quantile_table(data.frame("swingup-36-ppo"), "post_return")
    rows = [[str(row[0]), *(f"{cell:.1f}" for cell in row[1:])] for row in table.itertuples()]
    return "Quantiles of `post_return` over seeds:\n\n" + markdown_table(rows, ["iteration", *map(str, table.columns)])


def recorded(path: Path, run: str, steps: int, quick: bool) -> str:
    """The section of a GIF."""
    runs = "results/post-quick" if quick else "results/post"
    command = f"seedbed record {runs}/{run} --seed 0 --steps {steps} --out {path.name}"
    size = path.stat().st_size / 1e6
    caption = f"The policy that PPO learned with seed 0, {steps:,} steps at the task's own speed ({size:.1f} MB)."
    return f"## {path.name}\n\n![{path.name}]({path.name})\n\n{caption}\n\n`{command}`"


def section(drawing: Drawing, data: Data, quick: bool) -> str:
    """One figure."""
    command = f"seedbed reproduce{' --quick' * quick} --from-data --only {shlex.quote(drawing.name)}"
    files = f"![{drawing.name}]({drawing.name}.png)" + (f"\n\n[SVG]({drawing.name}.svg)" if drawing.vector else "")
    parts = [f"## {drawing.title}", files, drawing.caption(data), f"`{command}`"]
    if drawing.name in PUBLISHED:
        parts.append(markdown_table(PUBLISHED[drawing.name](data), ["", "published", "ours"]))
    if drawing.name in EXPLAINED:
        parts.append(EXPLAINED[drawing.name])
    if drawing.name == "swingup-36-ppo":
        parts.append(quantiles_text(data))
    if drawing.name.startswith("ablation-"):
        parts.append(ablation_text(data, drawing.name.removeprefix("ablation-")))
    if drawing.needs:
        parts.append(f"<details><summary>Runs</summary>\n\n{runs_table(data.facts(), drawing.needs)}\n\n</details>")
    return "\n\n".join(parts)


def software(facts: dict[str, dict[str, Any]]) -> str:
    """With what the runs were made; several lines where several things were used."""
    told = {
        ", ".join(f"{name} {version}" for name, version in run["versions"].items())
        + f"; {run['host']['cores']} cores, {run['host']['processor']}, {run['host']['system']}."
        for run in facts.values()
    }  # fmt: skip
    total = sum(run["seconds"] for run in facts.values())
    return f"{len(facts)} runs, {duration(total)} of training in all.\n\n" + "\n\n".join(sorted(told))


def write_page(data: Data, recordings: dict[str, tuple[str, int]]) -> None:
    """Write ``README.md`` beside the figures that are there; ``recordings``: run and steps of each GIF, by its name."""
    out, facts = data.directory.parent, data.facts()
    missing = [drawing.name for drawing in DRAWINGS if not (out / f"{drawing.name}.png").exists()]
    quick = any(run["quick"] for run in facts.values())
    parts = [HEAD + (QUICK if quick else "")]
    if told := summary(data):
        parts.append(
            "## Which claims of the post hold\n\n" + "\n".join(f"{i}. {each}" for i, each in enumerate(told, 1))
        )
    parts += [section(drawing, data, quick) for drawing in DRAWINGS if drawing.name not in missing]
    parts += [recorded(out / name, *source, quick) for name, source in recordings.items() if (out / name).exists()]
    if missing:
        parts.append(f"## Not drawn yet\n\nTheir runs are not complete: {', '.join(f'`{name}`' for name in missing)}.")
    if facts:
        parts.append(f"## Made with\n\n{software(facts)}")
    (out / "README.md").write_text("\n\n".join(part.strip() for part in parts) + "\n")
