"""Group jobs that can train together: jobs that differ only in numbers train side by side in one process."""

from collections.abc import Iterator, Sequence

from algos.machine import free_memory
from algos.memory import bytes_per_row
from algos.rows import common
from sweeps.run_config import validate
from sweeps.training import Job, train_together

__all__ = ["Job", "groups", "train_together"]


def groups(
    jobs: Sequence[Job], memory: int | None = None, max_rows: int | None = None, processes: int = 1
) -> list[list[Job]]:
    """Split jobs into groups that can train together.

    The configs of a group differ only in seeds, in numbers that may differ from row to row, and in how runs are kept.

    Args:
        jobs: the jobs; each goes into exactly one group.
        memory: bytes that a group may take, by estimate; by default, all processes together may take half of the free
            memory. A single job may take more.
        max_rows: rows (seeds of all jobs) that a group may have; by default as many as fit into the memory.
        processes: processes that will train groups at the same time. If there are enough jobs, each gets as many groups
            as the others. Jobs on a GPU are not split among processes, because these would wait for each other.

    Returns:
        The groups, in the order of their first jobs.

    Raises:
        InputError: A config is wrong.
        TaskError: A task cannot be made.
    """
    alike: dict[str, list[Job]] = {}
    for job in jobs:
        alike.setdefault(common(validate(job.content)), []).append(job)
    whole = free_memory() // 2 // processes if memory is None else memory
    parts: list[list[Job]] = []
    for own in alike.values():
        config = validate(own[0].content)
        rows = max(1, whole // bytes_per_row(config))
        wanted = -(-processes * len(own) // len(jobs)) if config.device == "cpu" else 1
        parts += _split(own, rows if max_rows is None else min(rows, max_rows), wanted)
    return parts


def _split(jobs: Sequence[Job], most: int, multiple: int) -> Iterator[list[Job]]:
    """Split jobs, in order, into parts of at most ``most`` rows: as few as possible, but a multiple of a number.

    The parts are as equal as the jobs allow. There are fewer parts if there are fewer jobs.
    """
    counts = [int(job.content["num_seeds"]) for job in jobs]
    left = sum(counts)
    number = -(-left // (most * multiple)) * multiple
    part: list[Job] = []
    rows = size = 0
    for job, count in zip(jobs, counts, strict=True):
        if part and rows + count > size:
            yield part
            part, rows = [], 0
        if not part:
            size, number = min(most, -(-left // max(number, 1))), number - 1
        part.append(job)
        rows += count
        left -= count
    yield part
