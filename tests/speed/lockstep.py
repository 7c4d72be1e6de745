"""A grid of PPO's settings by four launchers: rows of one process, rows of one a core, a job a core, one by one.

Seconds are from the start of the first run to the last row of the last one. Rounds are interleaved. Every
``progress.csv`` of a launcher is held against the others'.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

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
    "lockstep over joblib": ("hydra/launcher=lockstep", "hydra/launcher/over=joblib"),
    "joblib": ("hydra/launcher=joblib",),
    "one after the other": ("hydra/launcher=basic",),
}


def seconds(directory: Path, overrides: tuple[str, ...]) -> float:
    """Train a sweep in a process of its own: from the first run's start to the last run's last row."""
    command = [sys.executable, "-m", "sweeps.train", "-m", *overrides, f"hydra.sweep.dir={directory}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    starts = [path.stat().st_mtime for path in directory.glob(f"*/{CONFIG}")]
    ends = [path.stat().st_mtime for path in directory.glob(f"*/{TIMING}")]
    return max(ends) - min(starts)


def check_same(one: Path, other: Path) -> int:
    """The number of runs, all with the same rows in both sweeps; ends the process where they are not."""
    names = sorted(path.parent.name for path in one.glob(f"*/{PROGRESS}"))
    for name in names:
        if (one / name / PROGRESS).read_bytes() != (other / name / PROGRESS).read_bytes():
            sys.exit(f"{name}: progress.csv differs between {one.name} and {other.name}")
    return len(names)


def table(case: str, launchers: Sequence[str], iterations: int, num_seeds: int, rounds: int) -> pd.DataFrame:
    """A row for each launcher; ratios are to the first of them, of the runs of one round."""
    sizes = (*CASES[case], *GRID, f"iterations={iterations}", f"num_seeds={num_seeds}", "checkpoint_interval=1000")
    taken: dict[str, list[float]] = {name: [] for name in launchers}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as root:
            directories = {name: Path(root, name.replace(" ", "-")) for name in launchers}
            for name, directory in directories.items():
                taken[name].append(seconds(directory, (*sizes, *LAUNCHERS[name])))
            first, *others = directories.values()
            runs = [check_same(first, other) for other in others]
    rows = []
    for name, times in taken.items():
        ratios = [own / base for own, base in zip(times, taken[launchers[0]], strict=True)]
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
        rows.append({"launcher": name, "s": f"{statistics.median(times):.1f}", f"times {launchers[0]}": ratio})
    return pd.DataFrame(rows).assign(**{"runs with the same rows": min(runs, default=0)})


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
