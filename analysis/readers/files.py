"""Files of other programs: text, tables and arrays, read as data. An error is one line."""

import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.run_format import InputError

EXACT: dict[str, Any] = (
    {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
)
"""Arguments of read_csv that read numbers exactly as they were written. Newer versions of pandas need none."""


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({' '.join(str(error).split())}); expected: a text file") from None


def whole_rows(path: Path, text: str) -> tuple[str, list[str]]:
    """The text without a last row that was cut off, and a note if there was one."""
    if not text or text.endswith("\n"):
        return text, []
    return text[: text.rfind("\n") + 1], [f"{path} is cut off; its last, incomplete row was left out."]


def read_numbers(path: Path, text: str, needed: Sequence[str], what: str) -> pd.DataFrame:
    """The number columns of a CSV, without rows in which a `needed` column is empty.

    Raises:
        InputError: The text is no CSV, or lacks a needed column.
    """
    try:
        table = pd.read_csv(io.StringIO(text), **EXACT)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{path}: cannot be read ({' '.join(str(error).split())}); expected: {what}") from None
    for name in needed:
        if name not in table:
            columns = ", ".join(map(str, table.columns))
            raise InputError(f"{path}: has no column {name!r} but {columns}; expected: {what}")
        numbers = pd.to_numeric(table[name], errors="coerce")
        wrong = numbers.isna() & table[name].notna()
        if wrong.any():
            raise InputError(f"{path}: {name}={table.loc[wrong, name].iloc[0]!r}; expected: numbers, as in {what}")
        table[name] = numbers.astype(float)
    return table.dropna(subset=list(needed))


def load_arrays(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The arrays called `names` of an npz file. Nothing pickled is ever loaded.

    Raises:
        InputError: The file cannot be read, or lacks an array.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in names if name not in file]
            if missing:
                raise InputError(f"{path}: has no {missing[0]}; expected: {', '.join(names)}")
            return {name: file[name] for name in names}
    except InputError:
        raise
    except (
        OSError,
        ValueError,
        EOFError,
        KeyError,
        TypeError,
        AttributeError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        reason = " ".join(str(error).split())
        if "pickle" in reason:
            reason = "it holds pickled objects, which are not loaded"
        raise InputError(f"{path}: cannot be read ({reason}); expected: an npz file of numbers") from None
