"""What every reader returns: runs as their logs describe them. Nothing is guessed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from analysis.run_format import InputError

MOST_STEPS = 2**53
"""Limit of env steps: floating point, in which some formats store them, has no larger whole numbers without gaps."""


@dataclass(frozen=True)
class Series:
    """One quantity of one run, sorted by env steps.

    Attributes:
        name: its name in the log.
        env_steps: [n].
        values: [n], NaN where there is none.
        reach: env steps that the run is known to have reached, if more than the last of `env_steps`.
        statuses: [n], as in progress.csv. None if all are ok.
    """

    name: str
    env_steps: np.ndarray
    values: np.ndarray
    reach: int = 0
    statuses: np.ndarray | None = None


@dataclass(frozen=True)
class Log:
    """One seed of one variant on one task.

    Attributes:
        path: where it was read.
        format: the reader's name.
        facts: variant, task and seed, as far as the log says them.
        settings: the settings in the log, with dotted keys.
        series: the series, by the name asked for.
        names: names of all series of the log.
        notes: one sentence on each thing that is incomplete.
        pairing: runs with the same pairing and seed began alike. None if the log does not say.
        unfinished: whether the log says that the run had not ended.
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
    """A table without seeds: variant, task, n, mean, and std, the deviation over the n seeds."""

    path: Path
    rows: pd.DataFrame


@dataclass(frozen=True)
class Request:
    """What to read.

    Attributes:
        wanted: names of the series. None: all.
        columns: names in the log, ours to theirs.
        explicit: whether the user named the format: then a file of another format is an error.
    """

    wanted: Sequence[str] | None
    columns: Mapping[str, str] = field(default_factory=dict)
    explicit: bool = False

    def theirs(self, name: str) -> str:
        return self.columns.get(name, name)


class Reader(Protocol):
    """Reads one format. Each format has one module with one such class, listed in READERS."""

    name: str
    looks_for: str
    """The files of this format, in words for a message."""

    whole_directory: bool
    """Whether all files of one directory belong to one run."""

    def claims(self, directory: Path, names: Sequence[str], request: Request) -> list[list[str]]:
        """The files in `directory` that are of this format, of those called `names`. One list for each `read`."""

    def read(self, directory: Path, names: Sequence[str], request: Request) -> Iterable[Log | Aggregates]:
        """The runs in such files.

        Raises:
            InputError: A file cannot be read.
        """


def series(
    where: Path | str, name: str, env_steps: Any, values: Any, reach: int = 0, statuses: Any = None
) -> tuple[Series, list[str]]:
    """A series sorted by env steps, and notes. Values that are not finite count as empty, and a note says how many.

    Raises:
        InputError: Env steps are not whole numbers from 0.
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
    """Env steps [n] as whole numbers.

    Raises:
        InputError: They are not whole numbers from 0.
    """
    numbers = np.asarray(env_steps, dtype=float)
    wrong = ~(np.isfinite(numbers) & (numbers >= 0) & (numbers < MOST_STEPS) & (numbers == np.floor(numbers)))
    if wrong.any():
        raise InputError(f"{where}: env_steps={numbers[wrong][0]:g}; expected: whole numbers from 0 to 2^53")
    return numbers.astype(np.int64)


def since_restart(env_steps: np.ndarray) -> np.ndarray:
    """Which rows [n] of an append-only log still count.

    Where env steps go back, a run was restarted from there. Rows that it had written at or after that step do not
    count.
    """
    lowest_later = np.minimum.accumulate(env_steps[::-1])[::-1]
    return env_steps <= lowest_later


def restart_note(where: Path | str, kept: np.ndarray) -> list[str]:
    dropped = int((~kept).sum())
    return [f"{where} was restarted: {dropped} rows that it wrote again were left out."] if dropped else []
