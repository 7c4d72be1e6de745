"""Several runs as the rows of one process: jobs that differ in numbers alone train side by side, as seeds do."""

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
    """The jobs in groups that can train together, in the order of their first jobs; every job is in one.

    The jobs of a group have the same config but for their seeds, for numbers that may differ from row to row, and for
    how the runs are kept. A group takes at most ``memory`` bytes, by estimate, and ``max_rows`` rows, unless one job
    alone takes more; by default half of the memory that is free here, whatever the rows. There are ``at_least`` so
    many groups, as far as there are jobs: one for each of several processes.

    Raises:
        InputError: a config is wrong.
        TaskError: its task cannot be made.
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
    """Parts of about the same number of rows, in order: as few as take at most ``most`` rows, but ``wanted``."""
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
