"""What the runs of a study took so far; reads files only."""

import csv
from pathlib import Path

from analysis.run_format import TIMING
from analysis.study.record import Record
from analysis.study.scores import Cell, run_directory


def spent(record: Record, directory: Path) -> dict[Cell, tuple[float, int, int]]:
    """(seconds, env steps, bytes) of each task and variant so far, over all seeds; bytes are those of all files."""
    found: dict[Cell, tuple[float, int, int]] = {}
    for (task, variant), looks in record.cells.items():
        seconds, env_steps, size = 0.0, 0, 0
        for number in range(1, looks + 1):
            path = directory / run_directory(task, variant, number)
            took, steps = time_of(path)
            seconds += took
            env_steps += steps
            size += sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
        found[task, variant] = (seconds, env_steps, size)
    return found


def time_of(run: Path) -> tuple[float, int]:
    """(seconds, env steps over all seeds) of a run so far, by its timing.csv."""
    path = run / TIMING
    if not path.exists():
        return 0.0, 0
    with path.open(newline="") as file:
        rows = [(float(row["seconds"]), float(row["env_steps_per_second"])) for row in csv.DictReader(file)]
    return sum(seconds for seconds, _ in rows), round(sum(seconds * speed for seconds, speed in rows))
