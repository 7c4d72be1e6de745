"""The default number of threads beside the best choice, on a quiet machine and beside a busy process.

``python -m tests.speed.threads`` prints a table of seconds an iteration, for PPO with SB3's defaults on CartPole-v1.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd

from tests.speed.processes import alone, seedbed, with_avx2_code
from tests.speed.report import machine, markdown

SB3_DEFAULTS = ("algo=ppo_sb3", "critic=joint", "env=cartpole", "num_envs=1", "num_steps=2048")
SEEDS = (1, 5, 36)
THREADS = ("null", "1", "2")
BUSY = "while True: pass"


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """As many other processes that compute all the time."""
    children = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(processes)]
    try:
        yield
    finally:
        for child in children:
            child.kill()
            child.wait()


def seconds(num_seeds: int, threads: str, iterations: int) -> float:
    """Median seconds of an iteration after the first."""
    run = seedbed(*SB3_DEFAULTS, f"threads={threads}", num_seeds=num_seeds, iterations=iterations + 1)
    return run.steady_seconds


def sb3(iterations: int) -> float:
    """The same of Stable-Baselines3."""
    sizes = ("--algo", "cartpole_defaults", "--iterations", str(iterations + 1), "--seed", "0")
    return float(np.median(alone([sys.executable, "-m", "tests.speed.sb3_peer", *sizes])["iteration_seconds"][1:]))


def table(iterations: int, seeds: tuple[int, ...] = SEEDS) -> pd.DataFrame:
    """A row for each number of seeds and each neighbour; ``default / best`` is to be at most 1.1.

    One seed is also trained by Stable-Baselines3, with one thread.
    """
    rows = []
    for num_seeds in seeds:
        for name, processes in (("quiet", 0), ("one busy process", 1)):
            with busy(processes):
                times = {threads: seconds(num_seeds, threads, iterations) for threads in THREADS}
                peers = [sb3(iterations)] if num_seeds == 1 else []
            named = {("default" if key == "null" else f"{key} threads"): f"{value:.3f}" for key, value in times.items()}
            ratio = f"{times['null'] / min(times.values()):.2f}"
            rows.append({"seeds": num_seeds, "machine": name, **named, "default / best": ratio})
            for peer in peers:
                rows[-1] |= {"SB3": f"{peer:.3f}", "SB3 / default": f"{peer / times['null']:.1f}"}
    return pd.DataFrame(rows).fillna("")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iterations", type=int, default=5, help="iterations that are timed (default: %(default)s)")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="numbers of seeds")
    with_avx2_code(parser)
    arguments = parser.parse_args()
    print(markdown(table(arguments.iterations, tuple(arguments.seeds))))
    print(machine())
