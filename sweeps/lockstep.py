"""Several runs as the rows of one process: jobs that differ in numbers alone train side by side, as seeds do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.run_format import INTERRUPTED
from sweeps.interrupt import interrupt
from sweeps.training import train_run


@dataclass(frozen=True)
class Job:
    """One run: its composed config, as plain data, and its directory.

    ``hydra_files`` are kept beside the config of a new run, by name; ``overrides`` among them are those of the command
    that ``run.json`` tells. ``title`` is shown before what the run is, such as "job 3 of 6 (algo.clip_coef=0.1): ".
    """

    content: dict[str, Any]
    directory: Path
    hydra_files: Mapping[str, Any]
    title: str = ""


def groups(jobs: Sequence[Job], memory: int | None = None) -> list[list[Job]]:
    """The jobs in groups that can train together, in the order of their first jobs; every job is in one.

    The jobs of a group have the same config but for their seeds, for numbers that may differ from row to row, and for
    how the runs are kept. A group takes at most ``memory`` bytes, by estimate; by default half of what is free here.
    """
    return [[job] for job in jobs]


def train_together(jobs: Sequence[Job]) -> list[str]:
    """Train a group to its end, each job from its start or from where it stopped; returns their statuses.

    A status is that of the job's ``run.json``: complete, failed, or interrupted where a signal asked to stop
    (``interrupt.received`` then tells which). Every job writes its own directory, and the bytes there are those that
    it writes when it trains alone: a job may be resumed by itself, or in another group. What fails one job leaves the
    others as they are.

    Raises:
        InputError: a config is wrong, or a directory holds something else; nothing was trained.
        OSError: a directory cannot be written to.
    """
    statuses = []
    for job in jobs:
        statuses.append(train_run(job.content, job.directory, job.hydra_files, job.title))
        if interrupt.received:
            break
    return statuses + [INTERRUPTED] * (len(jobs) - len(statuses))
