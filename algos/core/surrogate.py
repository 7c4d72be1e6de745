"""The surrogate E[r·Â] of importance sampling; PPO's clipped one as a formula, and its mean in one compiled pass."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from algos.core.distributions import Distribution
from algos.core.reductions import batch_mean
from algos.core.rollout import Batch
from algos.kernels.surrogate import clipped_surrogate_sums


class Surrogate(NamedTuple):
    """Means over each seed's samples, ``[S]``; the objective is differentiable, the rest is reported."""

    objective: Tensor
    k3: Tensor  # mean(r − 1 − log r)
    log_ratio: Tensor  # mean(log π_old − log π)
    clip_fraction: Tensor  # share of samples with r outside 1 ± ε


def mean_surrogate(new: Distribution, batch: Batch) -> Tensor:
    """Mean of r·Â over each seed's samples ``[S]``, r = π_new/π_old (Schulman et al. 2015, eq. 14); differentiable."""
    return batch_mean(torch.exp(new.log_prob(batch.actions) - batch.log_probs) * batch.advantages)


def clipped_surrogate(ratio: Tensor, advantages: Tensor, clip_coef: float) -> Tensor:
    """min(r·Â, clip(r, 1 − ε, 1 + ε)·Â), elementwise (Schulman et al. 2017, eq. 7)."""
    return torch.min(ratio * advantages, ratio.clamp(1 - clip_coef, 1 + clip_coef) * advantages)


def mean_clipped_surrogate(
    log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor, clip_coef: float, active: Tensor
) -> Surrogate:
    """The mean of :func:`clipped_surrogate` at r = π/π_old over ``[S, B]`` samples, for the active seeds."""
    if log_probs.device.type == "cpu":
        objective, figures = _Compiled.apply(log_probs, old_log_probs, advantages, clip_coef, active)
        return Surrogate(objective, *figures.unbind(1))
    log_ratio = log_probs - old_log_probs
    ratio = torch.exp(log_ratio)
    objective = batch_mean(clipped_surrogate(ratio, advantages, clip_coef))
    with torch.no_grad():
        outside = ((ratio - 1).abs() > clip_coef).to(ratio.dtype)
        return Surrogate(objective, batch_mean(ratio - 1 - log_ratio), -batch_mean(log_ratio), batch_mean(outside))


class _Compiled(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor, clip_coef: float, active: Tensor
    ) -> tuple[Tensor, Tensor]:
        num_seeds, num_samples = log_probs.shape
        sums = torch.empty(num_seeds, 4, dtype=torch.float64)
        slopes = torch.empty_like(log_probs)
        clipped_surrogate_sums(
            log_probs.detach().numpy(),
            old_log_probs.numpy(),
            advantages.numpy(),
            clip_coef,
            active.numpy(),
            sums.numpy(),
            slopes.numpy(),
        )
        ctx.save_for_backward(slopes)
        means = (sums / num_samples).to(log_probs.dtype)
        ctx.mark_non_differentiable(figures := means[:, 1:].clone())
        return means[:, 0].clone(), figures

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor, None, None, None, None]:
        (slopes,) = ctx.saved_tensors
        return slopes * (grad / slopes.shape[1])[:, None], None, None, None, None
