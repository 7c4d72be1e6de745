"""Row sums in an order that depends on the row's length alone."""

import numpy as np
from numba import njit, prange


@njit(cache=True, parallel=True, fastmath={"reassoc", "nsz"})
def sum_rows(x: np.ndarray, out: np.ndarray) -> None:
    """Sum each row of x [S, B] into out [S], accumulated in float64."""
    for s in prange(x.shape[0]):
        total = 0.0
        for b in range(x.shape[1]):
            total += np.float64(x[s, b])
        out[s] = total
