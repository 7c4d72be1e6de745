"""Notes of the kernels that a gradient step calls, for steps that repeat them (see ``algos.core.passes``)."""

from collections.abc import Iterator
from contextlib import contextmanager

_open: list[list[object]] = []


def note(call: object) -> None:
    """Add a call to the notes, if there are any being taken."""
    if _open:
        _open[-1].append(call)


@contextmanager
def notes() -> Iterator[list[object]]:
    """Take notes within this context: a list of the calls in their order."""
    calls: list[object] = []
    _open.append(calls)
    try:
        yield calls
    finally:
        _open.pop()
