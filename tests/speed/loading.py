"""How long `analysis` takes to load and to report on many runs: `python -m tests.speed.loading`.

Two trees in a temporary directory: 1,000 runs of 36 seeds and 256 iterations, one setting each of a hyperparameter
sweep, loaded and reported by analysis.compare; and 10,000 short runs (4 seeds, 50 iterations) of 10 settings, loaded.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.analysis.synthetic import ppo_curves, write_run

LOAD = "import sys; from analysis import load_runs; print(load_runs(sys.argv[1], ['episodic_return']).shape)"


def write_tree(root: Path, runs: int, seeds: int, iterations: int, settings: int) -> None:
    """`runs` runs of `settings` settings, the runs of one setting having different seeds.

    One run is written; the others are its copies with another config and other seeds.
    """
    returns = ppo_curves(np.random.default_rng(0), seeds, iterations)
    original = write_run(root / "original", "ppo", "CartPole-v1", range(seeds), returns)
    rows = (original / "progress.csv").read_text()
    info = (original / "run.json").read_text()
    config = (original / ".hydra" / "config.yaml").read_text()
    shutil.rmtree(original)
    seed_list = ",\n    ".join(map(str, range(seeds)))
    for number in range(runs):
        setting, block = number % settings, number // settings
        run = root / f"{number:05d}"
        (run / ".hydra").mkdir(parents=True)
        (run / ".hydra" / "config.yaml").write_text(config.replace("rate: 0.01", f"rate: {0.001 * (setting + 1):.3f}"))
        first = block * seeds
        others = ",\n    ".join(str(seed + first) for seed in range(seeds))
        (run / "run.json").write_text(info.replace(seed_list, others))
        body = rows if first == 0 else renumbered(rows, first)
        (run / "progress.csv").write_text(body)


def renumbered(rows: str, first: int) -> str:
    header, *lines = rows.splitlines()
    cells = (line.split(",", 3) for line in lines)
    return "\n".join([header, *(f"{a},{e},{int(seed) + first},{rest}" for a, e, seed, rest in cells)]) + "\n"


def measure(*command: str) -> None:
    """Runs a Python command and prints its seconds and its peak memory."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{seconds:6.1f} s, {cpu:.1f} s of CPU, peak of all so far {after.ru_maxrss / 1024**2:.2f} GiB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="fraction of the runs (default: %(default)s)")
    scale = parser.parse_args().scale
    with tempfile.TemporaryDirectory() as directory:
        many = Path(directory) / "small"
        write_tree(many, int(10_000 * scale), 4, 50, 10)
        print("10,000 runs x 4 seeds x 50 iterations, load:", flush=True)
        measure("-c", LOAD, str(many))
        big = Path(directory) / "sweep"
        write_tree(big, int(1000 * scale), 36, 256, int(1000 * scale))
        print("1,000 runs x 36 seeds x 256 iterations, load:", flush=True)
        measure("-c", LOAD, str(big))
        print("1,000 runs x 36 seeds x 256 iterations, load and report:", flush=True)
        measure("-m", "analysis.compare", str(big), "--out", str(Path(directory) / "out"))


if __name__ == "__main__":
    main()
