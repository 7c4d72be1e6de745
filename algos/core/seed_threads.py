"""Work of PyTorch's operators, one seed a thread: how an operator rounds may depend on its number of threads."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

import torch

SMALL = 2**21
"""Multiplications of a seed below which its work is not worth another thread: starting it, and Python, take longer."""


def each_seed(work: Callable[[int], None], seeds: Sequence[int], size: int) -> None:
    """Call ``work(s)`` for the ``seeds``, each with one compute thread, side by side on ``torch.get_num_threads()``.

    ``size`` is about how many multiplications a seed's work has. The work of one seed must not depend on another's.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if threads > 1 and len(seeds) > 1 and size > SMALL:
            list(_pool(threads).map(partial(_alone, work), seeds))
        else:
            for s in seeds:
                work(s)
    finally:
        torch.set_num_threads(threads)


def _alone(work: Callable[[int], None], seed: int) -> None:
    torch.set_num_threads(1)  # a setting of the calling thread as well as of the process
    work(seed)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "seeds")
