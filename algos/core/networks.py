"""Stacked multilayer perceptrons: one network for each seed, all of one shape.

The parameters of all seeds are one flat tensor ``[S, P]``. It holds, layer by layer, the weights ``[in, out]`` row by
row and then the biases ``[out]``.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from algos.core.batched_products import BatchedProducts
from algos.core.network import compiled_form
from algos.kernels.mlp import CompiledMLP
from algos.kernels.orthogonal import orthonormalise

Backend = Literal["auto", "reference"]


class MLP:
    """The multilayer perceptrons of all seeds, a :class:`algos.core.network.Network`. The output layer is linear.

    Args:
        sizes: (in, hidden..., out).
        activation: of the hidden layers.
        backend: ``reference`` computes batched matrix products, on any device. ``auto`` computes with
            ``algos.kernels.mlp`` on the CPU and like ``reference`` elsewhere. Those kernels give a row of ``x`` the
            same bits whatever the other rows, and with any number of seeds or threads.

    Raises:
        ValueError: An argument is none of these.
    """

    def __init__(self, sizes: Sequence[int], activation: Literal["relu", "tanh"], backend: Backend = "auto") -> None:
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"sizes={tuple(sizes)}; expected: (in, hidden..., out), all positive")
        if activation not in ("relu", "tanh"):
            raise ValueError(f"activation={activation!r}; expected: 'relu' or 'tanh'")
        if backend not in ("auto", "reference"):
            raise ValueError(f"backend={backend!r}; expected: 'auto' or 'reference'")
        self.sizes = tuple(sizes)
        self.activation = activation
        self.num_outputs = sizes[-1]
        self.num_params = sum((n_in + 1) * n_out for n_in, n_out in pairwise(self.sizes))
        self._reference = BatchedProducts(self.sizes, activation)
        self.compiled = None if backend == "reference" else CompiledMLP(self.sizes, activation)

    def __call__(self, params: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Outputs ``[S, B, out]`` at ``x [S, B, in]``; differentiable once, in ``params [S, P]`` alone."""
        if torch.is_grad_enabled() and params.requires_grad:
            return _Forward.apply(params, x, active, self)
        compiled = compiled_form(self, params)
        if compiled is not None:
            return compiled.forward(params, x, active, keep=False)[0]
        return self._reference.forward(params, x, active)

    @torch.no_grad()
    def vjp(self, params: Tensor, cotangents: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Gradient ``[S, P]`` of ``sum(cotangents * outputs)``, with ``cotangents [S, B, out]``."""
        return self._implementation(params).vjp(params, cotangents, x, active)

    @torch.no_grad()
    def jvp(self, params: Tensor, tangents: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Derivative ``[S, B, out]`` of the outputs along ``tangents [S, P]`` of the parameters."""
        return self._implementation(params).jvp(params, tangents, x, active)

    def _implementation(self, params: Tensor) -> BatchedProducts | CompiledMLP:
        return compiled_form(self, params) or self._reference


class _Forward(torch.autograd.Function):
    """The forward pass. Its backward pass is the vjp, from the activations that the kernels kept."""

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
    """One seed's parameters ``[P]``, drawn as ``torch.nn.Linear`` does: uniform in ±1/√fan_in.

    Weights and biases of the last layer are multiplied by ``last_scale``; 0 gives outputs of zero.
    """
    flat = []
    for fan_in, fan_out in pairwise(sizes):
        bound = fan_in**-0.5
        flat.append(rng.uniform(-bound, bound, (fan_in + 1) * fan_out))
    flat[-1] *= last_scale
    return np.concatenate(flat)


def init_orthogonal(sizes: Sequence[int], rng: np.random.Generator, gain: float, last_gain: float) -> np.ndarray:
    """One seed's parameters ``[P]``: orthogonal weights times ``gain`` (``last_gain`` in the last layer), zero biases.

    The weights are the factor Q of a normal matrix, as in ``torch.nn.init.orthogonal_`` (Saxe, McClelland and Ganguli
    2014). The diagonal of R is positive, so Q is uniform over the orthogonal matrices.
    """
    flat = []
    gains = [gain] * (len(sizes) - 2) + [last_gain]
    for fan_in, fan_out, layer_gain in zip(sizes[:-1], sizes[1:], gains, strict=True):
        columns = np.ascontiguousarray(rng.standard_normal((max(fan_in, fan_out), min(fan_in, fan_out))).T)
        orthonormalise(columns)
        flat += [layer_gain * (columns.T if fan_in >= fan_out else columns).ravel(), np.zeros(fan_out)]
    return np.concatenate(flat)
