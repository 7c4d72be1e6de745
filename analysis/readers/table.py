"""Reads one plain table of variant, task, seed, env_steps and value: a CSV, a Parquet file, or a data frame."""

from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.numbers import listed
from analysis.readers.files import EXACT
from analysis.readers.logs import Aggregates, Log, Request, Series, series
from analysis.readers.names import choose
from analysis.readers.patterns import FIELDS
from analysis.run_format import OK, InputError

VALUE, METRIC, STATUS, PAIRING, UNFINISHED = "value", "metric", "status", "pairing", "unfinished"
COLUMNS = (*FIELDS, "env_steps", VALUE)
EXPECTED = f"expected: {', '.join(COLUMNS)}; --column env_steps=NAME says how a column is called here"
DEVIATIONS = ("std", "sd", "sem")


class TableReader:
    """Reads plain tables. One file holds many runs."""

    name = "table"
    looks_for = f"a CSV or Parquet table of {', '.join(COLUMNS)}"
    whole_directory = False

    def claims(self, directory: Path, names: Sequence[str], request: Request) -> list[list[str]]:
        files = [name for name in names if name.endswith((".csv", ".csv.gz", ".parquet"))]
        return [[name] for name in files if request.explicit or is_table(directory / name, request)]

    def read(self, directory: Path, names: Sequence[str], request: Request) -> Iterable[Log | Aggregates]:
        path = directory / names[0]
        yield from table_logs(path, read_table(path), request)


def is_table(path: Path, request: Request) -> bool:
    """Whether a file has the columns of a table, under our names or the user's."""
    try:
        names = set(column_names(path))
    except InputError:
        return path.suffix == ".parquet" and find_spec("pyarrow") is not None  # one that is not whole
    theirs = {request.theirs(name) for name in ("env_steps", VALUE)} | {"env_steps", VALUE}
    return len(names & theirs) >= 2 or ({"variant", "task", "mean"} <= names and "seed" not in names)


def column_names(path: Path) -> list[str]:
    try:
        if path.suffix == ".parquet":
            return [str(name) for name in parquet().read_schema(path).names]
        return [str(name) for name in pd.read_csv(path, nrows=0).columns]
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: cannot be read ({' '.join(str(error).split())}); {EXPECTED}") from None


def parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        raise InputError("pyarrow is not installed; expected for Parquet: pip install 'seedbed[parquet]'") from None
    return pyarrow.parquet


def read_table(path: Path) -> pd.DataFrame:
    """The table in a file.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        if path.suffix == ".parquet":
            return parquet().read_table(path).to_pandas()
        return pd.read_csv(path, dtype={name: str for name in ("variant", "task")}, **EXACT)
    except InputError:
        raise
    except Exception as error:  # whatever pandas and pyarrow raise for a file that is not theirs
        raise InputError(f"{path}: cannot be read ({' '.join(str(error).split())}); {EXPECTED}") from None


def table_logs(path: Path, table: pd.DataFrame, request: Request) -> Iterable[Log | Aggregates]:
    """The runs in a table.

    Raises:
        InputError: A column is missing, or a cell is not of its kind.
    """
    table = table.rename(columns={request.theirs(name): name for name in (*COLUMNS, METRIC) if name not in table})
    if "seed" not in table and "mean" in table:
        yield aggregates(path, table)
        return
    if "env_steps" not in table:
        raise InputError(f"{path}: has no column 'env_steps' but {columns_of(table)}; {EXPECTED}")
    facts = [name for name in FIELDS if name in table]
    for name in facts:
        if table[name].isna().any():
            raise InputError(f"{path}: row {int(table[name].isna().argmax()) + 2} has no {name}; {EXPECTED}")
    if "seed" in table:
        table = table.assign(seed=whole_numbers(path, "seed", table["seed"]))
    for name in ("env_steps", VALUE):
        if name in table:
            table = table.assign(**{name: numbers(path, name, table[name])})
    names = [str(name) for name in table[METRIC].unique()] if METRIC in table else number_columns(table)
    if not names:
        raise InputError(f"{path}: has no column {VALUE!r} but {columns_of(table)}; {EXPECTED}")
    each_run = table.groupby(facts, sort=True, observed=True) if facts else [((), table)]
    for key, rows in each_run:
        known: dict[str, Any] = dict(zip(facts, key if isinstance(key, tuple) else (key,), strict=True))
        known = {name: int(value) if name == "seed" else str(value) for name, value in known.items()}
        yield one_run(path, known, rows, names, request)


def one_run(path: Path, facts: dict[str, Any], table: pd.DataFrame, names: Sequence[str], request: Request) -> Log:
    """The run of one seed, from its rows."""
    found: dict[str, Series] = {}
    notes: list[str] = []
    for wanted in names if request.wanted is None else request.wanted:
        column = choose(names, wanted, request)
        if column is None and VALUE in names:
            column = VALUE
        if column is None:
            continue
        rows, value = (table[table[METRIC] == column], VALUE) if METRIC in table else (table, column)
        statuses = np.where(rows[STATUS] == UNFINISHED, OK, rows[STATUS]) if STATUS in rows else None
        found[wanted], told = series(path, column, rows["env_steps"], rows[value], 0, statuses)
        notes += told
    pairing = table[PAIRING].iloc[0] if PAIRING in table and pd.notna(table[PAIRING].iloc[0]) else None
    unfinished = bool(STATUS in table and (table[STATUS] == UNFINISHED).any())
    place = Path(path, *(str(facts[name]) for name in ("variant", "task") if name in facts))
    return Log(place, "table", facts, found, names, {}, notes, None if pairing is None else str(pairing), unfinished)


def number_columns(table: pd.DataFrame) -> list[str]:
    return [str(name) for name in table.select_dtypes("number") if name not in (*FIELDS, "env_steps")]


def columns_of(table: pd.DataFrame) -> str:
    return listed([str(name) for name in table.columns], 12)


def numbers(path: Path, name: str, cells: pd.Series) -> pd.Series:
    converted = pd.to_numeric(cells, errors="coerce")
    wrong = converted.isna() & cells.notna()
    if wrong.any():
        raise InputError(f"{path}: {name}={cells[wrong].iloc[0]!r} in row {int(wrong.argmax()) + 2}; expected: numbers")
    return converted.astype(float)


def whole_numbers(path: Path, name: str, cells: pd.Series) -> pd.Series:
    converted = numbers(path, name, cells)
    wrong = (converted != np.floor(converted)) | (converted < 0) | (converted >= 2**63)
    if wrong.any():
        raise InputError(f"{path}: {name}={converted[wrong].iloc[0]:g}; expected: whole numbers from 0")
    return converted.astype("int64")


def aggregates(path: Path, table: pd.DataFrame) -> Aggregates:
    """A table of means.

    Raises:
        InputError: A column is missing, or a cell is not of its kind.
    """
    deviation = next((name for name in DEVIATIONS if name in table), None)
    for name in ("variant", "task", "n"):
        if name not in table:
            raise InputError(
                f"{path}: has means but no column {name!r}; expected: variant, task, n, mean and std (or sem), "
                f"or {', '.join(COLUMNS)}"
            )
    if deviation is None:
        raise InputError(
            f"{path}: has means but no column 'std'; expected: std, the deviation over the n seeds, or sem"
        )
    rows = pd.DataFrame({name: table[name].astype(str) for name in ("variant", "task")})
    rows["n"] = whole_numbers(path, "n", table["n"])
    rows["mean"] = numbers(path, "mean", table["mean"])
    std = numbers(path, deviation, table[deviation])
    rows["std"] = std * np.sqrt(rows["n"]) if deviation == "sem" else std
    if rows[["mean", "std"]].isna().any().any() or (rows["std"] < 0).any() or (rows["n"] < 1).any():
        raise InputError(f"{path}: a row has no mean, a {deviation} below 0, or n below 1; expected: numbers in each")
    if rows.duplicated(["variant", "task"]).any():
        first = rows[rows.duplicated(["variant", "task"])].iloc[0]
        raise InputError(f"{path}: {first['variant']} on {first['task']} has two rows; expected: one")
    return Aggregates(path, rows)
