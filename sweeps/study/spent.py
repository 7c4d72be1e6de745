"""The time, env steps and disk space of a study's runs, spent and predicted; reads files only."""

import csv
from dataclasses import dataclass
from pathlib import Path

from analysis.run_format import TIMING, read_json
from analysis.study.record import Record
from analysis.study.scores import Cell, run_directory

PREDICTION = "prediction.json"


@dataclass(frozen=True)
class Cost:
    """The predicted cost of one run, a group of seeds of a variant on a task.

    ``env_steps``: over all seeds. ``seconds``: of training, on this machine. ``size``: bytes on disk.
    """

    task: str
    variant: str
    env_steps: int
    seconds: float
    size: int


def spent(record: Record, directory: Path) -> dict[Cell, tuple[float, int, int]]:
    """What each task and variant took so far, over all seeds: (seconds, env steps, bytes of all files)."""
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
    """What a run took so far, from its timing.csv: (seconds, env steps over all seeds)."""
    path = run / TIMING
    if not path.exists():
        return 0.0, 0
    with path.open(newline="") as file:
        rows = [(float(row["seconds"]), float(row["env_steps_per_second"])) for row in csv.DictReader(file)]
    return sum(seconds for seconds, _ in rows), round(sum(seconds * speed for seconds, speed in rows))


def predicted(directory: Path) -> dict[Cell, Cost]:
    """The predictions of the last dry run; empty if there was none."""
    if not (directory / PREDICTION).exists():
        return {}
    return {(each["task"], each["variant"]): Cost(**each) for each in read_json(directory / PREDICTION)["runs"]}
