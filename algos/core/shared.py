"""One network for policy and critic: each uses a part of the outputs, and both train the same parameters."""

import torch
from torch import Tensor

from algos.core.network import Network


class OutputsOf:
    """The ``count`` outputs from ``first`` on of a ``network``, as a :class:`algos.core.network.Network`.

    The first parameters are those of ``network``. Any that follow have no effect.
    """

    compiled = None

    def __init__(self, network: Network, first: int, count: int) -> None:
        self.network = network
        self.first, self.last = first, first + count
        self.num_params, self.num_outputs = network.num_params, count

    def __call__(self, params: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        return self.network(self._own(params), x, active)[..., self.first : self.last]

    def vjp(self, params: Tensor, cotangents: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        every = cotangents.new_zeros(*cotangents.shape[:2], self.network.num_outputs)
        every[..., self.first : self.last] = cotangents
        gradient = self.network.vjp(self._own(params), every, x, active)
        return torch.cat([gradient, torch.zeros_like(params[:, self.num_params :])], dim=1)

    def jvp(self, params: Tensor, tangents: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        derivative = self.network.jvp(self._own(params), self._own(tangents), x, active)
        return derivative[..., self.first : self.last]

    def _own(self, params: Tensor) -> Tensor:
        return params[:, : self.num_params]
