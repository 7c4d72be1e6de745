"""How many threads a compiled loop takes: as many as its work is worth, at most what the run may have."""

from types import TracebackType

import numba

WORTH = 2_000_000
"""Multiply-adds that one more thread must save: it takes tens of microseconds to wake."""


class shared_out:
    """Within it, loops over ``tasks`` that are ``multiply_adds`` of work in all run on the threads that this is worth.

    What is computed does not depend on it.
    """

    __slots__ = ("before", "threads")

    def __init__(self, tasks: int, multiply_adds: int) -> None:
        self.before = numba.get_num_threads()
        self.threads = max(1, min(self.before, tasks, multiply_adds // WORTH))

    def __enter__(self) -> None:
        if self.threads != self.before:
            numba.set_num_threads(self.threads)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.threads != self.before:
            numba.set_num_threads(self.before)
