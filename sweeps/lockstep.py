"""Group jobs that can train together: jobs that differ only in numbers train side by side in one process."""

from collections.abc import Iterator, Sequence

from algos.machine import free_memory
from algos.memory import bytes_per_row
from algos.rows import common
from sweeps.run_config import validate
from sweeps.training import Job, train_together

__all__ = ["Job", "groups", "train_together"]


def groups(
    jobs: Sequence[Job], memory: int | None = None, max_rows: int | None = None, at_least: int = 1
) -> list[list[Job]]:
    """Split jobs into groups that can train together.

    The configs of a group differ only in seeds, in numbers that may differ from row to row, and in how runs are kept.

    Args:
        jobs: the jobs; each goes into exactly one group.
        memory: bytes that a group may take, by estimate; by default half of the free memory. A single job may take
            more.
        max_rows: rows (seeds of all jobs) that a group may have; by default as many as fit into the memory.
        at_least: groups to make if there are enough jobs, such as one for each of several processes.

    Returns:
        The groups, in the order of their first jobs.

    Raises:
        InputError: A config is wrong.
        TaskError: A task cannot be made.
    """
    alike: dict[str, list[Job]] = {}
    for job in jobs:
        alike.setdefault(common(validate(job.content)), []).append(job)
    whole = free_memory() // 2 if memory is None else memory
    parts: list[list[Job]] = []
    for own in alike.values():
        rows = max(1, whole // bytes_per_row(validate(own[0].content)))
        wanted = -(-at_least * len(own) // len(jobs))
        parts += _split(own, rows if max_rows is None else min(rows, max_rows), wanted)
    return parts


def _split(jobs: Sequence[Job], most: int, wanted: int) -> Iterator[list[Job]]:
    """Split jobs, in order, into equal parts of at most ``most`` rows: as few as possible, but at least ``wanted``."""
    counts = [int(job.content["num_seeds"]) for job in jobs]
    number = max(wanted, -(-sum(counts) // most))
    size = max(min(most, -(-sum(counts) // number)), 1)
    part: list[Job] = []
    rows = 0
    for job, count in zip(jobs, counts, strict=True):
        if part and rows + count > size:
            yield part
            part, rows = [], 0
        part.append(job)
        rows += count
    yield part
