"""The page that compares our presets with published results, from their evaluations."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis import load_runs
from analysis import statistics as st
from analysis.numbers import interval, number, p_value, steps
from analysis.runs.dataset import spans
from analysis.statistics.published import FALLS_SHORT, NOT_WORSE, UNDECIDED
from sweeps.batch import Run
from sweeps.markdown import markdown_table
from sweeps.published import presets
from sweeps.published.presets import FIRST_SEED, METRIC, Published

HEAD = """# The presets beside published results

{summary}

Every row compares our preset with a published result after the same number of environment steps or fewer. Our seeds
begin at 10, because presets were chosen with the help of seeds 0 to 9.
{old}
The tasks are Gymnasium's or our batched versions of them, not EnvPool's. Evaluations play deterministic actions in
environments that training does not use.

How to read a row: *difference* is our mean minus the published one, with its 90% interval. Two one-sided tests, each
at 5%, decide each row by itself. A preset *falls short* if its mean is shown to be lower than the published one. It is
*not worse* if its mean is shown to be at most the margin below the published one. The margin is a twentieth of the
task's scale, as everywhere in seedbed. Otherwise the row is *undecided*. The tests are those of the report: t tests
that allow for skewed scores. They use the published deviation and number of runs where these are known.

`seedbed published` trains, evaluates and writes this page. `seedbed published --from-data` writes it again from
`evaluations.csv`, which holds every evaluation.
"""
CLASSIC_TEXT = """## Classic control

Published: rl-baselines3-zoo's benchmark. It has one run for each row, so its number is taken as exact. Ours: the mean
return after training, over all seeds and 100 episodes per seed.
"""
MUJOCO_TEXT = """## MuJoCo

Published: Tianshou's benchmark, with 10 seeds and version 3 of the tasks; ours is version 5. We compute our numbers as
Tianshou does. Every 30,000 steps each seed is evaluated over 10 episodes. The evaluation with the best mean over seeds
gives the mean and the deviation over seeds. The best of many evaluations is too high, for both sides.

Tianshou's runs had 3M steps, of which the first 1M count here. Their learning rates fall to 0 over 3M steps; ours fall
over 1M, but A2C's rate stays. Tianshou divides returns by their deviation for the critic alone; we divide rewards. This
matters to A2C, which does not normalise advantages: theirs are larger, so an entropy bonus of 0.01 weighs less and
a bound of 0.5 clips more gradients there. With the same numbers our A2C reached 1304 on HalfCheetah and 877 on Hopper
(seeds 0 to 4). The preset has smaller ones, chosen on seeds 0 to 4: an entropy bonus of 0.0003 and a bound of 0.05. How
often Tianshou's runs clip was not measured.
"""
LONGER_TEXT = """## Longer than published

These presets are made for more steps than the published runs had. So this table is not a comparison with them.
"""


def evaluations(directory: Path) -> pd.DataFrame:
    """The evaluations of a run: one row per evaluation and seed, of ``run, seed, env_steps`` and the returns."""
    columns = ["env_steps", METRIC, "eval_return_stochastic"]
    rows = load_runs(directory, columns).dropna(subset=METRIC)
    return rows.assign(run=directory.name)[["run", "seed", *columns]]


def evaluated(published: Published, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the evaluation that is compared, one per seed, within the published number of steps.

    It is the last evaluation. If the published number is the best of several evaluations, it is the one with the best
    mean.
    """
    within = rows[rows["env_steps"] <= published.steps]
    means = within.groupby("env_steps")[METRIC].mean()
    if not len(means):
        return within
    chosen = means.idxmax() if published in presets.MUJOCO else means.index.max()
    return within[within["env_steps"] == chosen]


HEADING = ["task", "experiment", "published", "ours", "steps", "seeds", "difference", "margin", "p (lower)"]
HEADING += ["p (not worse)", "outcome"]


def line(published: Published, rows: pd.DataFrame) -> list[str]:
    """One line of a table, from the rows of one evaluation."""
    scores = rows[METRIC].to_numpy()
    found = published.compare(scores)
    theirs = number(published.mean)
    if published.deviation is not None:
        theirs += f" ± {number(published.deviation)} (n={published.num_runs})"
    ours = f"{number(scores.mean())} ± {number(scores.std(ddof=1))} (n={len(scores)})"
    return [
        published.env_id, published.experiment, f"{theirs}, {steps(published.steps)}", ours,
        steps(rows["env_steps"].max()), spans(sorted(rows["seed"])),
        f"{number(found.difference)} ({interval(*found.interval)})", number(published.margin),
        *(p_value(p).removeprefix("p ").removeprefix("= ") for p in (found.p_short, found.p_not_worse)), found.outcome,
    ]  # fmt: skip


def summary(found: Sequence[tuple[Published, pd.DataFrame]]) -> str:
    """The number of presets that are not worse, then the names of the others."""
    named: dict[str, list[str]] = {FALLS_SHORT: [], UNDECIDED: [], NOT_WORSE: []}
    for published, rows in found:
        outcome = published.compare(rows[METRIC].to_numpy()).outcome
        named[outcome].append(f"`{published.experiment}` on {published.env_id}")
    parts = [f"Of {len(found)} presets, {len(named[NOT_WORSE])} are not worse than what was published."]
    for outcome, text in ((FALLS_SHORT, "**Falls short**"), (UNDECIDED, "Undecided")):
        parts.append(f"{text}: {', '.join(named[outcome]) or 'none'}.")
    return "\n\n".join(parts)


def old_seeds(found: Sequence[tuple[Published, pd.DataFrame]]) -> str:
    """Name the rows whose seeds were used to choose presets."""
    old = [published.name for published, rows in found if rows["seed"].min() < FIRST_SEED]
    return f"These rows are still from runs with the old seeds: {', '.join(old)}." if old else ""


def page(table: pd.DataFrame) -> str:
    """The page about the runs in ``table``."""
    by_run = {name: rows for name, rows in table.groupby("run")}
    parts, told = [], []
    for study, text in ((presets.CLASSIC, CLASSIC_TEXT), (presets.MUJOCO, MUJOCO_TEXT)):
        known = {each.name: evaluated(each, by_run[each.name]) for each in study if each.name in by_run}
        found = [(each, known[each.name]) for each in study if len(known.get(each.name, ()))]
        told += found
        parts.append(text)
        if found:
            parts.append(markdown_table([line(*each) for each in found], HEADING))
        if missing := [f"`{each.name}`" for each in study if not len(known.get(each.name, ()))]:
            parts.append(f"Not trained yet for the published number of steps or fewer: {', '.join(missing)}.")
    longer = [longer_line(run, by_run[run.name]) for run in presets.LONGER if run.name in by_run]
    if longer:
        parts += [
            LONGER_TEXT,
            markdown_table(longer, ["experiment", "steps", "seeds", "mean (95% interval)", "lowest"]),
        ]
    parts.insert(0, HEAD.format(summary=summary(told), old=old_seeds(told)))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def longer_line(run: Run, rows: pd.DataFrame) -> list[str]:
    """One line about the end of a run that was longer than the published one."""
    last = rows[rows["env_steps"] == rows["env_steps"].max()]
    scores = last[METRIC].to_numpy()
    low, high = st.mean_interval([scores], 0.95)
    seeds = spans(sorted(last["seed"]))
    told = f"{number(scores.mean())} ({interval(float(low), float(high))})"
    return [run.experiment, steps(last["env_steps"].max()), seeds, told, number(scores.min())]
