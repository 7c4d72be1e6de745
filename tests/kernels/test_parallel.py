"""Functions for compiled code alone, and the parallel loop over them."""

import numba
import numpy as np
import pytest
from numba import njit

from algos.kernels.inner import inner
from algos.kernels.parallel import for_each


@inner
def count_task(task, counts, step):
    counts[task] += step


@inner
def refuse_task(task, values):
    if values[task] < 0:
        raise ValueError("negative")


@inner
def divide_task(task, values, by):
    values[task] /= by


@njit(nogil=True)
def count_tasks(tasks, counts):
    for_each(tasks, count_task, (counts, 3))


@njit(nogil=True)
def refuse_tasks(values):
    for_each(len(values), refuse_task, (values,))


@njit(nogil=True)
def divide_tasks(values, by):
    for_each(len(values), divide_task, (values, by))


@pytest.mark.parametrize("threads", [1, numba.config.NUMBA_NUM_THREADS])
@pytest.mark.parametrize("tasks", [0, 1, 2, 5, 100])
def test_each_task_is_done_once(tasks, threads):
    counts = np.zeros(101, np.int64)
    before = numba.get_num_threads()
    numba.set_num_threads(threads)
    try:
        count_tasks(tasks, counts)
    finally:
        numba.set_num_threads(before)
    assert counts.tolist() == [3] * tasks + [0] * (101 - tasks)


def test_a_task_that_fails_raises():
    refuse_tasks(np.arange(8))
    with pytest.raises(MemoryError, match="refuse_task failed"):
        refuse_tasks(-np.arange(8))


def test_a_task_divides_by_zero_as_numpy_does():
    values = np.array([1.0, -1.0, 0.0])
    divide_tasks(values, 0.0)
    np.testing.assert_array_equal(values, [np.inf, -np.inf, np.nan])


def test_an_inner_function_is_compiled_once_for_constants_and_variables():
    @inner
    def add(x, y):
        return x + y

    @njit
    def sums(x):
        return add(x, 1) + add(x, 2) + add(2, x)

    assert sums(5) == 20
    assert len(add.overloads) == 1
    with pytest.raises(TypeError, match="add is called from compiled code only"):
        add(1, 2)
