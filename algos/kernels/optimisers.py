"""Steps of the first-order optimisers on the CPU, each one pass over a seed's parameters.

All arrays are ``[S, P]``, ``steps``, ``scale`` (of the gradients) and the settings ``[S]``. Seeds that are not
``active`` are left as they are. An element's value depends on its own past alone, in single roundings.
"""

import math

import numpy as np
from numba import njit, prange

from algos.kernels.intrinsics import sum_squares

Array = np.ndarray


@njit(cache=True, parallel=True)
def norm_scales(first: Array, second: Array, max_norm: Array, scale: Array) -> None:
    """What brings the global norm of each row of two gradients down to ``max_norm``; 1 where it is below.

    Sums of squares are in float64, in an order that depends on P alone; ``second`` may be of width 0.
    """
    flat_first, flat_second = first.reshape(-1), second.reshape(-1)
    for s in prange(first.shape[0]):
        squares = 0.0
        squares += sum_squares(flat_first, s * first.shape[1], first.shape[1])
        squares += sum_squares(flat_second, s * second.shape[1], second.shape[1])
        scale[s] = min(max_norm[s] / (math.sqrt(squares) + 1e-6), 1.0) if squares == squares else squares


@njit(cache=True, parallel=True)
def adam(
    param: Array,
    grad: Array,
    scale: Array,
    mean: Array,
    square: Array,
    steps: Array,
    learning_rate: Array,
    eps: Array,
    beta1: Array,
    beta2: Array,
    active: Array,
) -> None:
    """Kingma and Ba (2015), Algorithm 1, in place."""
    number = param.dtype.type
    one = number(1)
    for s in prange(param.shape[0]):
        if not active[s]:
            continue
        steps[s] += 1
        rate = number(learning_rate[s] / (1 - beta1[s] ** steps[s]))
        root = number(math.sqrt(1 - beta2[s] ** steps[s]))
        first, second, small = number(beta1[s]), number(beta2[s]), number(eps[s])
        for j in range(param.shape[1]):
            g = grad[s, j] * scale[s]
            m = first * mean[s, j] + (one - first) * g
            v = second * square[s, j] + (one - second) * (g * g)
            mean[s, j] = m
            square[s, j] = v
            param[s, j] -= rate * m / (np.sqrt(v) / root + small)


@njit(cache=True, parallel=True)
def rmsprop(
    param: Array,
    grad: Array,
    scale: Array,
    square: Array,
    learning_rate: Array,
    eps: Array,
    decay: Array,
    active: Array,
) -> None:
    """Tieleman and Hinton (2012) with ε outside the root, in place."""
    number = param.dtype.type
    one = number(1)
    for s in prange(param.shape[0]):
        if not active[s]:
            continue
        rate, kept, small = number(learning_rate[s]), number(decay[s]), number(eps[s])
        for j in range(param.shape[1]):
            g = grad[s, j] * scale[s]
            v = kept * square[s, j] + (one - kept) * (g * g)
            square[s, j] = v
            param[s, j] -= rate * g / (np.sqrt(v) + small)
