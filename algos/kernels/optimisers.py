"""Steps of the first-order optimisers on the CPU, each one pass over a seed's parameters.

All arrays are ``[S, P]``, ``steps`` and ``scale`` (of the gradients) ``[S]``. Seeds that are not ``active`` are left as
they are. An element's value depends on its own past alone, in single roundings.
"""

import math

import numpy as np
from numba import njit, prange

from algos.kernels.intrinsics import sum_squares

Array = np.ndarray


@njit(cache=True, parallel=True)
def add_squares(grad: Array, total: Array) -> None:
    """Add each row's sum of squares to ``total [S]`` (float64), in an order that depends on P alone."""
    flat = grad.reshape(-1)
    for s in prange(grad.shape[0]):
        total[s] += sum_squares(flat, s * grad.shape[1], grad.shape[1])


@njit(cache=True, parallel=True)
def adam(
    param: Array,
    grad: Array,
    scale: Array,
    mean: Array,
    square: Array,
    steps: Array,
    learning_rate: float,
    eps: float,
    beta1: float,
    beta2: float,
    active: Array,
) -> None:
    """Kingma and Ba (2015), Algorithm 1, in place."""
    number = param.dtype.type
    one = number(1)
    for s in prange(param.shape[0]):
        if not active[s]:
            continue
        steps[s] += 1
        rate = number(learning_rate / (1 - beta1 ** steps[s]))
        root = number(math.sqrt(1 - beta2 ** steps[s]))
        for j in range(param.shape[1]):
            g = grad[s, j] * scale[s]
            m = number(beta1) * mean[s, j] + (one - number(beta1)) * g
            v = number(beta2) * square[s, j] + (one - number(beta2)) * (g * g)
            mean[s, j] = m
            square[s, j] = v
            param[s, j] -= rate * m / (np.sqrt(v) / root + number(eps))


@njit(cache=True, parallel=True)
def rmsprop(
    param: Array,
    grad: Array,
    scale: Array,
    square: Array,
    learning_rate: float,
    eps: float,
    decay: float,
    active: Array,
) -> None:
    """Tieleman and Hinton (2012) with ε outside the root, in place."""
    number = param.dtype.type
    one = number(1)
    for s in prange(param.shape[0]):
        if not active[s]:
            continue
        for j in range(param.shape[1]):
            g = grad[s, j] * scale[s]
            v = number(decay) * square[s, j] + (one - number(decay)) * (g * g)
            square[s, j] = v
            param[s, j] -= number(learning_rate) * g / (np.sqrt(v) + number(eps))
