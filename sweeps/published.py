"""Train the presets and put their returns beside published ones: ``python -m sweeps.published``."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from algos.envs.errors import TaskError
from analysis import load_runs
from analysis import statistics as st
from analysis.numbers import steps
from analysis.run_format import INFO, read_json
from analysis.summary import CONFIDENCE
from sweeps.batch import Run, train_runs
from sweeps.errors import InputError, exit_with, report
from sweeps.files import replace_file
from sweeps.interrupt import interrupt
from sweeps.markdown import markdown_table

EVALUATIONS = "evaluations.csv"
METRIC = "eval_return_deterministic"


@dataclass(frozen=True)
class Published:
    """What someone else has reported of a variant on a task: ``spread`` is None where it is of one run."""

    name: str
    experiment: str
    env_id: str
    mean: float
    spread: float | None
    steps: str
    overrides: tuple[str, ...]
    num_seeds: int

    @property
    def run(self) -> Run:
        """Ours."""
        return Run(self.name, self.experiment, self.num_seeds, (f"env.id={self.env_id}", *self.overrides))


ZOO = {
    ("cartpole", "CartPole-v1"): {"a2c": (500.0, "500k"), "ppo": (500.0, "100k"), "trpo": (500.0, "100k")},
    ("acrobot", "Acrobot-v1"): {"a2c": (-83.353, "500k"), "ppo": (-73.506, "1M"), "trpo": (-83.114, "100k")},
    ("pendulum", "Pendulum-v1"): {"a2c": (-162.965, "1M"), "ppo": (-172.225, "100k"), "trpo": (-174.631, "100k")},
    ("mountain_car", "MountainCar-v0"): {"a2c": (-111.263, "1M"), "ppo": (-110.423, "1M"), "trpo": (-107.278, "100k")},
    ("mountain_car_continuous", "MountainCarContinuous-v0"): {
        "a2c": (91.166, "100k"), "ppo": (88.343, "20k"), "trpo": (92.489, "50k"),
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
    Published(f"{task}-{algo}", f"{task}/{algo}", env_id, mean, None, trained, ONLY_AT_THE_END, num_seeds=10)
    for (task, env_id), variants in ZOO.items()
    for algo, (mean, trained) in variants.items()
]
MUJOCO = [
    Published(
        f"{task.lower()}-{algo}", f"mujoco/{algo}", f"{task}-v5", mean, spread, "1M",
        (f"evaluation.interval={ITERATIONS_PER_30K[algo]}", "evaluation.episodes=10"), num_seeds=5,
    )
    for task, variants in TIANSHOU.items()
    for algo, (mean, spread) in variants.items()
]  # fmt: skip
STUDIES = {"classic": CLASSIC, "mujoco": MUJOCO}

HEAD = """# The presets beside published results

Trained, evaluated and written by `python -m sweeps.published`; every evaluation is in `evaluations.csv`, and
`--from-data` writes this page again from it. Evaluations play deterministic actions, in environments that nobody
trains in. Gymnasium's environments and our batched versions of them stepped, not EnvPool's.
"""
CLASSIC_TEXT = """## Classic control

Beside rl-baselines3-zoo's benchmark, which has one run each. Ours: the mean over seeds of their returns at the end of
training, over 100 episodes each, and its 95% interval. "Not worse": the interval does not end below theirs.
The settings of Pendulum's presets and the damping of CartPole's TRPO were chosen by trials of these same seeds.
"""
MUJOCO_TEXT = """## MuJoCo

Beside Tianshou's benchmark of 10 seeds and 1M steps, computed as there: an evaluation every 30,000 steps, of 10
episodes a seed; the best mean over seeds ± the standard deviation over seeds at that evaluation. The best of many
evaluations flatters everyone alike; the last column is the mean at the end and its 95% interval. Theirs are of the
tasks' version 3, ours of version 5.
"""


def evaluations(directories: Iterable[Path]) -> pd.DataFrame:
    """The evaluated rows of runs: ``run, seed, env_steps`` and the returns."""
    columns = ["env_steps", METRIC, "eval_return_stochastic"]
    tables = []
    for directory in directories:
        rows = load_runs(directory, columns).dropna(subset=METRIC)
        tables.append(rows[["seed", *columns]].assign(run=directory.name))
    table = pd.concat(tables, ignore_index=True)
    return table[["run", "seed", *columns]]


def final(rows: pd.DataFrame) -> np.ndarray:
    """Each seed's return at its last evaluation."""
    return rows.sort_values("env_steps").groupby("seed")[METRIC].last().to_numpy()


def told(scores: np.ndarray) -> tuple[str, float]:
    """A mean with its interval in words, and the interval's upper end."""
    low, high = st.mean_interval([scores], CONFIDENCE)
    return f"{scores.mean():.1f} [{low:.1f}, {high:.1f}]", float(high)


def classic_row(published: Published, rows: pd.DataFrame) -> list[str]:
    """One line of the table of classic control."""
    scores = final(rows)
    ours, high = told(scores)
    reached = rows["env_steps"].max()
    return [
        published.env_id, published.experiment, f"{published.mean:.1f} ({published.steps})",
        f"{ours} ({steps(reached)})", str(len(scores)), f"{scores.min():.1f}",
        "yes" if high >= published.mean else "no",
    ]  # fmt: skip


def mujoco_row(published: Published, rows: pd.DataFrame) -> list[str]:
    """One line of the table of MuJoCo's tasks."""
    evaluated = rows.groupby("env_steps")[METRIC].agg(["mean", "std"])
    best = evaluated.iloc[int(evaluated["mean"].argmax())]
    assert published.spread is not None
    return [
        published.env_id, published.experiment, f"{published.mean:.0f} ± {published.spread:.0f}",
        f"{best['mean']:.0f} ± {best['std']:.0f}", str(rows["seed"].nunique()), told(final(rows))[0],
        "yes" if best["mean"] >= published.mean - published.spread else "no",
    ]  # fmt: skip


def page(table: pd.DataFrame) -> str:
    """The page, of the runs that ``table`` has."""
    parts = [HEAD]
    for study, text, row, heading in (
        (CLASSIC, CLASSIC_TEXT, classic_row, ["task", "experiment", "theirs", "ours", "seeds", "lowest", "not worse"]),
        (MUJOCO, MUJOCO_TEXT, mujoco_row,
         ["task", "experiment", "theirs", "ours", "seeds", "at the end", "within one deviation, or above"]),
    ):  # fmt: skip
        known = [(published, table[table["run"] == published.name]) for published in study]
        lines = [row(published, rows) for published, rows in known if len(rows)]
        if lines:
            parts += [text, markdown_table(lines, heading)]
        if missing := [f"`{published.name}`" for published, rows in known if not len(rows)]:
            parts.append(f"Not trained yet: {', '.join(missing)}.")
    return "\n\n".join(part.strip() for part in parts) + "\n"


def has_ended(directory: Path) -> bool:
    """Whether a run trained to its end, whatever became of single seeds."""
    return (directory / INFO).exists() and "progress" in read_json(directory / INFO)


def main(arguments: Sequence[str] | None = None) -> None:
    """Ends the process with status 0 only if everything asked for was trained."""
    parser = argparse.ArgumentParser(prog="seedbed published", description=__doc__)
    parser.add_argument("--only", choices=STUDIES, help="this study (both)")
    parser.add_argument(
        "--runs", type=Path, default=Path("results/published"), metavar="DIR", help="where the runs are"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("figures/published"), metavar="DIR", help="where the page goes"
    )
    parser.add_argument("--from-data", action="store_true", help="write the page from the evaluations beside it")
    parsed = parser.parse_args(arguments)
    chosen = [published for name, study in STUDIES.items() if parsed.only in (None, name) for published in study]
    path = parsed.out / EVALUATIONS
    troubled: list[str] = []
    try:
        table = pd.read_csv(path) if path.exists() else None
        if not parsed.from_data:
            troubled = train_runs([published.run for published in chosen], parsed.runs)
            new = evaluations(parsed.runs / p.name for p in chosen if has_ended(parsed.runs / p.name))
            kept = [] if table is None else [table[~table["run"].isin(new["run"])]]
            table = pd.concat([*kept, new], ignore_index=True).sort_values(["run", "seed", "env_steps"])
            replace_file(path, table.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode())
        if table is None:
            raise InputError(f"{path}: no such file; expected: the data of an earlier call without --from-data")
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
