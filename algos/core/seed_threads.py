"""Run PyTorch's operators with one thread for each seed, because some round by their number of threads."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

import torch

SMALL = 2**21
"""Up to this many multiplications for each seed, more threads would cost more time than they save."""


def each_seed(work: Callable[[int], None], seeds: Sequence[int], size: int) -> None:
    """Call ``work(s)`` for every seed, each with one compute thread, on ``torch.get_num_threads()`` threads.

    ``size`` is the approximate number of multiplications for each seed. One seed's work must not depend on another's.
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
    torch.set_num_threads(1)  # PyTorch also keeps this number for each thread
    work(seed)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "seeds")
