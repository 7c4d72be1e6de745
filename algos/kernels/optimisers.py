"""Steps of first-order optimisers on the CPU. A step is one pass over all parameters of a seed.

``params``, ``grads`` and an optimiser's state are tuples of arrays ``[S, P_i]``, one array for each parameter group.
Settings are ``[S]``. ``max_norm`` bounds the norm of a seed's gradient over all groups, and inf sets no bound. Seeds
that are not ``active`` do not change. A parameter's step depends only on its own gradients and on that norm.
"""

import math

import numpy as np
from numba import njit

from algos.kernels.inner import inner
from algos.kernels.intrinsics import sum_squares
from algos.kernels.parallel import for_each

Array = np.ndarray
Arrays = tuple[Array, ...]


@inner
def _scale(grads: Arrays, s: int, max_norm: float) -> float:
    """The factor that brings the norm of a seed's gradient down to ``max_norm``.

    It is 1 if the norm is below that, and NaN if the gradient has a NaN. Squares are summed in float64, in an order
    that depends only on the numbers of parameters.
    """
    if max_norm == math.inf:
        return 1.0
    squares = 0.0
    for grad in grads:
        squares += sum_squares(grad.reshape(-1), s * grad.shape[1], grad.shape[1])
    return min(max_norm / (math.sqrt(squares) + 1e-6), 1.0) if squares == squares else squares


@njit(cache=True, nogil=True)
def adam(
    params: Arrays,
    grads: Arrays,
    means: Arrays,
    squares: Arrays,
    steps: Arrays,
    learning_rate: Array,
    eps: Array,
    beta1: Array,
    beta2: Array,
    max_norm: Array,
    active: Array,
) -> None:
    """Update ``params`` in place by Adam (Kingma and Ba, 2015, Algorithm 1).

    The state ``means``, ``squares`` and ``steps`` changes in place too. ``steps`` are ``[S, 1]`` for each group.
    """
    for_each(
        active.size,
        adam_of_seed,
        (params, grads, means, squares, steps, learning_rate, eps, beta1, beta2, max_norm, active),
    )


@inner
def adam_of_seed(
    s: int,
    params: Arrays,
    grads: Arrays,
    means: Arrays,
    squares: Arrays,
    steps: Arrays,
    learning_rate: Array,
    eps: Array,
    beta1: Array,
    beta2: Array,
    max_norm: Array,
    active: Array,
) -> None:
    if not active[s]:
        return
    number = params[0].dtype.type
    one, first, second = number(1), number(beta1[s]), number(beta2[s])
    scale = number(_scale(grads, s, max_norm[s]))
    for k in range(len(params)):
        step = steps[k][s]
        step[0] += 1
        # Multiplying the rate and ε by √(1 − β2^t) saves a division for each element.
        root = math.sqrt(1 - beta2[s] ** step[0])
        rate = number(learning_rate[s] * root / (1 - beta1[s] ** step[0]))
        small = number(eps[s] * root)
        param, grad, mean, square = params[k][s], grads[k][s], means[k][s], squares[k][s]
        for j in range(param.size):
            g = grad[j] * scale
            m = first * mean[j] + (one - first) * g
            v = second * square[j] + (one - second) * (g * g)
            mean[j] = m
            square[j] = v
            param[j] -= rate * m / (np.sqrt(v) + small)


@njit(cache=True, nogil=True)
def rmsprop(
    params: Arrays,
    grads: Arrays,
    squares: Arrays,
    learning_rate: Array,
    eps: Array,
    decay: Array,
    max_norm: Array,
    active: Array,
) -> None:
    """Update ``params`` and ``squares`` in place by RMSProp (Tieleman and Hinton, 2012), with ε outside the root."""
    for_each(active.size, _rmsprop_of_seed, (params, grads, squares, learning_rate, eps, decay, max_norm, active))


@inner
def _rmsprop_of_seed(
    s: int,
    params: Arrays,
    grads: Arrays,
    squares: Arrays,
    learning_rate: Array,
    eps: Array,
    decay: Array,
    max_norm: Array,
    active: Array,
) -> None:
    if not active[s]:
        return
    number = params[0].dtype.type
    one, rate, kept, small = number(1), number(learning_rate[s]), number(decay[s]), number(eps[s])
    scale = number(_scale(grads, s, max_norm[s]))
    for k in range(len(params)):
        param, grad, square = params[k][s], grads[k][s], squares[k][s]
        for j in range(param.size):
            g = grad[j] * scale
            v = kept * square[j] + (one - kept) * (g * g)
            square[j] = v
            param[j] -= rate * g / (np.sqrt(v) + small)
