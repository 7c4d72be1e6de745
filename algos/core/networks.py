"""Stacked multilayer perceptrons: one network per seed, all of one shape, evaluated together.

The parameters of all seeds are one flat tensor ``[S, P]``: layer after layer the weights ``[in, out]`` row-major, then
the biases ``[out]``. Seeds share nothing: row ``s`` of every result depends on row ``s`` of the arguments alone.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from algos.core.batched_products import BatchedProducts
from algos.core.network import compiled_form
from algos.core.reductions import batch_mean, batch_sum
from algos.kernels.mlp import CompiledMLP
from algos.kernels.orthogonal import orthonormalise

__all__ = ["MLP", "batch_mean", "batch_sum", "init_orthogonal", "init_torch_default"]

Backend = Literal["auto", "reference"]


class MLP:
    """A multilayer perceptron of ``sizes = (in, hidden..., out)`` with a linear output, over all seeds at once.

    ``active`` ([S] bool) marks the seeds to compute; the rows of the others are zeros in every result.

    Backends: ``reference`` is plain batched matrix products, on any device; ``auto`` takes the kernels of
    ``algos.kernels.mlp`` on the CPU, whose results for a row of ``x`` depend neither on the other rows nor on the
    number of seeds or threads, and the reference elsewhere.
    """

    def __init__(self, sizes: Sequence[int], activation: Literal["relu", "tanh"], backend: Backend = "auto") -> None:
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"sizes must be (in, hidden..., out), all positive, not {tuple(sizes)}")
        if activation not in ("relu", "tanh"):
            raise ValueError(f"activation must be 'relu' or 'tanh', not {activation!r}")
        if backend not in ("auto", "reference"):
            raise ValueError(f"backend must be 'auto' or 'reference', not {backend!r}")
        self.sizes = tuple(sizes)
        self.activation = activation
        self.num_outputs = sizes[-1]
        self.num_params = sum((n_in + 1) * n_out for n_in, n_out in pairwise(self.sizes))
        self._reference = BatchedProducts(self.sizes, activation)
        self.compiled = None if backend == "reference" else CompiledMLP(self.sizes, activation)

    def __call__(self, params: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Outputs [S, B, out] at params [S, P] for inputs x [S, B, in]; differentiable once, in ``params`` alone."""
        if torch.is_grad_enabled() and params.requires_grad:
            return _Forward.apply(params, x, active, self)
        compiled = compiled_form(self, params)
        if compiled is not None:
            return compiled.forward(params, x, active, keep=False)[0]
        return self._reference.forward(params, x, active)

    @torch.no_grad()
    def vjp(self, params: Tensor, cotangents: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Gradient [S, P] of ``sum(cotangents * outputs)`` with respect to ``params``; cotangents [S, B, out]."""
        return self._implementation(params).vjp(params, cotangents, x, active)

    @torch.no_grad()
    def jvp(self, params: Tensor, tangents: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Derivative [S, B, out] of the outputs as ``params`` move along ``tangents`` [S, P]."""
        return self._implementation(params).jvp(params, tangents, x, active)

    def _implementation(self, params: Tensor) -> BatchedProducts | CompiledMLP:
        return compiled_form(self, params) or self._reference


class _Forward(torch.autograd.Function):
    """The forward pass of an MLP; its backward is the vjp, from the activations that the compiled backend kept."""

    @staticmethod
    def forward(ctx: Any, params: Tensor, x: Tensor, active: Tensor | None, mlp: MLP) -> Tensor:
        ctx.save_for_backward(params, x)
        ctx.active, ctx.mlp = active, mlp
        compiled = compiled_form(mlp, params)
        if compiled is not None:
            out, ctx.kept = compiled.forward(params, x, active, keep=True)
            return out
        return mlp._reference.forward(params, x, active)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, cotangents: Tensor) -> tuple[Tensor, None, None, None]:
        params, x = ctx.saved_tensors
        compiled = compiled_form(ctx.mlp, params)
        if compiled is not None:
            gradient = compiled.vjp(params, cotangents, x, ctx.active, ctx.kept)
        else:
            gradient = ctx.mlp._reference.vjp(params, cotangents, x, ctx.active)
        return gradient, None, None, None


def init_torch_default(sizes: Sequence[int], rng: np.random.Generator, last_scale: float) -> np.ndarray:
    """One seed's parameters [P] as ``torch.nn.Linear`` draws them: U(±1/√fan_in), weights and biases.

    The last layer is multiplied by ``last_scale`` (0 starts the network at zero output).
    """
    flat = []
    for fan_in, fan_out in pairwise(sizes):
        bound = fan_in**-0.5
        flat.append(rng.uniform(-bound, bound, (fan_in + 1) * fan_out))
    flat[-1] *= last_scale
    return np.concatenate(flat)


def init_orthogonal(sizes: Sequence[int], rng: np.random.Generator, gain: float, last_gain: float) -> np.ndarray:
    """One seed's parameters [P]: orthogonal weights times ``gain`` (``last_gain`` in the last layer), zero biases.

    Saxe, McClelland and Ganguli (2014), as in ``torch.nn.init.orthogonal_``: the Q of a normal matrix, R's diagonal
    positive, so that Q is uniform over the orthogonal matrices.
    """
    flat = []
    gains = [gain] * (len(sizes) - 2) + [last_gain]
    for fan_in, fan_out, layer_gain in zip(sizes[:-1], sizes[1:], gains, strict=True):
        columns = np.ascontiguousarray(rng.standard_normal((max(fan_in, fan_out), min(fan_in, fan_out))).T)
        orthonormalise(columns)
        flat += [layer_gain * (columns.T if fan_in >= fan_out else columns).ravel(), np.zeros(fan_out)]
    return np.concatenate(flat)
