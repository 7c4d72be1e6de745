"""The number of threads of a compiled loop: as many as its work is worth, within the limit of the run."""

from types import TracebackType

import numba

WORTH = 8_000_000
"""Multiply-adds per thread that are worth waking it. Waking takes about 0.1 ms on a virtual machine."""


class shared_out:
    """A context for a loop over ``tasks`` with ``multiply_adds`` in all. It sets the number of threads for this work.

    Results do not depend on the number of threads.
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
