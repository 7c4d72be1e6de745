"""Orthonormal columns, in the same arithmetic on every processor; a LAPACK library's depends on it."""

import numpy as np
from numba import njit

Array = np.ndarray


@njit(cache=True)
def orthonormalise(columns: Array) -> None:
    """Replace the rows of ``columns [n, m]`` (n <= m, float64), the columns of an [m, n] matrix, by those of its Q.

    Q·R is the matrix and R's diagonal positive. By Gram and Schmidt, each column twice, which makes the columns as
    orthogonal as Householder's reflections do (Giraud et al. 2005, "twice is enough").
    """
    for j in range(columns.shape[0]):
        for _ in range(2):
            for i in range(j):
                overlap = 0.0
                for k in range(columns.shape[1]):
                    overlap += columns[i, k] * columns[j, k]
                for k in range(columns.shape[1]):
                    columns[j, k] -= overlap * columns[i, k]
        square = 0.0
        for k in range(columns.shape[1]):
            square += columns[j, k] * columns[j, k]
        length = np.sqrt(square)
        for k in range(columns.shape[1]):
            columns[j, k] /= length
