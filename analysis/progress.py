"""Reading one progress.csv, strictly: a file that is torn or not a run's is refused, never half read."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.runs import InputError

KEYS = ("seed", "iteration", "env_steps")
STATUS = "status"
OK = "ok"
REQUIRED = ("algo", "env_id", *KEYS, "episodes", "episodic_return", "episodic_length", STATUS)


@dataclass(frozen=True)
class Progress:
    """The rows of one file: `table` has the keys, the status and the columns asked for; `torn` says that the last,
    half-written row of a run still in progress was left out; `not_finite` counts cells of nan or inf."""

    table: pd.DataFrame
    torn: bool
    not_finite: int


def header(path: Path) -> list[str]:
    """Column names of a progress.csv. Raises InputError if it is not one."""
    with path.open("rb") as file:
        first = file.readline().decode("utf-8", errors="replace").rstrip("\r\n")
    columns = first.split(",")
    if not first:
        raise InputError(f"{path}: is empty; a progress.csv begins with a row of column names")
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise InputError(f"{path}: not a run's progress.csv, column {missing[0]!r} is missing")
    return columns


def read_progress(path: Path, columns: Sequence[str] | None, in_progress: bool) -> Progress:
    """Rows of `path`, in file order, with the `columns` asked for (None: every number column).

    `in_progress` allows a half-written last row, and that nothing has been written yet. Raises InputError for a
    missing, empty, torn or foreign file and for a column that it does not have.
    """
    if in_progress and not (path.exists() and path.stat().st_size):
        names = [*KEYS, STATUS, *(columns or [])]
        return Progress(parse(path, f"{','.join(names)}\n".encode(), columns or []), torn=False, not_finite=0)
    try:
        names = header(path)
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; every run directory has this file") from None
    wanted = [name for name in names if name not in ("algo", "env_id", *KEYS, STATUS)] if columns is None else columns
    for name in wanted:
        if name not in names:
            numbers = ", ".join(name for name in names if name not in ("algo", "env_id", STATUS))
            raise InputError(f"{path}: has no column {name!r}; its columns are {numbers}")
    data, torn = whole_rows(path, data, len(names), in_progress)
    table = parse(path, data, wanted)
    infinite = np.isinf(table[list(wanted)].to_numpy())
    if infinite.any():
        table[list(wanted)] = table[list(wanted)].mask(infinite)
    not_finite = int(infinite.sum()) + (written_nan(data, wanted) if b"nan" in data.lower() else 0)
    return Progress(table, torn, not_finite)


def whole_rows(path: Path, data: bytes, width: int, in_progress: bool) -> tuple[bytes, bool]:
    """`data` without a half-written last row, and whether there was one; InputError if any other row is torn."""
    torn = not data.endswith(b"\n")
    lines = data.count(b"\n")
    if torn and in_progress:
        data = data[: data.rfind(b"\n") + 1]
    elif torn:
        raise InputError(f"{path}: torn, line {lines + 1} is not complete; every row ends with a newline")
    if data.count(b",") != (width - 1) * lines or b"\x00" in data:
        for number, line in enumerate(data.splitlines(), start=1):
            if line.count(b",") != width - 1 or b"\x00" in line:
                raise InputError(f"{path}: torn, line {number} has not the {width} cells that the first line names")
    return data, torn


def written_nan(data: bytes, wanted: Sequence[str]) -> int:
    """How many cells hold the word nan, where an empty cell would say that there is no value."""
    cells = pd.read_csv(io.BytesIO(data), usecols=list(wanted), dtype=str, keep_default_na=False)
    return int((cells.apply(lambda column: column.str.lower()) == "nan").to_numpy().sum())


def parse(path: Path, data: bytes, wanted: Sequence[str]) -> pd.DataFrame:
    types: dict[str, str] = dict.fromkeys(KEYS, "int64") | dict.fromkeys(wanted, "float64") | {STATUS: "category"}
    try:
        return pd.read_csv(io.BytesIO(data), usecols=list(types), dtype=types)[list(types)]
    except (ValueError, pd.errors.ParserError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not a run's progress.csv ({reason}); {', '.join(types)} must be numbers") from None
