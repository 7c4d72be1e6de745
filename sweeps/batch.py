"""Train several runs one after the other in one process. Complete runs are reused; interrupted runs continue."""

import csv
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.run_format import TIMING
from sweeps.compose import composed_config
from sweeps.status import duration


@dataclass(frozen=True)
class Run:
    """A run of ``num_seeds`` seeds of an experiment of ``conf/experiment``, with overrides."""

    name: str
    experiment: str
    num_seeds: int
    overrides: tuple[str, ...] = ()

    @property
    def command_line(self) -> list[str]:
        """The overrides as ``seedbed train`` takes them."""
        return [f"experiment={self.experiment}", f"num_seeds={self.num_seeds}", *self.overrides]


def composed(run: Run) -> dict[str, Any]:
    """Compose the config of a run, as ``seedbed train`` does."""
    return composed_config([*run.command_line, "resume=true"])


def train_runs(runs: Sequence[Run], directory: Path) -> list[str]:
    """Train each run to its end, in a directory of its name below ``directory``.

    A signal stops the training early; ``interrupt.received`` then holds its number.

    Returns:
        The names of the runs that did not complete.
    """
    from sweeps.interrupt import interrupt
    from sweeps.training import train  # late: it takes seconds, which a command's help has no need of

    troubled = []
    interrupt.install(directory)
    try:
        for number, (run, left) in enumerate(zip(runs, estimates(runs, directory), strict=True)):
            print(f"[{number + 1}/{len(runs)}] {run.name}{left}", flush=True)
            status = train(composed(run), directory / run.name, {"overrides": run.command_line})
            if interrupt.received:
                break
            if status:
                troubled.append(run.name)
    finally:
        interrupt.uninstall()
    return troubled


def estimates(runs: Sequence[Run], directory: Path) -> Iterator[str]:
    """Yield, before each run, the estimated time for it and all later runs; an empty text until a run was timed."""
    totals = [composed(run)["iterations"] for run in runs]
    for first in range(len(runs)):
        timed = [seconds_of_iterations(directory / run.name) for run in runs]
        speeds: dict[str, list[float]] = {}  # seconds per seed and iteration
        for run, seconds in zip(runs, timed, strict=True):
            if seconds:
                speeds.setdefault(run.experiment, []).append(
                    statistics.median(seconds) / run.num_seeds
                )  # the first compiles
        known = [speed for several in speeds.values() for speed in several]
        if not known:
            yield ""
            continue
        left = 0.0
        for run, total, seconds in list(zip(runs, totals, timed, strict=True))[first:]:
            speed = statistics.median(speeds.get(run.experiment, known))
            left += (total - len(seconds)) * run.num_seeds * speed
        yield f" (about {duration(left)} left for all)"


def seconds_of_iterations(directory: Path) -> list[float]:
    """The seconds of each iteration of a run so far."""
    path = directory / TIMING
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [float(row["seconds"]) for row in csv.DictReader(file)]
