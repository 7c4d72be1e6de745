"""Train the presets for as many steps as published runs, and compare the returns: ``seedbed published``."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from algos.envs.errors import TaskError
from analysis import load_runs
from analysis import statistics as st
from analysis.choices import MARGIN
from analysis.numbers import interval, number, p_value, steps
from analysis.references import references_for
from analysis.run_format import has_ended
from analysis.runs.dataset import spans
from analysis.statistics.published import FALLS_SHORT, NOT_WORSE, UNDECIDED, AgainstPublished
from sweeps.batch import Run, composed, train_runs
from sweeps.errors import InputError, exit_with, report
from sweeps.files import replace_file
from sweeps.interrupt import interrupt
from sweeps.markdown import markdown_table

EVALUATIONS = "evaluations.csv"
METRIC = "eval_return_deterministic"
FIRST_SEED = 10
"""The first reported seed: presets were chosen with the seeds below it."""


@dataclass(frozen=True)
class Published:
    """A published result: the mean return of a variant on a task after ``steps`` env steps.

    ``deviation`` is the standard deviation over ``num_runs`` runs; None for a single run.
    """

    name: str
    experiment: str
    env_id: str
    mean: float
    steps: int
    deviation: float | None = None
    num_runs: int = 1
    overrides: tuple[str, ...] = ()
    num_seeds: int = 10

    @cached_property
    def run(self) -> Run:
        """Our run: the preset, for as many whole iterations as fit into the published number of steps."""
        task = (f"env.id={self.env_id}", f"seed={FIRST_SEED}", *self.overrides)
        config = composed(Run(self.name, self.experiment, self.num_seeds, task))
        iterations = self.steps // (config["num_envs"] * config["num_steps"])
        return Run(self.name, self.experiment, self.num_seeds, (*task, f"iterations={iterations}"))

    @property
    def margin(self) -> float:
        """The largest difference that still counts as practically the same, in units of the return."""
        scale = references_for(METRIC)[self.env_id]
        return MARGIN * scale.width

    def compare(self, scores: np.ndarray) -> AgainstPublished:
        """Compare the returns of our seeds ``[S]`` with the published result."""
        return st.against_published(scores, self.mean, self.margin, self.deviation, self.num_runs)


ZOO = {
    ("cartpole", "CartPole-v1"): {"a2c": (500.0, 500_000), "ppo": (500.0, 100_000), "trpo": (500.0, 100_000)},
    ("acrobot", "Acrobot-v1"): {"a2c": (-83.353, 500_000), "ppo": (-73.506, 1_000_000), "trpo": (-83.114, 100_000)},
    ("pendulum", "Pendulum-v1"): {
        "a2c": (-162.965, 1_000_000), "ppo": (-172.225, 100_000), "trpo": (-174.631, 100_000),
    },
    ("mountain_car", "MountainCar-v0"): {
        "a2c": (-111.263, 1_000_000), "ppo": (-110.423, 1_000_000), "trpo": (-107.278, 100_000),
    },
    ("mountain_car_continuous", "MountainCarContinuous-v0"): {
        "a2c": (91.166, 100_000), "ppo": (88.343, 20_000), "trpo": (92.489, 50_000),
    },
}  # fmt: skip
"""rl-baselines3-zoo, benchmark.md: mean return of one trained agent, training steps."""

TIANSHOU = {
    "HalfCheetah": {"a2c": (1830, 1068), "ppo": (5784, 1244), "npg": (3485, 717), "trpo": (4471, 805)},
    "Hopper": {"a2c": (1253, 458), "ppo": (2609, 701), "npg": (1915, 551), "trpo": (2046, 1038)},
}
"""Tianshou's MuJoCo benchmark: best mean over 10 seeds of the evaluations during 1M steps, standard deviation then."""

ONLY_AT_THE_END = ("evaluation.interval=1000000", "evaluation.episodes=100")
ITERATIONS_PER_30K = {"a2c": 375, "ppo": 15, "npg": 29, "trpo": 29}  # 30,000 steps between two of Tianshou's

CLASSIC = [
    Published(f"{task}-{algo}", f"{task}/{algo}", env_id, mean, trained, overrides=ONLY_AT_THE_END)
    for (task, env_id), variants in ZOO.items()
    for algo, (mean, trained) in variants.items()
]
MUJOCO = [
    Published(
        f"{task.lower()}-{algo}", f"mujoco/{algo}", f"{task}-v5", mean, 1_000_000, deviation, num_runs=10,
        overrides=(f"evaluation.interval={ITERATIONS_PER_30K[algo]}", "evaluation.episodes=10"),
    )
    for task, variants in TIANSHOU.items()
    for algo, (mean, deviation) in variants.items()
]  # fmt: skip
LONGER = [
    Run(f"{published.name}-longer", published.experiment, 10, (f"seed={FIRST_SEED}", *ONLY_AT_THE_END))
    for published in CLASSIC
    if published.env_id == "MountainCarContinuous-v0"
]
"""Presets that are longer than the published runs, trained to their own end."""


STUDIES = ("classic", "mujoco", "longer")


def members(study: str) -> Sequence[Published | Run]:
    """The runs of one study."""
    return LONGER if study == "longer" else {"classic": CLASSIC, "mujoco": MUJOCO}[study]


HEAD = """# The presets beside published results

{summary}

Every row compares our preset with a published result after the same number of environment steps or fewer. Our seeds
begin at 10, because presets were chosen with the help of seeds 0 to 9.
{old}
Gymnasium's environments and our batched versions of them stepped, not EnvPool's. Evaluations play deterministic actions
in environments that nobody trains in.

How a row is judged: *difference* is our mean minus the published one, with its 90% interval. Two one-sided tests are
made of it, each at 5% and for each row by itself. A preset *falls short* if its mean is shown to be lower than the
published one. It is *not worse* if it is shown to be no more than the margin below it; the margin is a twentieth of the
task's scale, as everywhere in seedbed. Otherwise the row is *undecided*: these seeds cannot tell. The tests are those
of the report (t with an allowance for skewed scores). The published deviation and number of runs count where they are
known.

`seedbed published` trains, evaluates and writes this page. `seedbed published --from-data` writes it again from
`evaluations.csv`, which holds every evaluation.
"""
CLASSIC_TEXT = """## Classic control

Published: rl-baselines3-zoo's benchmark. It has one run for each row, so its number is taken as exact. Ours: the mean
over seeds of the return at the end of training, over 100 episodes for each seed.
"""
MUJOCO_TEXT = """## MuJoCo

Published: Tianshou's benchmark of 10 seeds, version 3 of the tasks; ours is version 5. Both sides are computed as
there: an evaluation every 30,000 steps of 10 episodes a seed, then the evaluation with the best mean over seeds, and
the deviation over seeds at that evaluation. The best of many evaluations is too high on both sides.
"""
LONGER_TEXT = """## Longer than published

These presets are meant for more steps than the published runs had. What they reach then is no comparison with those.
"""


def evaluations(directories: Iterable[Path]) -> pd.DataFrame:
    """One row per evaluation and seed: ``run, seed, env_steps`` and the returns."""
    columns = ["env_steps", METRIC, "eval_return_stochastic"]
    tables = []
    for directory in directories:
        rows = load_runs(directory, columns).dropna(subset=METRIC)
        tables.append(rows[["seed", *columns]].assign(run=directory.name))
    table = pd.concat(tables, ignore_index=True)
    return table[["run", "seed", *columns]]


def evaluated(published: Published, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the evaluation that is compared, one per seed, within the published number of steps.

    It is the last evaluation. If the published number is the best of several evaluations, it is the one with the best
    mean.
    """
    within = rows[rows["env_steps"] <= published.steps]
    means = within.groupby("env_steps")[METRIC].mean()
    if not len(means):
        return within
    chosen = means.idxmax() if published in MUJOCO else means.index.max()
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
    return f"Not trained anew yet, so still of the old seeds: {', '.join(old)}." if old else ""


def page(table: pd.DataFrame) -> str:
    """The page about the runs in ``table``."""
    by_run = {name: rows for name, rows in table.groupby("run")}
    parts, told = [], []
    for study, text in ((CLASSIC, CLASSIC_TEXT), (MUJOCO, MUJOCO_TEXT)):
        known = {each.name: evaluated(each, by_run[each.name]) for each in study if each.name in by_run}
        found = [(each, known[each.name]) for each in study if len(known.get(each.name, ()))]
        told += found
        parts.append(text)
        if found:
            parts.append(markdown_table([line(*each) for each in found], HEADING))
        if missing := [f"`{each.name}`" for each in study if not len(known.get(each.name, ()))]:
            parts.append(f"Not trained yet at no more than the published number of steps: {', '.join(missing)}.")
    longer = [longer_line(run, by_run[run.name]) for run in LONGER if run.name in by_run]
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


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(prog="seedbed published", description=__doc__)
    result.add_argument("--only", choices=STUDIES, help="only this study (default: all)")
    result.add_argument(
        "--run", action="append", default=[], metavar="NAME", help="only this run; may be repeated (default: all)"
    )
    result.add_argument(
        "--runs", type=Path, default=Path("results/published"), metavar="DIR", help="directory of the runs"
    )
    result.add_argument(
        "--out", type=Path, default=Path("figures/published"), metavar="DIR", help="directory of the page"
    )
    result.add_argument(
        "--from-data", action="store_true", help="train nothing; write the page from the evaluations in --out"
    )
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, evaluate and write the page; the exit status is 0 only if every run completed."""
    parsed = parser().parse_args(arguments)
    path = parsed.out / EVALUATIONS
    troubled: list[str] = []
    try:
        chosen = [each for study in STUDIES if parsed.only in (None, study) for each in members(study)]
        names = [each.name for each in chosen]
        if unknown := [name for name in parsed.run if name not in names]:
            raise InputError(f"--run {unknown[0]}: no such run; expected: one of {', '.join(names)}")
        chosen = [each for each in chosen if not parsed.run or each.name in parsed.run]
        table = pd.read_csv(path) if path.exists() else None
        if not parsed.from_data:
            troubled = train_runs([each.run if isinstance(each, Published) else each for each in chosen], parsed.runs)
            new = evaluations(parsed.runs / each.name for each in chosen if has_ended(parsed.runs / each.name))
            kept = [] if table is None else [table[~table["run"].isin(new["run"])]]
            table = pd.concat([*kept, new], ignore_index=True).sort_values(["run", "seed", "env_steps"])
            replace_file(path, table.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode())
        if table is None:
            raise InputError(f"{path}: no such file; expected: the file that seedbed published writes when it trains")
        replace_file(parsed.out / "README.md", page(table).encode())
    except (InputError, TaskError) as error:
        exit_with(error)
    print(parsed.out / "README.md")
    if interrupt.received:
        sys.exit(128 + interrupt.received)
    if troubled:
        report(f"not complete: {', '.join(troubled)}")
    sys.exit(int(bool(troubled)))


if __name__ == "__main__":
    main()
