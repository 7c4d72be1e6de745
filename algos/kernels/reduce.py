"""Sums in an order that depends on their length alone, whatever the processor, the threads and the other seeds."""

import numpy as np
from numba import njit, prange

from algos.kernels.intrinsics import sum_squares, sum_values


@njit(cache=True, parallel=True)
def sum_rows(x: np.ndarray, out: np.ndarray) -> None:
    """Sum each row of x [S, B] into out [S], accumulated in float64."""
    flat = x.reshape(-1)
    for s in prange(x.shape[0]):
        out[s] = sum_values(flat, s * x.shape[1], x.shape[1])


@njit(cache=True, parallel=True)
def sum_last(x: np.ndarray, out: np.ndarray) -> None:
    """Sum x [S, B, A] over its last axis, in its order, into out [S, B]."""
    for s in prange(x.shape[0]):
        for b in range(x.shape[1]):
            total = x[s, b, 0]
            for a in range(1, x.shape[2]):
                total += x[s, b, a]
            out[s, b] = total


@njit(cache=True, parallel=True)
def normalise_rows(x: np.ndarray, eps: float, out: np.ndarray) -> None:
    """Each row of x [S, B] less its mean, over its population standard deviation plus ``eps``."""
    number = x.dtype.type
    size = x.shape[1]
    flat_x, flat_out = x.reshape(-1), out.reshape(-1)
    for s in prange(x.shape[0]):
        mean = number(sum_values(flat_x, s * size, size)) / number(size)
        for b in range(size):
            out[s, b] = x[s, b] - mean
        scale = np.sqrt(number(sum_squares(flat_out, s * size, size)) / number(size)) + number(eps)
        for b in range(size):
            out[s, b] /= scale
