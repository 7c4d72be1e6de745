"""The reference backend of stacked perceptrons: batched matrix products in PyTorch, on any device."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor


class BatchedProducts:
    """Forward pass, vjp and jvp of ``algos.core.networks.MLP``.

    ``active [S]`` marks the seeds to compute; None marks all. The rows of the others are zero in every result.
    """

    def __init__(self, sizes: Sequence[int], activation: str) -> None:
        self._shapes = list(pairwise(sizes))
        self._activation = activation

    def forward(self, params: Tensor, x: Tensor, active: Tensor | None) -> Tensor:
        """Outputs ``[S, B, out]`` of the networks ``params [S, P]`` at inputs ``x [S, B, in]``."""
        w, b = self._layers(params)[-1]
        return _mask(torch.baddbmm(b, self._inputs(params, x)[-1], w), active)

    def vjp(self, params: Tensor, cotangents: Tensor, x: Tensor, active: Tensor | None) -> Tensor:
        """Gradient ``[S, P]`` of ``sum(cotangents * outputs)``, with ``cotangents [S, B, out]``."""
        layers, inputs = self._layers(params), self._inputs(params, x)
        gradients: list[Tensor] = []
        delta = cotangents
        for i in reversed(range(len(layers))):
            gradients[:0] = [torch.bmm(inputs[i].mT, delta).flatten(1), delta.sum(1)]
            if i > 0:
                delta = torch.bmm(delta, layers[i][0].mT) * self._slope(inputs[i])
        return _mask(torch.cat(gradients, dim=1), active)

    def jvp(self, params: Tensor, tangents: Tensor, x: Tensor, active: Tensor | None) -> Tensor:
        """Derivative ``[S, B, out]`` of the outputs along ``tangents [S, P]`` of the parameters."""
        layers, directions, inputs = self._layers(params), self._layers(tangents), self._inputs(params, x)
        dw, db = directions[0]
        tangent = torch.baddbmm(db, x, dw)
        for (w, _), (dw, db), h in zip(layers[1:], directions[1:], inputs[1:], strict=True):
            tangent = torch.baddbmm(db, h, dw) + torch.bmm(tangent * self._slope(h), w)
        return _mask(tangent, active)

    def _layers(self, flat: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Weights ``[S, in, out]`` and biases ``[S, 1, out]`` of each layer, as views of ``flat [S, P]``."""
        layers = []
        start = 0
        for n_in, n_out in self._shapes:
            middle, end = start + n_in * n_out, start + (n_in + 1) * n_out
            layers.append((flat[:, start:middle].unflatten(1, (n_in, n_out)), flat[:, None, middle:end]))
            start = end
        return layers

    def _inputs(self, params: Tensor, x: Tensor) -> list[Tensor]:
        """The input of every layer: ``x``, then the hidden activations."""
        inputs = [x]
        for w, b in self._layers(params)[:-1]:
            z = torch.baddbmm(b, inputs[-1], w)
            inputs.append(torch.relu(z) if self._activation == "relu" else torch.tanh(z))
        return inputs

    def _slope(self, h: Tensor) -> Tensor:
        """Derivative of the activation, from its value ``h``."""
        return (h > 0).to(h.dtype) if self._activation == "relu" else 1 - h * h


def _mask(values: Tensor, active: Tensor | None) -> Tensor:
    """``values [S, ...]``, zero for seeds that are not active."""
    # A product with the mask would keep NaN.
    if active is None:
        return values
    return torch.where(active.view(-1, *[1] * (values.ndim - 1)), values, 0)
