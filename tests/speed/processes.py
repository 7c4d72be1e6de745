"""Runs each side of a benchmark in processes of its own and reads back what it timed."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import pandas as pd

from algos.machine import usable_cores
from tests.processors import avx2

ROOT = Path(__file__).resolve().parents[2]
JAX_ENVIRONMENT = ROOT / ".venv-speed"
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS", "NUMBA")}


@dataclass(frozen=True)
class Run:
    """A run of seedbed: its `timing.csv`, launch to exit in seconds, and the peak of its memory in MiB."""

    timing: pd.DataFrame
    policy_steps: float  # mean over seeds and iterations; nan where the variant makes none
    wall_seconds: float
    peak_mib: float
    num_seeds: int

    @property
    def steady_seconds(self) -> float:
        """Median seconds of an iteration, the first (which may compile) left out."""
        return float(self.timing["seconds"][1:].median())

    @property
    def seed_seconds(self) -> float:
        """Steady seconds per seed and iteration."""
        return self.steady_seconds / self.num_seeds


def seedbed(*overrides: str, num_seeds: int, iterations: int, environment: dict[str, str] | None = None) -> Run:
    """Trains through the public entry point, all cores allowed."""
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch) / "run"
        sizes = (f"num_seeds={num_seeds}", f"iterations={iterations}", f"hydra.run.dir={directory}")
        command = [sys.executable, "-m", "sweeps.train", *overrides, *sizes]
        started = perf_counter()
        child = subprocess.Popen(command, cwd=ROOT, env=os.environ | (environment or {}), stdout=subprocess.DEVNULL)
        peak_mib = 0.0
        while child.poll() is None:
            peak_mib = max(peak_mib, high_water_mark(child.pid))
            sleep(0.02)
        wall_seconds = perf_counter() - started
        if child.returncode:
            raise subprocess.CalledProcessError(child.returncode, command)
        timing = pd.read_csv(directory / "timing.csv")
        progress = pd.read_csv(directory / "progress.csv")
    policy_steps = float(progress["policy_steps"].mean()) if "policy_steps" in progress else float("nan")
    return Run(timing, policy_steps, wall_seconds, peak_mib, num_seeds)


def high_water_mark(pid: int) -> float:
    """Most memory that a process has had so far, in MiB; 0 once it has exited.

    The usage that ``wait4`` reports starts at what the parent had when it launched the child.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0.0)


def one_per_core(module: str, *arguments: str) -> list[dict[str, Any]]:
    """The JSON lines of a module run once per core at the same time, with one thread and seeds 0, 1, ..."""
    commands = [[sys.executable, "-m", module, *arguments, "--seed", str(seed)] for seed in range(usable_cores())]
    return finish([launch(command, os.environ | ONE_THREAD) for command in commands])


def alone(command: Sequence[str | Path]) -> dict[str, Any]:
    """The JSON line of one command, all cores allowed."""
    return finish([launch(command, dict(os.environ))])[0]


def with_avx2_code(parser: argparse.ArgumentParser) -> None:
    """Give a script the flag ``--avx2``; where it is set, start the script anew, its libraries kept from wider code."""
    parser.add_argument("--avx2", action="store_true", help="with code for AVX2 alone, of all sides")
    if "--avx2" in sys.argv[1:]:
        arguments = [argument for argument in sys.argv[1:] if argument != "--avx2"]
        specification = sys.modules["__main__"].__spec__
        assert specification is not None
        os.execve(sys.executable, [sys.executable, "-m", specification.name, *arguments], avx2())


def launch(command: Sequence[str | Path], environment: dict[str, str]) -> subprocess.Popen[str]:
    """A process of a peer, without what importing seedbed sets for its own threads."""
    environment = {
        name: value for name, value in environment.items() if name not in ("OMP_WAIT_POLICY", "KMP_BLOCKTIME")
    }
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def finish(children: Sequence[subprocess.Popen[str]]) -> list[dict[str, Any]]:
    """What each child printed last; raises CalledProcessError where one failed."""
    outputs = [child.communicate()[0] for child in children]
    for child in children:
        if child.returncode:
            raise subprocess.CalledProcessError(child.returncode, child.args)
    return [json.loads(output.splitlines()[-1]) for output in outputs]


def jax_peer(num_seeds: int, total_steps: int) -> dict[str, Any]:
    """The JSON line of the JAX peer, all cores allowed, in its own environment (installed where it is missing)."""
    python = JAX_ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(JAX_ENVIRONMENT, with_pip=True)
    requirements = ROOT / "tests" / "speed" / "requirements-jax.txt"
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", requirements], check=True, stderr=subprocess.DEVNULL)
    sizes = ["--num-seeds", str(num_seeds), "--total-steps", str(total_steps)]
    return alone([python, ROOT / "tests" / "speed" / "jax_peer.py", *sizes])
