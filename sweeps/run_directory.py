"""The files of a run: ``run.json``, ``progress.csv`` and ``timing.csv`` beside Hydra's ``.hydra/``."""

import csv
import hashlib
import importlib.metadata
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from algos.core.loop import Iteration
from sweeps.errors import InputError

LEADING_COLUMNS = [
    "algo",
    "env_id",
    "seed",
    "iteration",
    "env_steps",
    "episodes",
    "episodic_return",
    "episodic_length",
    "status",
]
PACKAGES = ["seedbed", "torch", "numpy", "numba", "gymnasium", "hydra-core"]


def check_new(path: Path) -> None:
    """Refuse a directory that holds a run already, or that cannot be written to; create it otherwise.

    Raises:
        InputError: with the directory and the reason.
    """
    held = [name for name in ("run.json", "progress.csv") if (path / name).exists()]
    if held:
        raise InputError(
            f"hydra.run.dir={path}: holds a run already ({', '.join(held)}); allowed: a directory without one"
        )
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".write-probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"hydra.run.dir={path}: cannot be written to ({error.strerror})") from error


def config_hash(config: dict[str, Any]) -> str:
    """A fingerprint of what was composed, ``hydra`` left out."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:16]


def _commit() -> str | None:
    source = Path(__file__).resolve().parent.parent
    command = ["git", "-C", str(source), "describe", "--always", "--dirty", "--abbrev=12", "--exclude", "*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def describe(config: dict[str, Any]) -> dict[str, Any]:
    """What ``run.json`` says of a run when it starts: who, what, with which versions, on what machine."""
    return {
        "status": "running",
        "algo": config["algo"]["name"],
        "env_id": config["env"]["id"],
        "seeds": list(range(config["seed"], config["seed"] + config["num_seeds"])),
        "iterations": config["iterations"],
        "failed_seeds": [],
        "config_hash": config_hash(config),
        "command": shlex.join([Path(sys.executable).name, *sys.orig_argv[1:]]),
        "commit": _commit(),
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in PACKAGES},
        "host": {"system": platform.platform(), "processor": _processor(), "cores": os.cpu_count()},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace a JSON file as a whole: a reader sees the old or the new one, never a part."""
    beside = path.with_name(path.name + ".new")
    with beside.open("w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _cell(value: Any) -> str:
    if isinstance(value, np.floating):
        if np.isnan(value):
            return ""
        return format(float(value), ".9g" if value.dtype == np.float32 else ".17g")
    return str(value)


def progress_rows(algo: str, env_id: str, seeds: Iterable[int], iteration: Iteration) -> list[dict[str, str]]:
    """The rows of one iteration, one per seed that took part, as they stand in ``progress.csv``."""
    broken = {failure.seed: failure.quantity for failure in iteration.failures}
    rows = []
    for index, seed in enumerate(seeds):
        if not iteration.running[index]:
            continue
        row = {"algo": algo, "env_id": env_id, "seed": str(seed), "iteration": str(iteration.number)}
        row["status"] = f"failed: {broken[seed]}" if seed in broken else "ok"
        row |= {name: _cell(values[index]) for name, values in iteration.stats.items()}
        rows.append(row)
    return rows


class TableWriter:
    """Appends rows to a CSV; the header comes with the first row, every append is complete before the next."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: list[str] | None = None
        if path.exists():
            with path.open(newline="") as file:
                self.columns = next(csv.reader(file), None)

    def append(self, rows: list[dict[str, str]]) -> None:
        """Write rows that all have the same columns."""
        with self.path.open("a", newline="") as file:
            if self.columns is None:
                leading = [name for name in LEADING_COLUMNS if name in rows[0]]
                self.columns = leading + [name for name in rows[0] if name not in leading]
                csv.writer(file, lineterminator="\n").writerow(self.columns)
            csv.DictWriter(file, self.columns, lineterminator="\n").writerows(rows)
