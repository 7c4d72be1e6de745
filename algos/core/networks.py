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

from algos.kernels.reduce import sum_rows

Activation = Literal["relu", "tanh"]
Backend = Literal["auto", "reference", "compiled"]


def layer_slices(sizes: Sequence[int]) -> list[tuple[slice, slice]]:
    """Where each layer's weights and biases lie in the flat parameters of a network with these layer sizes."""
    slices = []
    start = 0
    for fan_in, fan_out in pairwise(sizes):
        middle, end = start + fan_in * fan_out, start + (fan_in + 1) * fan_out
        slices.append((slice(start, middle), slice(middle, end)))
        start = end
    return slices


class MLP:
    """A multilayer perceptron of ``sizes = (in, hidden..., out)`` with a linear output, over all seeds at once.

    ``active`` ([S] bool) marks the seeds to compute; the rows of the others are zeros in every result.

    Backends: ``reference`` is plain batched matrix products, on any device; ``compiled`` the CPU kernels of
    ``algos.kernels.mlp``, whose results for a row of ``x`` depend neither on the other rows nor on the number of seeds
    or threads; ``auto`` takes the compiled one on the CPU and the reference elsewhere.
    """

    def __init__(self, sizes: Sequence[int], activation: Activation, backend: Backend = "auto") -> None:
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"sizes must be (in, hidden..., out), all positive, not {tuple(sizes)}")
        if activation not in ("relu", "tanh"):
            raise ValueError(f"activation must be 'relu' or 'tanh', not {activation!r}")
        if backend not in ("auto", "reference", "compiled"):
            raise ValueError(f"backend must be 'auto', 'reference' or 'compiled', not {backend!r}")
        self.sizes = tuple(sizes)
        self.activation = activation
        self.backend = backend
        self._slices = layer_slices(self.sizes)
        self.num_params = self._slices[-1][1].stop

    def __call__(self, params: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Outputs [S, B, out] at params [S, P] for inputs x [S, B, in]; differentiable once, in ``params`` alone."""
        return _Forward.apply(params, x, active, self)

    def vjp(self, params: Tensor, cotangents: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Gradient [S, P] of ``sum(cotangents * outputs)`` with respect to ``params``; cotangents [S, B, out]."""
        with torch.no_grad():
            return _mask(self._vjp(params, cotangents, x), active)

    def jvp(self, params: Tensor, tangents: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Derivative [S, B, out] of the outputs as ``params`` move along ``tangents`` [S, P]."""
        with torch.no_grad():
            return _mask(self._jvp(params, tangents, x), active)

    def mse_gradient(
        self, params: Tensor, x: Tensor, targets: Tensor, active: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Loss [S], gradient [S, P] and predictions [S, B] of the mean squared error to targets [S, B].

        For networks with one output: loss = mean over B of (prediction - target)². One forward pass gives all three.
        """
        if self.sizes[-1] != 1:
            raise ValueError(f"mse_gradient is for networks with one output, not {self.sizes[-1]}")
        with torch.no_grad():
            predictions = self._forward(params, x)[..., 0]
            errors = predictions - targets
            loss = batch_mean(errors * errors)
            gradient = self._vjp(params, (2 / x.shape[1] * errors)[..., None], x)
            return _mask(loss, active), _mask(gradient, active), _mask(predictions, active)

    def _layers(self, flat: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Weights [S, in, out] and biases [S, 1, out] of each layer, as views of flat [S, P]."""
        shapes = zip(self.sizes[:-1], self.sizes[1:], self._slices, strict=True)
        return [(flat[:, w].unflatten(1, (n_in, n_out)), flat[:, None, b]) for n_in, n_out, (w, b) in shapes]

    def _activate(self, z: Tensor) -> Tensor:
        return torch.relu(z) if self.activation == "relu" else torch.tanh(z)

    def _slope(self, h: Tensor) -> Tensor:
        """Derivative of the activation where its value is h."""
        return (h > 0).to(h.dtype) if self.activation == "relu" else 1 - h * h

    def _hidden(self, params: Tensor, x: Tensor) -> list[Tensor]:
        """The input of every layer: x, then the hidden activations."""
        inputs = [x]
        for w, b in self._layers(params)[:-1]:
            inputs.append(self._activate(torch.baddbmm(b, inputs[-1], w)))
        return inputs

    def _forward(self, params: Tensor, x: Tensor) -> Tensor:
        w, b = self._layers(params)[-1]
        return torch.baddbmm(b, self._hidden(params, x)[-1], w)

    def _vjp(self, params: Tensor, cotangents: Tensor, x: Tensor) -> Tensor:
        layers, inputs = self._layers(params), self._hidden(params, x)
        grads: list[Tensor] = []
        delta = cotangents
        for i in reversed(range(len(layers))):
            grads[:0] = [torch.bmm(inputs[i].mT, delta).flatten(1), delta.sum(1)]
            if i > 0:
                delta = torch.bmm(delta, layers[i][0].mT) * self._slope(inputs[i])
        return torch.cat(grads, dim=1)

    def _jvp(self, params: Tensor, tangents: Tensor, x: Tensor) -> Tensor:
        layers, directions, inputs = self._layers(params), self._layers(tangents), self._hidden(params, x)
        dw, db = directions[0]
        tangent = torch.baddbmm(db, x, dw)
        for (w, _), (dw, db), h in zip(layers[1:], directions[1:], inputs[1:], strict=True):
            tangent = torch.baddbmm(db, h, dw) + torch.bmm(tangent * self._slope(h), w)
        return tangent


def _mask(values: Tensor, active: Tensor | None) -> Tensor:
    """Values [S, ...] with zeros, not merely products with zero (0 * nan is nan), where a seed is not active."""
    if active is None:
        return values
    return torch.where(active.view(-1, *[1] * (values.ndim - 1)), values, 0)


class _Forward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, params: Tensor, x: Tensor, active: Tensor | None, mlp: MLP) -> Tensor:
        ctx.save_for_backward(params, x)
        ctx.active, ctx.mlp = active, mlp
        return _mask(mlp._forward(params, x), active)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, cotangents: Tensor) -> tuple[Tensor, None, None, None]:
        params, x = ctx.saved_tensors
        return ctx.mlp.vjp(params, cotangents, x, ctx.active), None, None, None


class _BatchSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.batch = x.shape[1]
        if x.device.type != "cpu":
            return x.sum(1)
        total = torch.empty(x.shape[0], dtype=x.dtype)
        sum_rows(x.detach().contiguous().numpy(), total.numpy())
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad[:, None].expand(-1, ctx.batch)


def batch_sum(x: Tensor) -> Tensor:
    """Sum [S] of each seed's row of x [S, B]; on the CPU in an order that depends on B alone.

    ``torch.sum`` of one long row splits it by the number of threads, of many rows it does not: a seed's loss would
    then depend on the seeds beside it.
    """
    return _BatchSum.apply(x)


def batch_mean(x: Tensor) -> Tensor:
    """Mean [S] of each seed's row of x [S, B], in the order of ``batch_sum``."""
    return batch_sum(x) / x.shape[1]


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

    Saxe, McClelland and Ganguli (2014), as in ``torch.nn.init.orthogonal_``: QR of a normal matrix, with the signs of
    R's diagonal moved into Q so that Q is uniform over the orthogonal matrices.
    """
    flat = []
    gains = [gain] * (len(sizes) - 2) + [last_gain]
    for fan_in, fan_out, layer_gain in zip(sizes[:-1], sizes[1:], gains, strict=True):
        normal = rng.standard_normal((max(fan_in, fan_out), min(fan_in, fan_out)))
        q, r = np.linalg.qr(normal)
        q *= np.sign(np.diagonal(r))
        flat += [layer_gain * (q if fan_in >= fan_out else q.T).ravel(), np.zeros(fan_out)]
    return np.concatenate(flat)
