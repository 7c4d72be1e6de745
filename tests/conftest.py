"""Threads and the garbage collector of the tests: pytest's worker processes share the cores."""

import gc
import os

from algos.machine import usable_cores

num_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
# Before a library reads them. A thread that has nothing to do must not keep another worker from its core.
os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // num_workers)))
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from sweeps.imports import collect_rarely  # noqa: E402

collect_rarely()  # as every command does


def pytest_collection_finish() -> None:
    """The garbage collector need not look through the tests and all modules again and again."""
    gc.freeze()
