"""Networks: any ``torch.nn.Module`` will do.

A network's class takes ``observation_shape`` and ``num_outputs``, and whatever else its YAML sets; types are checked by
the annotations. ``forward`` maps observations ``[B, *observation_shape]`` to outputs ``[B, num_outputs]``: what the
action distribution needs, or one value a state. Each seed has a module of its own, made and initialised from the
seed's random stream, so leave drawing to ``torch.nn.init`` and the layers.

What a seed's module computes must depend on its parameters and on one sample alone: LayerNorm, GroupNorm, residual
connections, attention, buffers and frozen layers are fine. Dropout and BatchNorm are refused.
"""

import torch
from torch import Tensor, nn


class ConvNet(nn.Module):
    """Two convolutions with a residual connection around the second, and a hidden layer, for images [C, H, W]."""

    def __init__(
        self, observation_shape: tuple[int, ...], num_outputs: int, channels: int = 8, hidden: int = 64
    ) -> None:
        super().__init__()
        depth, height, width = observation_shape
        self.first = nn.Conv2d(depth, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.hidden = nn.Linear(channels * height * width, hidden)
        self.out = nn.Linear(hidden, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.first(x))
        x = x + torch.relu(self.second(x))
        return self.out(torch.relu(self.hidden(x.flatten(1))))


class LayerNormNet(nn.Module):
    """Hidden layers, each followed by LayerNorm and SiLU; the last layer's weights begin scaled."""

    def __init__(
        self, observation_shape: tuple[int, ...], num_outputs: int, hidden: list[int], last_layer_scale: float = 1.0
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = observation_shape[0]
        for size in hidden:
            layers += [nn.Linear(width, size), nn.LayerNorm(size), nn.SiLU()]
            width = size
        self.hidden = nn.Sequential(*layers)
        self.out = nn.Linear(width, num_outputs)
        with torch.no_grad():
            self.out.weight.mul_(last_layer_scale)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.hidden(x))
