"""Reads the progress.csv of many runs. A file that is torn or not a run's is refused, never read in part."""

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from analysis.run_format import ALGO, ENV_ID, KEYS, LEADING_COLUMNS, STATUS, InputError

BATCH_BYTES = 2**23
"""Bytes that are parsed at once. To start pandas' parser takes longer than to parse a short file."""

NOT_SEPARATORS = bytes(set(range(256)) - set(b",\n"))


@dataclass(frozen=True)
class Progress:
    """The place of one file in the frame of all files.

    Attributes:
        rows: its rows in the frame.
        torn: whether the last row of a run in progress was half-written and left out.
        not_finite: number of cells with nan or inf.
    """

    rows: slice
    torn: bool
    not_finite: int


@dataclass(frozen=True)
class Text:
    """One file before its cells are parsed: its `header` line, and the complete `rows` below it."""

    path: Path
    header: bytes
    rows: bytes
    torn: bool

    @property
    def num_rows(self) -> int:
        return self.rows.count(b"\n")


def read_progress(
    files: Sequence[tuple[Path, bool]], columns: Sequence[str] | None
) -> tuple[pd.DataFrame, dict[Path, Progress]]:
    """The rows of all `files` in one frame, and the place of each file in it.

    Columns: status, keys, and the `columns` asked for (None: every number column). A file is a path and whether its run
    is in progress. A run in progress may have a half-written last row, or no rows yet.

    Raises:
        InputError: A file is missing, empty, torn or not a run's, or does not have a column.
    """
    with ThreadPoolExecutor(max_workers=2) as pool:  # pandas parses without the interpreter's lock
        tables = [
            table for batch in pool.map(lambda each: read_batch(each, columns), batches(files)) for table in batch
        ]
    found: dict[Path, Progress] = {}
    start = 0
    for _, parts in tables:
        for path, part in parts.items():
            stop = start + part.rows.stop - part.rows.start
            found[path] = Progress(slice(start, stop), part.torn, part.not_finite)
            start = stop
    filled = [table for table, _ in tables if len(table)] or [tables[0][0]]
    frame = pd.concat([table.drop(columns=STATUS) for table in filled], ignore_index=True)
    statuses = union_categoricals([table[STATUS] for table in filled], sort_categories=True)
    frame.insert(0, STATUS, pd.Series(statuses))
    return frame, found


def batches(files: Iterable[tuple[Path, bool]]) -> Iterator[list[tuple[Path, bool]]]:
    """The `files` in parts of about BATCH_BYTES."""
    batch: list[tuple[Path, bool]] = []
    size = 0
    for path, in_progress in files:
        batch.append((path, in_progress))
        size += path.stat().st_size if path.exists() else 0
        if size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    yield batch


def read_batch(
    files: Sequence[tuple[Path, bool]], columns: Sequence[str] | None
) -> list[tuple[pd.DataFrame, dict[Path, Progress]]]:
    """The rows of `files`: one table for all files with the same header."""
    texts: dict[bytes, list[Text]] = defaultdict(list)
    for path, in_progress in files:
        text = read_text(path, columns, in_progress)
        texts[text.header].append(text)
    return [parse_texts(group, columns) for group in texts.values()]


def read_text(path: Path, columns: Sequence[str] | None, in_progress: bool) -> Text:
    """The file at `path`, as in read_progress."""
    try:
        data = path.read_bytes() if path.exists() or not in_progress else b""
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; expected: the file that seedbed train wrote") from None
    if in_progress and not data:
        return Text(path, ",".join([*KEYS, STATUS, *(columns or [])]).encode() + b"\n", b"", torn=False)
    names = header(path, data)
    for name in columns or []:
        if name not in names:
            numbers = ", ".join(name for name in names if name not in (ALGO, ENV_ID, STATUS))
            raise InputError(f"{path}: has no column {name!r}; expected: one of {numbers}")
    data, torn = whole_rows(path, data, len(names), in_progress)
    end = data.find(b"\n") + 1
    return Text(path, data[:end], data[end:], torn)


def header(path: Path, data: bytes) -> list[str]:
    """Column names of a progress.csv.

    Raises:
        InputError: It is not the header of a progress.csv.
    """
    first = data.partition(b"\n")[0].decode("utf-8", errors="replace").rstrip("\r")
    columns = first.split(",")
    if not first:
        raise InputError(f"{path}: is empty; expected: a row of column names first")
    missing = [name for name in LEADING_COLUMNS if name not in columns]
    if missing:
        raise InputError(f"{path}: has no column {missing[0]!r}; expected: the progress.csv of a run")
    return columns


def whole_rows(path: Path, data: bytes, width: int, in_progress: bool) -> tuple[bytes, bool]:
    """The `data` without a half-written last row, and whether there was one.

    Raises:
        InputError: Another row is torn.
    """
    torn = not data.endswith(b"\n")
    lines = data.count(b"\n")
    if torn and in_progress:
        data = data[: data.rfind(b"\n") + 1]
    elif torn:
        raise InputError(f"{path}: torn: line {lines + 1} is not complete; expected: a newline after every row")
    if data.translate(None, NOT_SEPARATORS) != (b"," * (width - 1) + b"\n") * lines or b"\x00" in data:
        for number, line in enumerate(data.splitlines(), start=1):
            if line.count(b",") != width - 1 or b"\x00" in line:
                raise InputError(
                    f"{path}: torn: line {number} is not complete; expected: {width} cells, as in the first line"
                )
    return data, torn


def parse_texts(texts: Sequence[Text], columns: Sequence[str] | None) -> tuple[pd.DataFrame, dict[Path, Progress]]:
    """The rows of files with the same header, in their order.

    Raises:
        InputError: A file is wrong. The message names the first one.
    """
    names = texts[0].header.decode(errors="replace").rstrip().split(",")
    wanted = [name for name in names if name not in (ALGO, ENV_ID, *KEYS, STATUS)] if columns is None else columns
    try:
        table = parse(b"".join([texts[0].header, *(text.rows for text in texts)]), wanted)
    except ValueError:
        for text in texts:
            try:
                parse(text.header + text.rows, wanted)
            except ValueError as error:
                reason = " ".join(str(error).split())
                needed = ", ".join([*KEYS, *wanted])
                wrong = f"{text.path}: not a run's progress.csv ({reason}); expected: numbers in {needed}"
                raise InputError(wrong) from None
        raise
    values = table[list(wanted)]
    infinite = np.isinf(values.to_numpy())
    if infinite.any():
        table[list(wanted)] = values.mask(infinite)
    found = {}
    start = 0
    for text in texts:
        rows = slice(start, start + text.num_rows)
        not_finite = int(infinite[rows].sum()) + written_nan(text, wanted)
        found[text.path] = Progress(rows, text.torn, not_finite)
        start = rows.stop
    return table, found


def parse(data: bytes, wanted: Sequence[str]) -> pd.DataFrame:
    """The status, the keys and the `wanted` columns of every line.

    Raises:
        ValueError: A cell is not of its type, or a quotation mark joins lines.
    """
    types: dict[str, str] = {STATUS: "category"} | dict.fromkeys(KEYS, "int64") | dict.fromkeys(wanted, "float64")
    table = pd.read_csv(io.BytesIO(data), usecols=list(types), dtype=types)[list(types)]
    lines = data.count(b"\n") - 1
    if len(table) != lines:
        raise ValueError(f"{len(table)} rows in {lines} lines")
    return table


def written_nan(text: Text, wanted: Sequence[str]) -> int:
    """Number of cells with the word nan. A missing value would be an empty cell."""
    if b"nan" not in text.rows.lower():
        return 0
    data = io.BytesIO(text.header + text.rows)
    cells = pd.read_csv(data, usecols=list(wanted), dtype=str, keep_default_na=False)
    return int((cells.apply(lambda column: column.str.lower()) == "nan").to_numpy().sum())
