"""Sums in an order that depends only on their length: not on the processor, the threads or other seeds."""

import numpy as np
from numba import njit

from algos.kernels.inner import inner
from algos.kernels.intrinsics import sum_squares, sum_values
from algos.kernels.parallel import for_each


@njit(cache=True, nogil=True)
def sum_rows(x: np.ndarray, out: np.ndarray) -> None:
    """Write the sum of each row of ``x [S, B]`` to ``out [S]``. Sums are accumulated in float64."""
    for_each(x.shape[0], _sum_row, (x, out))


@inner
def _sum_row(s: int, x: np.ndarray, out: np.ndarray) -> None:
    out[s] = sum_values(x.reshape(-1), s * x.shape[1], x.shape[1])


@njit(cache=True, nogil=True)
def sum_last(x: np.ndarray, out: np.ndarray) -> None:
    """Write the sums of ``x [S, B, A]`` over its last axis, in its order, to ``out [S, B]``."""
    for_each(x.shape[0], _sum_last, (x, out))


@inner
def _sum_last(s: int, x: np.ndarray, out: np.ndarray) -> None:
    for b in range(x.shape[1]):
        total = x[s, b, 0]
        for a in range(1, x.shape[2]):
            total += x[s, b, a]
        out[s, b] = total


@njit(cache=True, nogil=True)
def normalise_rows(x: np.ndarray, eps: float, out: np.ndarray) -> None:
    """Write to ``out`` each row of ``x [S, B]`` less its mean, over its population standard deviation plus ``eps``."""
    for_each(x.shape[0], _normalise_row, (x, eps, out))


@inner
def _normalise_row(s: int, x: np.ndarray, eps: float, out: np.ndarray) -> None:
    number = x.dtype.type
    size = x.shape[1]
    mean = number(sum_values(x.reshape(-1), s * size, size)) / number(size)
    for b in range(size):
        out[s, b] = x[s, b] - mean
    scale = np.sqrt(number(sum_squares(out.reshape(-1), s * size, size)) / number(size)) + number(eps)
    for b in range(size):
        out[s, b] /= scale
