"""Log-probabilities and entropy of stacked policies on the CPU, with their gradients, compiled by Numba.

The result of a row depends on the row alone. The order of a sum over a seed's rows depends only on their number.
``active [S]`` marks the seeds to compute, and None marks all. Results and gradients of the others are zero.
"""

import math
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor

from algos.kernels.arguments import as_array, results, seeds_to_compute
from algos.kernels.elementary import exp, log
from algos.kernels.inner import inner
from algos.kernels.intrinsics import sum_values
from algos.kernels.parallel import for_each
from algos.kernels.threads import shared_out

Array = np.ndarray

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
ROWS = 512  # rows of a task, few enough that its columns stay in the cache


@inner
def _tasks(outputs: Array) -> int:
    """The number of tasks of each seed, for outputs ``[S, B, A]``."""
    return -(-outputs.shape[1] // ROWS)


@inner
def _rows_of(task: int, outputs: Array, seeds: Array) -> tuple[int, int, int]:
    """The seed of a task, its first row and its number of rows."""
    tasks = _tasks(outputs)
    first = task % tasks * ROWS
    return seeds[task // tasks], first, min(ROWS, outputs.shape[1] - first)


@inner
def _load_columns(source: Array, s: int, first: int, count: int, columns: Array) -> None:
    """Transpose ``count`` rows of seed ``s`` in ``source [S, B, A]``, from ``first`` on, to ``columns [A, ROWS]``."""
    for a in range(source.shape[2]):
        for r in range(count):
            columns[a, r] = source[s, first + r, a]


@inner
def gaussian_log_probs(columns: Array, actions: Array, log_std: Array, count: int, out: Array) -> None:
    """Compute log-densities of actions ``[A, ROWS]``. Write standardised actions over the means in ``columns``."""
    number = out.dtype.type
    constant = number(0)
    for a in range(log_std.size):
        constant += log_std[a] + number(HALF_LOG_2PI)
    for r in range(count):
        out[r] = -constant
    for a in range(log_std.size):
        scale = exp(-log_std[a])
        for r in range(count):
            z = (actions[a, r] - columns[a, r]) * scale
            columns[a, r] = z
            out[r] -= number(0.5) * z * z


@inner
def _gaussian_forward_task(task: int, mean: Array, log_std: Array, actions: Array, seeds: Array, out: Array) -> None:
    dimensions = mean.shape[2]
    s, first, count = _rows_of(task, mean, seeds)
    columns, taken = np.empty((dimensions, ROWS), mean.dtype), np.empty((dimensions, ROWS), mean.dtype)
    _load_columns(mean, s, first, count, columns)
    _load_columns(actions, s, first, count, taken)
    gaussian_log_probs(columns, taken, log_std[s], count, out[s, first : first + count])


@njit(cache=True, nogil=True)
def _gaussian_forward(mean: Array, log_std: Array, actions: Array, seeds: Array, out: Array) -> None:
    for_each(seeds.size * _tasks(mean), _gaussian_forward_task, (mean, log_std, actions, seeds, out))


@inner
def _gaussian_backward_task(
    i: int,
    mean: Array,
    log_std: Array,
    actions: Array,
    grad: Array,
    seeds: Array,
    grad_mean: Array,
    grad_log_std: Array,
) -> None:
    number = mean.dtype.type
    batch, dimensions = mean.shape[1:]
    s = seeds[i]
    terms = np.empty(batch, mean.dtype)
    for a in range(dimensions):
        scale = exp(-log_std[s, a])
        for b in range(batch):
            z = (actions[s, b, a] - mean[s, b, a]) * scale
            grad_mean[s, b, a] = grad[s, b] * z * scale
            terms[b] = grad[s, b] * (z * z - number(1))
        grad_log_std[s, a] = sum_values(terms, 0, batch)


@njit(cache=True, nogil=True)
def _gaussian_backward(
    mean: Array, log_std: Array, actions: Array, grad: Array, seeds: Array, grad_mean: Array, grad_log_std: Array
) -> None:
    for_each(seeds.size, _gaussian_backward_task, (mean, log_std, actions, grad, seeds, grad_mean, grad_log_std))


@inner
def log_normaliser(columns: Array, count: int, top: Array, out: Array) -> None:
    """Compute log Σ_a exp(columns[a]) for each row."""
    for r in range(count):
        top[r] = columns[0, r]
        out[r] = 0
    for a in range(1, columns.shape[0]):
        for r in range(count):
            top[r] = columns[a, r] if columns[a, r] > top[r] else top[r]
    for a in range(columns.shape[0]):
        for r in range(count):
            out[r] += exp(columns[a, r] - top[r])
    for r in range(count):
        out[r] = top[r] + log(out[r])


@inner
def _categorical_forward_task(
    task: int, logits: Array, actions: Array, seeds: Array, out: Array, normaliser: Array
) -> None:
    choices = logits.shape[2]
    s, first, count = _rows_of(task, logits, seeds)
    columns, top = np.empty((choices, ROWS), logits.dtype), np.empty(ROWS, logits.dtype)
    _load_columns(logits, s, first, count, columns)
    log_normaliser(columns, count, top, normaliser[s, first : first + count])
    for r in range(first, first + count):
        out[s, r] = logits[s, r, actions[s, r]] - normaliser[s, r]


@njit(cache=True, nogil=True)
def _categorical_forward(logits: Array, actions: Array, seeds: Array, out: Array, normaliser: Array) -> None:
    for_each(seeds.size * _tasks(logits), _categorical_forward_task, (logits, actions, seeds, out, normaliser))


@inner
def _categorical_backward_task(
    task: int, logits: Array, actions: Array, normaliser: Array, grad: Array, seeds: Array, grad_logits: Array
) -> None:
    choices = logits.shape[2]
    s, first, count = _rows_of(task, logits, seeds)
    columns = np.empty((choices, ROWS), logits.dtype)
    _load_columns(logits, s, first, count, columns)
    for a in range(choices):
        for r in range(count):
            columns[a, r] = exp(columns[a, r] - normaliser[s, first + r])
        for r in range(count):
            chosen = logits.dtype.type(actions[s, first + r] == a)
            grad_logits[s, first + r, a] = grad[s, first + r] * (chosen - columns[a, r])


@njit(cache=True, nogil=True)
def _categorical_backward(
    logits: Array, actions: Array, normaliser: Array, grad: Array, seeds: Array, grad_logits: Array
) -> None:
    for_each(
        seeds.size * _tasks(logits), _categorical_backward_task, (logits, actions, normaliser, grad, seeds, grad_logits)
    )


@inner
def _entropy_forward_task(task: int, logits: Array, seeds: Array, out: Array, normaliser: Array) -> None:
    choices = logits.shape[2]
    s, first, count = _rows_of(task, logits, seeds)
    columns, top = np.empty((choices, ROWS), logits.dtype), np.empty(ROWS, logits.dtype)
    _load_columns(logits, s, first, count, columns)
    log_normaliser(columns, count, top, normaliser[s, first : first + count])
    for r in range(count):
        out[s, first + r] = 0
    for a in range(choices):
        for r in range(count):
            log_prob = columns[a, r] - normaliser[s, first + r]
            out[s, first + r] -= exp(log_prob) * log_prob


@njit(cache=True, nogil=True)
def _entropy_forward(logits: Array, seeds: Array, out: Array, normaliser: Array) -> None:
    for_each(seeds.size * _tasks(logits), _entropy_forward_task, (logits, seeds, out, normaliser))


@inner
def _entropy_backward_task(
    task: int, logits: Array, entropy: Array, normaliser: Array, grad: Array, seeds: Array, grad_logits: Array
) -> None:
    choices = logits.shape[2]
    s, first, count = _rows_of(task, logits, seeds)
    columns = np.empty((choices, ROWS), logits.dtype)
    _load_columns(logits, s, first, count, columns)
    for a in range(choices):
        for r in range(count):
            log_prob = columns[a, r] - normaliser[s, first + r]
            columns[a, r] = -exp(log_prob) * (log_prob + entropy[s, first + r])
        for r in range(count):
            grad_logits[s, first + r, a] = grad[s, first + r] * columns[a, r]


@njit(cache=True, nogil=True)
def _entropy_backward(
    logits: Array, entropy: Array, normaliser: Array, grad: Array, seeds: Array, grad_logits: Array
) -> None:
    for_each(
        seeds.size * _tasks(logits), _entropy_backward_task, (logits, entropy, normaliser, grad, seeds, grad_logits)
    )


def gaussian_log_prob(mean: Tensor, log_std: Tensor, actions: Tensor, active: Tensor | None = None) -> Tensor:
    """Log-density ``[S, B]`` of ``actions [S, B, A]`` under normals with ``mean [S, B, A]`` and ``log_std [S, A]``.

    It is differentiable once, in ``mean`` and ``log_std``.
    """
    return _GaussianLogProb.apply(mean, log_std, actions, active)


def categorical_log_prob(logits: Tensor, actions: Tensor, active: Tensor | None = None) -> Tensor:
    """Log-probability ``[S, B]`` of the choices ``actions [S, B]`` (int64) with ``logits [S, B, A]``.

    It is differentiable once, in ``logits``.
    """
    return _CategoricalLogProb.apply(logits, actions, active)


def categorical_entropy(logits: Tensor, active: Tensor | None = None) -> Tensor:
    """Entropy ``[S, B]`` in nats of choices with finite ``logits [S, B, A]``. It is differentiable once."""
    return _CategoricalEntropy.apply(logits, active)


def _threads(outputs: Tensor | Array) -> shared_out:
    """The threads for outputs ``[S, B, A]`` of a network."""
    num_seeds, batch, dimensions = outputs.shape
    return shared_out(num_seeds * -(-batch // ROWS), 20 * num_seeds * batch * dimensions)


class _GaussianLogProb(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, mean: Tensor, log_std: Tensor, actions: Tensor, active: Tensor | None) -> Tensor:
        ctx.save_for_backward(mean, log_std, actions)
        ctx.active = active
        seeds, array = seeds_to_compute(mean, active), as_array(mean)
        out = results(mean.shape[:2], array.dtype, seeds)
        with _threads(mean):
            _gaussian_forward(array, as_array(log_std), as_array(actions), seeds, out)
        return torch.from_numpy(out)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        mean, log_std, actions = (as_array(tensor) for tensor in ctx.saved_tensors)
        seeds = seeds_to_compute(grad, ctx.active)
        grad_mean, grad_log_std = (results(array.shape, array.dtype, seeds) for array in (mean, log_std))
        with _threads(mean):
            _gaussian_backward(mean, log_std, actions, as_array(grad), seeds, grad_mean, grad_log_std)
        return torch.from_numpy(grad_mean), torch.from_numpy(grad_log_std), None, None


class _CategoricalLogProb(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, actions: Tensor, active: Tensor | None) -> Tensor:
        seeds, array = seeds_to_compute(logits, active), as_array(logits)
        out, normaliser = (results(logits.shape[:2], array.dtype, seeds) for _ in range(2))
        with _threads(logits):
            _categorical_forward(array, as_array(actions), seeds, out, normaliser)
        ctx.save_for_backward(logits, actions)
        ctx.active, ctx.normaliser = active, normaliser
        return torch.from_numpy(out)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        logits, actions = (as_array(tensor) for tensor in ctx.saved_tensors)
        seeds = seeds_to_compute(grad, ctx.active)
        grad_logits = results(logits.shape, logits.dtype, seeds)
        with _threads(logits):
            _categorical_backward(logits, actions, ctx.normaliser, as_array(grad), seeds, grad_logits)
        return torch.from_numpy(grad_logits), None, None


class _CategoricalEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, active: Tensor | None) -> Tensor:
        seeds, array = seeds_to_compute(logits, active), as_array(logits)
        entropy, normaliser = (results(logits.shape[:2], array.dtype, seeds) for _ in range(2))
        with _threads(logits):
            _entropy_forward(array, seeds, entropy, normaliser)
        ctx.save_for_backward(logits)
        ctx.active, ctx.entropy, ctx.normaliser = active, entropy, normaliser
        return torch.from_numpy(entropy)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        logits = as_array(ctx.saved_tensors[0])
        seeds = seeds_to_compute(grad, ctx.active)
        grad_logits = results(logits.shape, logits.dtype, seeds)
        with _threads(logits):
            _entropy_backward(logits, ctx.entropy, ctx.normaliser, as_array(grad), seeds, grad_logits)
        return torch.from_numpy(grad_logits), None
