"""What made a run: the code, the software and the machine."""

import importlib.metadata
import os
import platform
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from algos.machine import processor_name
from analysis.run_format import RUNNING, run_hash

PACKAGES = ["seedbed", "torch", "numpy", "numba", "gymnasium", "hydra-core"]


def _commit() -> str | None:
    source = Path(__file__).resolve().parent.parent
    command = ["git", "-C", str(source), "describe", "--always", "--dirty", "--abbrev=12", "--exclude", "*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def software() -> dict[str, Any]:
    """What computes: commit, versions and machine."""
    return {
        "commit": _commit(),
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in PACKAGES},
        "host": {"system": platform.platform(), "processor": processor_name(), "cores": os.cpu_count()},
    }


def describe(content: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """What ``run.json`` says of a run when it starts: who, what, with which versions, on what machine."""
    return {
        "status": RUNNING,
        "algo": content["algo"]["name"],
        "env_id": content["env"]["id"],
        "seeds": list(range(content["seed"], content["seed"] + content["num_seeds"])),
        "iterations": content["iterations"],
        "failed_seeds": [],
        "config_hash": run_hash(content),
        "command": shlex.join(["python", "-m", "sweeps.train", *overrides]),
        **software(),
    }
