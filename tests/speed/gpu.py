"""Holds training on a CUDA device against training on the CPU, then times both, and rejax on the same device.

Needs a device; rejax (tests/speed/requirements-jax.txt) is timed where it is installed beside seedbed.
"""

import argparse
import importlib.metadata
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import pytest
import torch

from sweeps.compose import composed_config
from sweeps.run_config import validate
from tests.composing import trainer
from tests.speed.comparisons import PPO_ALL_STEPS
from tests.speed.processes import ROOT, alone
from tests.speed.report import machine, markdown

PAGE = Path(__file__).parent / "GPU.md"
CHECKS = ("tests/kernels/test_cuda.py", "tests/algos/test_cuda.py")
STAGES = ("rollout_seconds", "critic_seconds", "policy_seconds")
POST, CARTPOLE = "the post's PPO, swing-up", "PureJaxRL's PPO, CartPole"


@dataclass(frozen=True)
class Case:
    """A setting to time: overrides of `python -m sweeps.train`, and how many iterations of 36 seeds to time."""

    name: str
    overrides: tuple[str, ...]
    timed: int


CASES = (Case(POST, PPO_ALL_STEPS, 4), Case(CARTPOLE, ("experiment=purejaxrl_cartpole",), 200))


@dataclass(frozen=True)
class Timing:
    """Median seconds of an iteration and of its stages, and of the whole run that has so many."""

    case: Case
    device: str
    num_seeds: int
    stages: np.ndarray
    seconds: float
    iterations: int

    @property
    def whole(self) -> float:
        """Seconds of the whole run, start-up left out."""
        return self.iterations * self.seconds


def time_case(case: Case, device: str, num_seeds: int) -> Timing:
    """Time a case after an iteration that warms up."""
    iterations = validate(composed_config(case.overrides)).iterations
    run = trainer(*case.overrides, f"num_seeds={num_seeds}", f"device={device}")
    seconds, stages = [], []
    steps = iter(run)
    next(steps)
    started = perf_counter()
    for _ in range(max(2, case.timed * 36 // num_seeds)):
        step = next(steps)  # its numbers have come from the device
        now = perf_counter()
        seconds.append(now - started)
        stages.append([step.seconds[stage] for stage in STAGES])
        started = now
    timing = Timing(case, device, num_seeds, np.median(stages, axis=0), float(np.median(seconds)), iterations)
    print(f"{case.name}, {num_seeds} seeds, {device}: {timing.seconds:.4f} s per iteration", flush=True)
    return timing


def table(timings: list[Timing]) -> pd.DataFrame:
    """A row of each timing."""
    rows = [
        [
            each.case.name,
            each.num_seeds,
            each.device,
            *(f"{1000 * stage:.3g}" for stage in each.stages),
            f"{1000 * each.seconds:.4g}",
            f"{each.iterations} x = {each.whole:.1f} s",
        ]
        for each in timings
    ]
    columns = ["setting", "seeds", "device", "rollout, ms", "critic, ms", "policy, ms", "an iteration, ms", "the run"]
    return pd.DataFrame(rows, columns=columns)


def results(timings: dict[tuple[str, str, int], Timing]) -> tuple[pd.DataFrame, str]:
    """What was aimed at, and what to say of the peer."""

    def ratio(name: str, one: tuple[str, int], other: tuple[str, int]) -> float:
        return timings[name, *one].seconds / timings[name, *other].seconds

    post, cartpole = timings[POST, "cuda", 36], timings[CARTPOLE, "cuda", 36]
    rows = [["the post's run of 36 seeds, s", f"{post.whole:.1f}", "below 120"]]
    for name in (POST, CARTPOLE):
        rows.append(
            [f"{name}: time of 512 seeds over that of 36", f"{ratio(name, ('cuda', 512), ('cuda', 36)):.2f}", "below 4"]
        )
        for num_seeds in (36, 512):
            faster = ratio(name, ("cpu", num_seeds), ("cuda", num_seeds))
            rows.append([f"{name}, {num_seeds} seeds: times faster than device=cpu", f"{faster:.2f}", ""])
    note = ""
    if find_spec("rejax"):
        peer = rejax_seconds(36, cartpole.iterations * 4 * 128)
        rows.append([f"{CARTPOLE}: the run of 36 seeds, s", f"{cartpole.whole:.1f}", ""])
        rows.append(["the same of rejax on the device, s", f"{peer['seconds']:.1f}", ""])
        rows.append(["time over rejax'", f"{cartpole.whole / peer['seconds']:.2f}", "below 1.5"])
        note = f" jax {peer['jax']}, rejax {importlib.metadata.version('rejax')}, which compiled for "
        note += f"{peer['compile_seconds']:.0f} s, left out."
    return pd.DataFrame(rows, columns=["what", "measured", "aim"]), note


def rejax_seconds(num_seeds: int, total_steps: int) -> dict[str, float]:
    """What rejax takes for the same on this device, compilation apart."""
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # the device is ours too
    sizes = ["--num-seeds", str(num_seeds), "--total-steps", str(total_steps)]
    return alone([sys.executable, ROOT / "tests" / "speed" / "jax_peer.py", *sizes])


def commit() -> str:
    """The commit of this checkout, as far as it is one."""
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return found.stdout.strip() or "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.speed.gpu", description=__doc__)
    parser.add_argument("--keep", action="store_true", help=f"write {PAGE.name} too")
    parser.add_argument("--without-checks", action="store_true", help="time only")
    chosen = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("tests.speed.gpu: torch sees no GPU here")
    if not chosen.without_checks and pytest.main(["-q", "-p", "no:cacheprovider", *CHECKS]):
        sys.exit("tests.speed.gpu: training on the device differs from training on the CPU")
    timings = {
        (case.name, device, num_seeds): time_case(case, device, num_seeds)
        for num_seeds in (36, 512)
        for case in CASES
        for device in ("cuda", "cpu")
    }
    shown, notes = results(timings)
    page = "\n".join(
        [
            "# Learning on a GPU",
            "",
            "`python -m tests.speed.gpu`: medians over iterations of one process, after one that warms up; the run is",
            "the iteration times the number of iterations. `device=cpu` had all cores of the same machine.",
            "",
            markdown(table(list(timings.values()))),
            "",
            markdown(shown),
            "",
            f"{torch.cuda.get_device_name()}; CUDA {torch.version.cuda}; {machine()}{notes} Commit {commit()}.",
            "",
        ]
    )
    print(page)
    if chosen.keep:
        PAGE.write_text(page)


if __name__ == "__main__":
    main()
