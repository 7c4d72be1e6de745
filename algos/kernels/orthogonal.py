"""Orthonormal columns with the same bits on every processor, which LAPACK does not give."""

import numpy as np
from numba import njit

Array = np.ndarray


@njit(cache=True)
def orthonormalise(columns: Array) -> None:
    """Replace the columns of a matrix ``[m, n]`` by those of its factor Q, in place.

    The rows of ``columns [n, m]`` (n <= m, float64) are the columns of the matrix. Q·R is the matrix, and the diagonal
    of R is positive. Gram-Schmidt, twice for each column, makes them as orthogonal as Householder reflections do
    (Giraud et al. 2005, "twice is enough").
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
