"""Stacked multilayer perceptrons with activations that no kernel computes."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from algos.core.modules import ModuleNetwork


class Layers(nn.Module):
    """Linear layers of ``sizes = (in, hidden..., out)`` with an activation between them. All parameters are zero.

    Weights are ``[in, out]``, so the flat parameters have the order of ``algos.core.networks.MLP``.
    """

    def __init__(self, sizes: Sequence[int], activation: str) -> None:
        super().__init__()
        self.activation: Callable[[Tensor], Tensor] = getattr(nn.functional, activation)
        self.num_layers = len(sizes) - 1
        for index, (n_in, n_out) in enumerate(pairwise(sizes)):
            self.register_parameter(f"weight{index}", nn.Parameter(torch.zeros(n_in, n_out)))
            self.register_parameter(f"bias{index}", nn.Parameter(torch.zeros(n_out)))

    def forward(self, x: Tensor) -> Tensor:
        """Outputs ``[B, out]`` at ``x [B, in]``."""
        for index in range(self.num_layers):
            if index:
                x = self.activation(x)
            x = torch.addmm(getattr(self, f"bias{index}"), x, getattr(self, f"weight{index}"))
        return x


def plain_mlp(
    sizes: Sequence[int], activation: str, num_seeds: int, dtype: torch.dtype, device: torch.device | str
) -> ModuleNetwork:
    """The stacked network of :class:`Layers`. All its parameters are zero."""
    modules = [Layers(sizes, activation) for _ in range(num_seeds)]
    return ModuleNetwork(modules, (sizes[0],), sizes[-1], dtype, device)
