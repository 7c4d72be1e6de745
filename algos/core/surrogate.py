"""The surrogate objective E[r·Â] and PPO's clipped surrogate."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from algos.core.batches import Batch
from algos.core.distributions import Distribution
from algos.core.elementary import exp
from algos.core.network import one_pass
from algos.core.policy import Policy
from algos.core.reductions import batch_mean, with_gradient
from algos.per_row import PerRow


class RatioStats(NamedTuple):
    """Means ``[S]`` over each seed's samples, with r = π/π_old."""

    k3: Tensor  # mean(r − 1 − log r)
    log_ratio: Tensor  # mean(log π_old − log π)
    clip_fraction: Tensor  # share of samples with r outside 1 ± ε


def mean_surrogate(new: Distribution, batch: Batch) -> Tensor:
    """Mean ``[S]`` of r·Â over each seed's samples, with r = π_new/π_old (Schulman et al. 2015, eq. 14)."""
    return batch_mean(exp(new.log_prob(batch.actions) - batch.log_probs) * batch.advantages)


def clip_range(clip_coef: PerRow[float | None]) -> tuple[PerRow[float], PerRow[float]]:
    """1 ± ε, or ±∞ if ``clip_coef`` is None."""
    return (-math.inf, math.inf) if clip_coef is None else (1 - clip_coef, 1 + clip_coef)


def clipped_surrogate(ratio: Tensor, advantages: Tensor, clip_coef: PerRow[float | None]) -> Tensor:
    """min(r·Â, clip(r, 1 − ε, 1 + ε)·Â), elementwise (Schulman et al. 2017, eq. 7); r·Â if ε is None."""
    return torch.min(ratio * advantages, ratio.clamp(*clip_range(clip_coef)) * advantages)


def clipped_surrogate_loss(
    policy: Policy, batch: Batch, clip_coef: PerRow[float | None], ent_coef: PerRow[float], active: Tensor
) -> tuple[Tensor, RatioStats]:
    """The loss ``[S]`` −mean(clipped surrogate) − ent_coef · mean(entropy) of the ``active [S]`` seeds, and statistics.

    The loss is differentiable once, in ``policy.params``. If network and head have kernels, one pass over the samples
    computes loss and gradient.
    """
    kernels, head = one_pass(policy.network, policy.params), policy.head.compiled
    if kernels is not None and head is not None:
        found = kernels.policy_gradient(
            policy.params,
            batch.obs,
            batch.actions,
            batch.log_probs,
            batch.advantages,
            head.scale,
            clip_range(clip_coef),
            ent_coef,
            active,
        )
        stats = RatioStats(found.k3, found.log_ratio, found.outside)
        return with_gradient(found.loss, policy.params, found.gradient), stats
    distribution = policy.distribution(batch.obs, active=active)
    log_ratio = distribution.log_prob(batch.actions) - batch.log_probs
    ratio = exp(log_ratio)
    loss = -batch_mean(clipped_surrogate(ratio, batch.advantages, clip_coef))
    if ent_coef:
        loss = loss - ent_coef * batch_mean(distribution.entropy())
    with torch.no_grad():
        low, high = clip_range(clip_coef)
        outside = ((ratio < low) | (ratio > high)).to(ratio.dtype)
        return loss, RatioStats(batch_mean(ratio - 1 - log_ratio), -batch_mean(log_ratio), batch_mean(outside))
