"""A grid of PPO's settings by four launchers: rows of a process a core, rows of one process, a job a core, one by one.

``training`` is from the start of the first run to the last row of the last one. Composing configs is part of it where
each job composes its own (joblib, one by one), and before it in lock-step; ``command`` includes everything. Before the
first round each launcher trains a little, untimed, so that no round compiles. Rounds are interleaved. Every
``progress.csv`` of a launcher is held against the others'.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from analysis.run_format import CONFIG, PROGRESS, TIMING
from tests.speed.report import machine, markdown

GRID = ("algo.clip_coef=0.1,0.15,0.2,0.3", "algo.optimiser.learning_rate=1e-4,3e-4,1e-3,3e-3")

CASES = {
    "sb3": ("algo=ppo_sb3", "critic=joint", "env=cartpole", "num_envs=1", "num_steps=2048"),
    "swingup": ("algo=ppo", "env=swingup"),
}
"""PPO with Stable-Baselines3's sizes on CartPole-v1 (minibatches of 64), and seedbed's defaults on the swing-up."""

LAUNCHERS = {
    "lockstep": ("hydra/launcher=lockstep",),
    "lockstep in one process": ("hydra/launcher=lockstep", "hydra/launcher/over=basic"),
    "joblib": ("hydra/launcher=joblib",),
    "one after the other": ("hydra/launcher=basic",),
}


class Seconds(NamedTuple):
    """What a sweep took: its training, its whole command, and the CPU time of all its processes."""

    training: float
    command: float
    cpu: float


def measured(directory: Path, overrides: tuple[str, ...]) -> Seconds:
    """Train a sweep by a command of its own."""
    command = [sys.executable, "-m", "sweeps.train", "-m", *overrides, f"hydra.sweep.dir={directory}"]
    cpu, start = _cpu_of_children(), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    whole, cpu = time.monotonic() - start, _cpu_of_children() - cpu
    starts = [path.stat().st_mtime for path in directory.glob(f"*/{CONFIG}")]
    ends = [path.stat().st_mtime for path in directory.glob(f"*/{TIMING}")]
    return Seconds(max(ends) - min(starts), whole, cpu)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def check_same(one: Path, other: Path) -> int:
    """The number of runs, all with the same rows in both sweeps; ends the process where they are not."""
    names = sorted(path.parent.name for path in one.glob(f"*/{PROGRESS}"))
    for name in names:
        if (one / name / PROGRESS).read_bytes() != (other / name / PROGRESS).read_bytes():
            sys.exit(f"{name}: progress.csv differs between {one.name} and {other.name}")
    return len(names)


def table(case: str, launchers: Sequence[str], iterations: int, num_seeds: int, rounds: int) -> pd.DataFrame:
    """A row for each launcher: medians in seconds, and the median of the rounds' ratios to the first launcher."""
    sizes = (*CASES[case], *GRID, f"iterations={iterations}", f"num_seeds={num_seeds}", "checkpoint_interval=1000")
    warming = (*CASES[case], GRID[0], "iterations=1", "num_seeds=1")
    taken: dict[str, list[Seconds]] = {name: [] for name in launchers}
    for number in range(rounds + 1):
        with tempfile.TemporaryDirectory() as root:
            directories = {name: Path(root, name.replace(" ", "-")) for name in launchers}
            for name, directory in directories.items():
                seconds = measured(directory, (*(sizes if number else warming), *LAUNCHERS[name]))
                if number:
                    taken[name].append(seconds)
            first, *others = directories.values()
            runs = [check_same(first, other) for other in others]
    rows = []
    for name, own in taken.items():
        row = {"launcher": name}
        for kind in Seconds._fields:
            values, base = ([getattr(each, kind) for each in times] for times in (own, taken[launchers[0]]))
            ratios = [mine / its for mine, its in zip(values, base, strict=True)]
            row[f"{kind}, s"] = f"{statistics.median(values):.1f}"
            row[f"{kind}, times {launchers[0]}"] = _median_and_range(ratios)
        rows.append(row)
    return pd.DataFrame(rows).assign(**{"runs with the same rows": min(runs, default=0)})


def _median_and_range(ratios: Sequence[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"


def words(case: str, iterations: int, num_seeds: int) -> str:
    """What is trained."""
    return f"16 settings × {num_seeds} seeds, {iterations} iterations: `{' '.join(CASES[case])}`."


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.speed.lockstep", description=__doc__)
    parser.add_argument("--case", choices=CASES, action="append", help="default: all")
    parser.add_argument("--launcher", choices=LAUNCHERS, action="append", help="default: all; the first is the base")
    parser.add_argument("--iterations", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    launchers = chosen.launcher or list(LAUNCHERS)
    for case in chosen.case or CASES:
        print(words(case, chosen.iterations, chosen.seeds), flush=True)
        print(markdown(table(case, launchers, chosen.iterations, chosen.seeds, chosen.rounds)), flush=True)
    print(machine())


if __name__ == "__main__":
    main()
