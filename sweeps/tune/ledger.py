"""The ledger of a study: every env step that was spent, on trials and on tests, restarts and failures included.

``ledger.csv`` only grows. A line is written after the work that it counts; what a killed process did not write is found
in the files of its runs, and counted when the study goes on. Every line says what it is of, so that nothing is counted
twice however often that is tried.
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
    """What is counted of one run: ``mark`` says of which of its states."""

    event: str
    env_steps: int
    mark: str


class Ledger:
    """The ledger in a study's directory."""

    def __init__(self, study: Path) -> None:
        self.study = study
        self.path = study / LEDGER

    def count_ended(self, runs: Sequence[Work]) -> None:
        """Count what the runs that have ended, or failed, have trained."""
        self._add(runs, ended_entries)

    def count_lost(self, runs: Sequence[Work]) -> None:
        """Count what the runs that were killed have lost; called before they go on."""
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
        """The file, held against other processes, without a line that one of them was killed in."""
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
    """The env steps of all seeds of a run that has ended; ``mark``: how many iterations it was to make.

    A run that an error ended goes on, if it is tried again, from its checkpoint: it has trained up to there.
    """
    info = read_info(directory)
    if "progress" in info:
        return [Entry(TRAINED, env_steps(directory), f"iteration {info['iterations']}")]
    if info["status"] != FAILED:
        return []
    kept = kept_iterations(directory)
    return [Entry(KEPT, kept * steps_of_iteration(directory), f"iteration {kept}"), *lost_entries(directory)]


def lost_entries(directory: Path) -> list[Entry]:
    """What a run did after its last checkpoint, and has to do again: its rows from there on, and the iteration that it
    was in.

    Nobody knows how far that iteration was; it counts as a whole. ``mark`` is of the file that had the rows, and for
    the iteration also of how often the run had gone on.
    """
    info = read_info(directory)
    if "progress" in info or info["status"] == INTERRUPTED:
        return []  # nothing is lost by a run that was asked to stop
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
    """How many iterations the checkpoint of a run has."""
    try:
        return int(unpack((directory / CHECKPOINT).read_bytes())[0]["next_iteration"])
    except (OSError, CheckpointError, KeyError):
        return 0


def env_steps(directory: Path) -> int:
    """The env steps of all seeds that a run's rows tell of; a seed that failed stopped there."""
    rows = pd.read_csv(directory / PROGRESS, usecols=["seed", "env_steps"])
    return int(np.sum(rows.groupby("seed")["env_steps"].max()))
