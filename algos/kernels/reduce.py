"""Sums in an order that depends on their length alone, whatever the processor, the threads and the other seeds."""

import numpy as np
from numba import njit, prange

from algos.kernels.intrinsics import sum_values


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
