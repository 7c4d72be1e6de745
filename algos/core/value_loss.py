"""The critic's loss: the mean squared error, with or without clipping."""

from typing import NamedTuple

import torch
from torch import Tensor

from algos.core.network import Network, one_pass
from algos.core.reductions import batch_mean, with_gradient


class ValueClip(NamedTuple):
    """Clipping of the error around old values, as in Baselines' PPO2."""

    old_values: Tensor  # [S, B]
    coef: float  # ε, in units of the value


def value_loss(
    network: Network,
    params: Tensor,
    obs: Tensor,
    returns: Tensor,
    clip: ValueClip | None,
    weight: float,
    active: Tensor,
) -> Tensor:
    """weight · mean((V − R)²) ``[S]``, with values V at ``obs [S, B, D]`` and ``returns [S, B]`` R.

    With ``clip``, the error of a sample is max((V − R)², (V_old + clip(V − V_old, ±ε) − R)²). The loss is
    differentiable once, in ``params``, and zero for seeds that are not ``active [S]``. If the network has kernels, one
    pass over the samples computes loss and gradient.
    """
    kernels = one_pass(network, params)
    if kernels is not None:
        old_values, coef = (None, 0.0) if clip is None else clip
        loss, gradient = kernels.error_gradient(params, obs, returns, old_values, coef, weight, active)
        return with_gradient(loss, params, gradient)
    values = network(params, obs, active)[..., 0]
    errors = (values - returns) ** 2
    if clip is not None:
        near = clip.old_values + (values - clip.old_values).clamp(-clip.coef, clip.coef)
        errors = torch.max(errors, (near - returns) ** 2)
    return weight * batch_mean(torch.where(active[:, None], errors, 0))
