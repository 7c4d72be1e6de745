"""One seed's networks as plain differentiable functions of their flat parameters, with PyTorch's own distributions."""

from itertools import pairwise

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, Independent, Normal


def network(params: Tensor, x: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Outputs ``[B, out]`` of a tanh network with parameters ``[P]``, at ``x [B, in]``."""
    start = 0
    for layer, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        if layer > 0:
            x = torch.tanh(x)
        end = start + fan_in * fan_out
        x = x @ params[start:end].view(fan_in, fan_out) + params[end : end + fan_out]
        start = end + fan_out
    return x


def action_distribution(params: Tensor, obs: Tensor, sizes: tuple[int, ...], discrete: bool) -> Distribution:
    """The actions at ``obs [B, D]``; the log standard deviations of a Gaussian are the last parameters."""
    if discrete:
        return Categorical(logits=network(params, obs, sizes))
    log_std = params[-sizes[-1] :]
    return Independent(Normal(network(params, obs, sizes), log_std.exp()), 1)
