"""The ledger of a study: all env steps of trials and tests, including those lost by restarts and failures.

Lines are only appended, after the work that they count. If a process is killed before that, the files of its runs are
counted when the study continues. Each line identifies what it counts, so nothing is counted twice.
"""

import csv
import fcntl
import hashlib
import io
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from algos.core.checkpoint import CheckpointError, unpack
from analysis.run_format import (
    CHECKPOINT,
    FAILED,
    INFO,
    INTERRUPTED,
    PROGRESS,
    PURPOSE,
    TIMING,
    read_config,
    read_info,
)
from analysis.tuning.ledger import COLUMNS, KEPT, LEDGER, LOST, TRAINED
from sweeps.errors import InputError
from sweeps.tune.work import Work


@dataclass(frozen=True)
class Entry:
    """Env steps of a run; ``mark`` identifies the state of the run that they belong to."""

    event: str
    env_steps: int
    mark: str


class Ledger:
    """The ledger in a study's directory."""

    def __init__(self, study: Path) -> None:
        self.study = study
        self.path = study / LEDGER

    def count_ended(self, runs: Sequence[Work]) -> None:
        """Count the env steps of the runs that have ended or failed."""
        self._add(runs, ended_entries)

    def count_lost(self, runs: Sequence[Work]) -> None:
        """Count the env steps that killed runs have lost; call it before they continue."""
        self._add(runs, lost_entries)

    def _add(self, runs: Sequence[Work], entries_of: Callable[[Path], list[Entry]]) -> None:
        counted = [
            self._line(run, entry)
            for run in runs
            if (run.directory / INFO).exists()
            for entry in entries_of(run.directory)
        ]
        with self._opened() as file:
            known = {(row["run"], row["event"], row["mark"]) for row in self._rows(file)}
            lines = [line for line in counted if (line["run"], line["event"], line["mark"]) not in known]
            if lines:
                text = io.StringIO()
                csv.DictWriter(text, COLUMNS, lineterminator="\n").writerows(lines)
                file.seek(0, os.SEEK_END)
                file.write(text.getvalue().encode())
                file.flush()
                os.fsync(file.fileno())

    def _line(self, run: Work, entry: Entry) -> dict[str, Any]:
        info = read_info(run.directory)
        return {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "process": f"{socket.gethostname()}:{os.getpid()}",
            "purpose": info.get(PURPOSE, ""),
            "variant": run.variant,
            "env_id": info["env_id"],
            "task": run.task,
            "trial": run.trial,
            "run": Path(os.path.relpath(run.directory, self.study)).as_posix(),
            "event": entry.event,
            "seeds": len(info["seeds"]),
            "env_steps": entry.env_steps,
            "mark": entry.mark,
        }

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        """Open and lock the file; a last line that a killed process left incomplete is removed."""
        with self.path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            content = file.read()
            whole = content.rfind(b"\n") + 1
            file.truncate(whole)
            if not whole:
                file.write((",".join(COLUMNS) + "\n").encode())
                file.flush()
            yield file

    def _rows(self, file: IO[bytes]) -> list[dict[str, str]]:
        file.seek(0)
        reader = csv.DictReader(io.StringIO(file.read().decode()))
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise InputError(f"{self.path}: not a ledger; expected: the file that seedbed tune wrote")
        return list(reader)


def ended_entries(directory: Path) -> list[Entry]:
    """The env steps of all seeds of a run that has ended.

    A run that failed would continue from its checkpoint, so its steps up to there are kept and later ones are lost.
    """
    info = read_info(directory)
    if "progress" in info:
        return [Entry(TRAINED, env_steps(directory), f"iteration {info['iterations']}")]
    if info["status"] != FAILED:
        return []
    kept = kept_iterations(directory)
    return [Entry(KEPT, kept * steps_of_iteration(directory), f"iteration {kept}"), *lost_entries(directory)]


def lost_entries(directory: Path) -> list[Entry]:
    """The env steps after the last checkpoint of a killed run, which it has to repeat.

    They are the rows behind the checkpoint and the unfinished iteration. The latter counts as a whole, because nobody
    knows how far it was. ``mark`` identifies the content of timing.csv and, for the iteration, how often the run was
    resumed.
    """
    info = read_info(directory)
    if "progress" in info or info["status"] == INTERRUPTED:
        return []  # a run that was asked to stop loses nothing
    timing = directory / TIMING
    content = timing.read_bytes() if timing.exists() else b""
    iterations = max(content.count(b"\n") - 1, 0)
    mark, steps = hashlib.sha256(content).hexdigest()[:12], steps_of_iteration(directory)
    entries = [Entry(LOST, max(iterations - kept_iterations(directory), 0) * steps, mark)]
    if iterations < info["iterations"]:
        entries.append(Entry(LOST, steps, f"{mark} {len(info.get('resumed', []))}"))
    return [entry for entry in entries if entry.env_steps]


def steps_of_iteration(directory: Path) -> int:
    """The env steps that all seeds of a run make in one iteration."""
    config = read_config(directory)
    return int(config["num_envs"] * config["num_steps"] * config["num_seeds"])


def kept_iterations(directory: Path) -> int:
    """The number of iterations in the checkpoint of a run."""
    try:
        return int(unpack((directory / CHECKPOINT).read_bytes())[0]["next_iteration"])
    except (OSError, CheckpointError, KeyError):
        return 0


def env_steps(directory: Path) -> int:
    """The env steps of all seeds in a run's rows; a seed that failed counts up to its last row."""
    rows = pd.read_csv(directory / PROGRESS, usecols=["seed", "env_steps"])
    return int(np.sum(rows.groupby("seed")["env_steps"].max()))
