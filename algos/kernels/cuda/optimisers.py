"""Steps of the first-order optimisers on CUDA; each program makes the step of a seed, over one or two groups."""

from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from algos.kernels.arguments import Setting
from algos.kernels.cuda.arguments import per_seed

COLUMNS = 1024
"""Parameters that a program moves together."""


@triton.jit
def _squares(grad, size: tl.constexpr, COLUMNS: tl.constexpr):
    """The sum of squares of a seed's gradients of one group, float64."""
    total = tl.zeros((COLUMNS,), tl.float64)
    for first in range(0, size, COLUMNS):
        j = first + tl.arange(0, COLUMNS)
        g = tl.load(grad + j, j < size, 0.0).to(tl.float64)
        total += g * g
    return tl.sum(total, 0)


@triton.jit
def _clip(squares, max_norm):
    """What brings the norm down to ``max_norm``; NaN where it is NaN."""
    scale = max_norm / (tl.sqrt(squares) + 1e-6)
    return tl.where(scale > 1.0, 1.0, scale).to(tl.float32)


@triton.jit
def _adam(param, grad, mean, square, steps, size: tl.constexpr, scale, rate, eps, beta1, beta2, COLUMNS: tl.constexpr):
    """Kingma and Ba (2015), Algorithm 1, of one group of a seed."""
    step = tl.load(steps) + 1.0
    tl.store(steps, step)
    rate = (rate / (1.0 - tl.exp(step * tl.log(beta1)))).to(tl.float32)
    root = tl.sqrt(1.0 - tl.exp(step * tl.log(beta2))).to(tl.float32)
    first, second, small = beta1.to(tl.float32), beta2.to(tl.float32), eps.to(tl.float32)
    for start in range(0, size, COLUMNS):
        j = start + tl.arange(0, COLUMNS)
        there = j < size
        g = tl.load(grad + j, there, 0.0) * scale
        m = first * tl.load(mean + j, there, 0.0) + (1.0 - first) * g
        v = second * tl.load(square + j, there, 0.0) + (1.0 - second) * (g * g)
        tl.store(mean + j, m, there)
        tl.store(square + j, v, there)
        p = tl.load(param + j, there, 0.0)
        tl.store(param + j, p - rate * m / (tl.sqrt(v) / root + small), there)


@triton.jit
def adam(
    param,
    grad,
    mean,
    square,
    steps,
    size: tl.constexpr,
    param2,  # the second group, where there are TWO
    grad2,
    mean2,
    square2,
    steps2,
    size2: tl.constexpr,
    rates,  # [S] float64 each
    epsilons,
    betas1,
    betas2,
    max_norms,
    active,
    TWO: tl.constexpr,
    CLIPPED: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """A step of Adam for the active seeds, in place; each array is ``[S, size]``, ``steps`` are ``[S, 1]``."""
    s = tl.program_id(0).to(tl.int64)
    if tl.load(active + s) == 0:
        return
    scale = 1.0
    if CLIPPED:
        squares = _squares(grad + s * size, size, COLUMNS)
        if TWO:
            squares += _squares(grad2 + s * size2, size2, COLUMNS)
        scale = _clip(squares, tl.load(max_norms + s))
    rate, eps = tl.load(rates + s), tl.load(epsilons + s)
    beta1, beta2 = tl.load(betas1 + s), tl.load(betas2 + s)
    here = s * size
    _adam(
        param + here, grad + here, mean + here, square + here, steps + s, size, scale, rate, eps, beta1, beta2, COLUMNS
    )
    if TWO:
        here = s * size2
        _adam(
            param2 + here, grad2 + here, mean2 + here, square2 + here, steps2 + s, size2, scale, rate, eps, beta1,
            beta2, COLUMNS,
        )  # fmt: skip


def adam_step(
    groups: Sequence[tuple[Tensor, Tensor, Tensor, Tensor, Tensor]],
    learning_rate: Setting,
    eps: Setting,
    beta1: Setting,
    beta2: Setting,
    max_norm: Setting | None,
    active: Tensor,
) -> None:
    """A step in place, for one or two groups of parameters, gradients, means, squares ``[S, P_i]``, steps ``[S, 1]``.

    ``max_norm`` bounds the norm of a seed's gradients over all groups; None is no bound.
    """
    flat = [
        [*[tensor.detach().contiguous() for tensor in tensors], tensors[0].shape[1]]
        for tensors in (groups[0], groups[-1])
    ]
    bound = 0.0 if max_norm is None else max_norm
    settings = [
        per_seed(setting, len(active), torch.float64, active.device)
        for setting in (learning_rate, eps, beta1, beta2, bound)
    ]
    two, clipped = len(groups) == 2, max_norm is not None
    adam[len(active),](*flat[0], *flat[1], *settings, active, TWO=two, CLIPPED=clipped, COLUMNS=COLUMNS)
