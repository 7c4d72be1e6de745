"""The critic's loss, squared errors clipped or not; with its gradient in one compiled pass."""

from typing import NamedTuple

import torch
from torch import Tensor

from algos.core.network import Network, one_pass
from algos.core.reductions import batch_mean, with_gradient


class ValueClip(NamedTuple):
    """How far a value V may move from an old one before its error stops counting: ``coef`` ε, as in PPO2."""

    old_values: Tensor  # [S, B]
    coef: float


def value_loss(
    network: Network,
    params: Tensor,
    obs: Tensor,
    returns: Tensor,
    clip: ValueClip | None,
    weight: float,
    active: Tensor,
) -> Tensor:
    """The loss ``[S]`` weight · mean((V − R)²), V at ``obs [S, B, D]`` and R the ``returns [S, B]``.

    With a ``clip`` the error of a sample is max((V − R)², (V_old + clip(V − V_old, ±ε) − R)²). Differentiable once, in
    ``params``; zero where a seed is not ``active [S]``. One compiled pass gives loss and gradient where there is such
    a form of the network.
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
