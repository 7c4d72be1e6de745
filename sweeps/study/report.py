"""Write the report of a study."""

from pathlib import Path

from analysis.report import write_files
from analysis.study.record import Record
from analysis.study.report import Spent, files
from sweeps.study.spent import predicted, spent


def write_report(record: Record, directory: Path, command: str) -> Path:
    """Write the report into the study's directory.

    Returns:
        The path of the page.

    Raises:
        InputError: A file cannot be written, or a run cannot be read.
    """
    said = predicted(directory)
    costs = {}
    for cell, (seconds, env_steps, size) in spent(record, directory).items():
        expected = said[cell].seconds * record.cells[cell] if cell in said else None
        costs[cell] = Spent(seconds, env_steps, size, expected)
    return write_files(directory, files(record, directory, costs, command))
