"""What every reader gives: runs as their logs tell them, with nothing guessed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from analysis.run_format import InputError

MOST_STEPS = 2**53
"""Env steps above it are no whole numbers any more where a format stores them as floating point."""


@dataclass(frozen=True)
class Series:
    """One quantity of one run, sorted by env steps: `values` [n], NaN where there is none, at `env_steps` [n].

    `name`: what the log calls it. `reach`: the env steps that the run is known to have come to, where that is more than
    the last of `env_steps`. `statuses` [n]: as in progress.csv, None if all are ok.
    """

    name: str
    env_steps: np.ndarray
    values: np.ndarray
    reach: int = 0
    statuses: np.ndarray | None = None


@dataclass(frozen=True)
class Log:
    """One seed of one variant on one task.

    `path`: where it was read. `format`: the reader's name. `facts`: of `variant`, `task` and `seed`, those that the
    log itself says. `settings`: those that the log has, with dotted keys. `series`: by the name asked for. `names`: all
    that the log has. `notes`: a sentence on each thing that is not whole. `pairing`: runs with the same pairing and
    seed began alike. `unfinished`: the log says that the run had not ended.
    """

    path: Path
    format: str
    facts: Mapping[str, Any]
    series: Mapping[str, Series]
    names: Sequence[str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    pairing: str | None = None
    unfinished: bool = False


@dataclass(frozen=True)
class Aggregates:
    """A table without seeds: `rows` has variant, task, n, mean and std, the deviation over the n seeds."""

    path: Path
    rows: pd.DataFrame


@dataclass(frozen=True)
class Request:
    """What to read: the series called `wanted` (None: all), under the names that `columns` gives them, ours to theirs.
    `explicit`: the user has named the format, so what is not of it is an error."""

    wanted: Sequence[str] | None
    columns: Mapping[str, str] = field(default_factory=dict)
    explicit: bool = False

    def theirs(self, name: str) -> str:
        return self.columns.get(name, name)


class Reader(Protocol):
    """Reads one format. A format is one module with one such class, listed in READERS."""

    name: str
    looks_for: str
    """The files it knows, for a message."""

    whole_directory: bool
    """Whether the files of one directory are one run."""

    def claims(self, directory: Path, names: Sequence[str], request: Request) -> list[list[str]]:
        """Of the files called `names` in `directory` those that are of this format, a list for each `read`."""

    def read(self, directory: Path, names: Sequence[str], request: Request) -> Iterable[Log | Aggregates]:
        """What such files hold. Raises InputError."""


def series(
    where: Path | str, name: str, env_steps: Any, values: Any, reach: int = 0, statuses: Any = None
) -> tuple[Series, list[str]]:
    """A series sorted by env steps, and a note if some of its values are not finite: they count as empty.

    Raises InputError for env steps that cannot be.
    """
    steps = checked_steps(where, env_steps)
    numbers = np.asarray(values, dtype=float)
    order = np.argsort(steps, kind="stable")
    infinite = int(np.isinf(numbers).sum())
    notes = [f"{where} has {infinite} values of inf in {name}; they count as empty."] if infinite else []
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)[order]
    ordered = None if statuses is None else np.asarray(statuses, dtype=object)[order]
    return Series(name, steps[order], numbers, reach, ordered), notes


def checked_steps(where: Path | str, env_steps: Any) -> np.ndarray:
    """[n], as whole numbers. Raises InputError."""
    numbers = np.asarray(env_steps, dtype=float)
    wrong = ~(np.isfinite(numbers) & (numbers >= 0) & (numbers < MOST_STEPS) & (numbers == np.floor(numbers)))
    if wrong.any():
        raise InputError(f"{where}: env_steps={numbers[wrong][0]:g}; expected: whole numbers from 0 to 2^53")
    return numbers.astype(np.int64)


def since_restart(env_steps: np.ndarray) -> np.ndarray:
    """[n] bool: which rows of an append-only log still count.

    Steps that go back say that a run was restarted from there; what it had written at or after that step is void.
    """
    lowest_later = np.minimum.accumulate(env_steps[::-1])[::-1]
    return env_steps <= lowest_later


def restart_note(where: Path | str, kept: np.ndarray) -> list[str]:
    dropped = int((~kept).sum())
    return [f"{where} was restarted: {dropped} rows that it wrote again were left out."] if dropped else []
