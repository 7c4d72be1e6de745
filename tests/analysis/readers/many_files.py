"""A thousand event files: `python -m tests.analysis.readers.many_files` prints what it takes to read them.

Files are as a script in the manner of CleanRL leaves them after 500,000 env steps: 1,000 episodes and 120 updates with
eight figures each.
"""

import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from torch.utils.tensorboard import SummaryWriter

from analysis import load_runs

FILES, EPISODES, UPDATES = 1000, 1000, 120
WRITTEN = 20
"""The others are copies of these."""

LOSSES = ("value_loss", "policy_loss", "entropy", "approx_kl", "old_approx_kl", "clipfrac", "explained_variance")


def name_of(number: int) -> str:
    return f"Pole__ppo{number % 10}__{number // 10}__1700000000"


def write(root: Path, number: int) -> None:
    writer = SummaryWriter(str(root / name_of(number)))
    rng = np.random.default_rng(number)
    steps = np.sort(rng.integers(1, 500_000, EPISODES))
    for step in steps.tolist():
        writer.add_scalar("charts/episodic_return", float(step) / 1000 + rng.normal(), step)
        writer.add_scalar("charts/episodic_length", 200, step)
    for step in range(1, UPDATES + 1):
        for name in LOSSES:
            writer.add_scalar(f"losses/{name}", rng.random(), step * 4096)
        writer.add_scalar("charts/SPS", 1000, step * 4096)
    writer.close()


def peak() -> float:
    """The largest memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for number in range(FILES):
            if number < WRITTEN:
                write(root, number)
            else:
                shutil.copytree(root / name_of(number % WRITTEN), root / name_of(number))
        size = sum(path.stat().st_size for path in root.rglob("*.tfevents.*"))
        before, cpu, start = peak(), time.process_time(), time.perf_counter()
        frame = load_runs(root, ["episodic_return"], pattern="{task}__{variant}__{seed}__*")
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        events = FILES * (2 * EPISODES + UPDATES * (len(LOSSES) + 1))
        print(
            f"{FILES} files, {size / 2**20:.0f} MiB, {events:,} events: {seconds:.1f} s, {cpu:.1f} s of processor; "
            f"{peak() - before:.0f} MiB more memory than the {before:.0f} MiB before; {len(frame):,} rows"
        )


if __name__ == "__main__":
    main()
