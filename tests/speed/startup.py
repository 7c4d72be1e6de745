"""How long commands take: ``python -m tests.speed.startup``, ``--cold`` with an empty cache of compiled kernels too.

From launch to exit, in seconds, and seconds of CPU over all threads; the lowest of three, cold of one. A training run
makes one iteration.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter

import pandas as pd

from tests.speed.comparisons import PPO_POST
from tests.speed.processes import ROOT
from tests.speed.report import markdown

SHORT = {"--help": ["--help"], "train --help": ["train", "--help"], "status": ["status", "--once"]}
TRAINING = {
    "train algo=ppo env=cartpole num_seeds=1": ["algo=ppo", "env=cartpole", "num_seeds=1"],
    "train, the post's PPO, 36 seeds, 128 steps": [*PPO_POST, "num_steps=128", "num_seeds=36"],
}


def seconds(arguments: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Launch to exit of ``seedbed ARGUMENTS``, and its CPU."""
    before, start = getrusage(RUSAGE_CHILDREN), perf_counter()
    command = [sys.executable, "-m", "sweeps.cli", *arguments]
    subprocess.run(command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.DEVNULL, check=True)
    wall, after = perf_counter() - start, getrusage(RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def table(cold: bool) -> pd.DataFrame:
    """A row for each command, and for each state of the cache that matters to it."""
    rows: list[dict[str, str]] = []

    def add(command: str, cache: str, timed: list[tuple[float, float]]) -> None:
        wall, cpu = min(timed)
        rows.append({"command": command, "kernels": cache, "s": f"{wall:.1f}", "CPU, s": f"{cpu:.1f}"})

    with tempfile.TemporaryDirectory() as scratch:
        for name, overrides in TRAINING.items():
            environment = {"NUMBA_CACHE_DIR": f"{scratch}/kernels-{len(rows)}"} if cold else {}
            kept = [
                seconds(["train", *overrides, "iterations=1", f"hydra.run.dir={scratch}/{len(rows)}-{n}"], environment)
                for n in range(4)
            ]
            if cold:
                add(name, "compiled", kept[:1])
            add(name, "kept", kept[1:])
        for name, arguments in SHORT.items():
            add(name, "", [seconds([*arguments, *([scratch] if name == "status" else [])], {}) for _ in range(3)])
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cold", action="store_true", help="time the first run, which compiles, too")
    print(markdown(table(parser.parse_args().cold)))


if __name__ == "__main__":
    main()
