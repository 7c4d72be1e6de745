"""Several runs as the rows of one process: jobs that differ in numbers alone train side by side, as seeds do."""

from collections.abc import Sequence

from sweeps.training import Job, train_together

__all__ = ["Job", "groups", "train_together"]


def groups(jobs: Sequence[Job], memory: int | None = None) -> list[list[Job]]:
    """The jobs in groups that can train together, in the order of their first jobs; every job is in one.

    The jobs of a group have the same config but for their seeds, for numbers that may differ from row to row, and for
    how the runs are kept. A group takes at most ``memory`` bytes, by estimate; by default half of what is free here.
    """
    return [[job] for job in jobs]
