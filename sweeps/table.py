"""Append to the tables of a run, ``progress.csv`` and ``timing.csv``."""

import csv
import hashlib
import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from analysis.run_format import ALGO, ENV_ID, LEADING_COLUMNS, OK, STATUS
from sweeps.errors import InputError

if TYPE_CHECKING:
    from algos.core.loop import Iteration


def _cell(value: Any) -> str:
    if isinstance(value, np.floating):
        if np.isnan(value):
            return ""
        return format(float(value), ".9g" if value.dtype == np.float32 else ".17g")
    return str(value)


def progress_rows(algo: str, env_id: str, seeds: Iterable[int], iteration: "Iteration") -> list[dict[str, str]]:
    """The rows of one iteration in ``progress.csv``, one for each seed that took part."""
    broken = {failure.seed: failure.quantity for failure in iteration.failures}
    rows = []
    for index, seed in enumerate(seeds):
        if not iteration.running[index]:
            continue
        row = {ALGO: algo, ENV_ID: env_id, "seed": str(seed), "iteration": str(iteration.number)}
        row[STATUS] = f"failed: {broken[seed]}" if seed in broken else OK
        row |= {name: _cell(values[index]) for name, values in iteration.stats.items()}
        rows.append(row)
    return rows


def last_return(path: Path) -> float | None:
    """The median over seeds of the last returns in a ``progress.csv``; None if it has none."""
    if not path.exists():
        return None
    with path.open(newline="", errors="replace") as file:
        rows = [row for row in csv.DictReader(file) if row.get("episodic_return")]
    last = [float(row["episodic_return"]) for row in rows if row["iteration"] == rows[-1]["iteration"]]
    return float(np.median(last)) if last else None


class TableWriter:
    """Appends rows to a CSV file; the first append writes the header.

    If the disk is full, an append that was written in part is undone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: list[str] | None = None
        self.size = 0
        self.digest = hashlib.sha256()

    @classmethod
    def continued(cls, path: Path, mark: Mapping[str, Any]) -> Self:
        """Continue a table from ``mark``; the next append removes the rows behind it.

        Raises:
            InputError: The file does not begin with the rows that ``mark`` describes.
        """
        table = cls(path)
        with path.open("rb") if path.exists() else io.BytesIO() as file:
            content = file.read(mark["bytes"])
        table.size = len(content)
        table.digest.update(content)
        if table.mark() != mark:
            raise InputError(
                f"{path}: differs from what its checkpoint recorded; expected: the file as the run wrote it"
            )
        table.columns = next(csv.reader(content.decode().splitlines()), None)
        return table

    def mark(self) -> dict[str, Any]:
        """The size of the table in bytes, and its SHA-256."""
        return {"bytes": self.size, "sha256": self.digest.hexdigest()}

    def whole_mark(self) -> dict[str, Any]:
        """The mark of the whole file, including rows behind the point from which this table continues."""
        content = self.path.read_bytes() if self.path.exists() else b""
        return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    def sync(self) -> None:
        """Flush the appended rows to the disk."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())

    def append(self, rows: list[dict[str, str]]) -> None:
        """Append rows; all must have the same columns."""
        text = io.StringIO()
        if self.columns is None:
            leading = [name for name in LEADING_COLUMNS if name in rows[0]]
            self.columns = leading + [name for name in rows[0] if name not in leading]
            csv.writer(text, lineterminator="\n").writerow(self.columns)
        csv.DictWriter(text, self.columns, lineterminator="\n").writerows(rows)
        content = text.getvalue().encode()
        with self.path.open("ab", buffering=0) as file:
            file.truncate(self.size)  # a torn line, or rows after the checkpoint that the run goes on from
            try:
                written = 0
                while written < len(content):
                    written += file.write(content[written:])
            except OSError:
                file.truncate(self.size)
                raise
        self.size += len(content)
        self.digest.update(content)
