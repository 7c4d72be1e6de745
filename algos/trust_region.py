"""Trust-region methods as functions over stacked seeds. Vectors are ``[S, P]``, scalars ``[S]``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from algos.config import AlgorithmSettings, NonNegative, Positive
from algos.core.batches import Batch
from algos.core.elementary import sqrt
from algos.core.policy import Policy
from algos.core.reductions import batch_sum
from algos.core.transitions import Estimates, Transitions
from algos.per_row import PerRow


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Inner products ``[S]`` of ``a`` and ``b [S, P]``."""
    return batch_sum(a * b)


def conjugate_gradient(
    product: Callable[[Tensor, Tensor], Tensor], b: Tensor, iterations: int, tolerance: float, active: Tensor
) -> Tensor:
    """Solve F·x = b for the active seeds, from x = 0 (Shewchuk 1994, B2).

    ``product(v, active)`` is F·v. A seed stops when its squared residual is at most ``tolerance`` times the initial
    one, or when a curvature pᵀFp is not positive. Its result is the solution so far: zero if it stopped at once. Seeds
    that are not active get zero.
    """
    x = torch.zeros_like(b)
    residual = b.clone()
    direction = b.clone()
    squared = dot(residual, residual)
    threshold = tolerance * squared
    running = active & (squared > 0)
    for _ in range(iterations):
        running = running & (squared > threshold)
        if not running.any():
            break
        image = product(direction, running)
        curvature = dot(direction, image)
        running = running & (curvature > 0)
        alpha = torch.where(running, squared / curvature, 0.0)[:, None]
        mask = running[:, None]
        x = torch.where(mask, x + alpha * direction, x)
        residual = torch.where(mask, residual - alpha * image, residual)
        following = dot(residual, residual)
        direction = torch.where(mask, residual + (following / squared)[:, None] * direction, direction)
        squared = torch.where(running, following, squared)
    return x


class NaturalSettings(AlgorithmSettings):
    """Settings of a variant that steps along x ≈ F⁻¹g.

    F is the mean Fisher matrix over ``fisher_fraction`` of the rollout, plus ``cg_damping`` times the identity. The
    fraction is one of the steps, evenly spaced, with all their environments: neighbouring states are most alike.
    """

    cg_iters: Positive
    cg_damping: PerRow[NonNegative]
    cg_tolerance: PerRow[NonNegative]
    fisher_fraction: Annotated[float, Field(gt=0, le=1)]
    normalise_advantages: bool


@dataclass
class NaturalGradient:
    """Outcome of :func:`natural_gradient`."""

    direction: Tensor  # x ≈ F⁻¹g, [S, P]
    curvature: Tensor  # xᵀFx, [S]
    solved: Tensor  # [S] bool: active seeds whose curvature is positive and finite

    def step(self, max_kl: float) -> Tensor:
        """√(2δ/xᵀFx)·x, whose KL is δ = ``max_kl`` to second order (Schulman et al. 2015, appendix C)."""
        return torch.where(self.solved, sqrt(2 * max_kl / self.curvature), 0.0)[:, None] * self.direction


def natural_batch(settings: NaturalSettings, transitions: Transitions, estimates: Estimates) -> Batch:
    """All samples of the rollout, with advantages normalised as the settings say."""
    batch = Batch.of(transitions, estimates)
    return batch.normalised() if settings.normalise_advantages else batch


def natural_gradient(
    settings: NaturalSettings, objective: Tensor, policy: Policy, transitions: Transitions, active: Tensor
) -> NaturalGradient:
    """x for the gradient g of ``objective [S]`` at the parameters of the policy that acted."""
    (gradient,) = torch.autograd.grad(objective.sum(), policy.params)
    num_steps = transitions.obs.shape[1]
    count = max(1, round(settings.fisher_fraction * num_steps))
    with torch.no_grad():
        obs = transitions.flat(transitions.obs[:, np.arange(count) * num_steps // count])
        distribution = policy.distribution(obs, active=active)

        def product(vector: Tensor, active: Tensor) -> Tensor:
            return policy.fisher_vector_product(obs, distribution, vector, active) + settings.cg_damping * vector

        direction = conjugate_gradient(product, gradient, settings.cg_iters, settings.cg_tolerance, active)
        curvature = dot(direction, product(direction, active))
    return NaturalGradient(direction, curvature, active & (curvature > 0) & torch.isfinite(curvature))


@dataclass
class LineSearch:
    """Outcome of :func:`line_search`; each is ``[S]``, ``params`` is ``[S, P]``."""

    params: Tensor
    accepted: Tensor
    backtracks: Tensor


def line_search(
    evaluate: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
    params: Tensor,
    step: Tensor,
    surrogate: Tensor,
    max_kl: float,
    max_backtracks: int,
    backtrack_coef: float,
    active: Tensor,
) -> LineSearch:
    """The longest step ``backtrack_coef^j · step``, j = 0, 1, …, that improves the surrogate within the trust region.

    ``evaluate(params, active)`` gives the surrogate and mean KL(old‖new), both ``[S]``. A step is accepted where KL ≤
    ``max_kl`` and the surrogate exceeds ``surrogate``, its value at ``params``; NaN is not accepted. A seed without an
    accepted step keeps its parameters bit for bit.
    """
    pending = active.clone()
    accepted = torch.zeros_like(active)
    backtracks = torch.zeros_like(active, dtype=torch.int64)
    result = params.clone()
    for power in range(max_backtracks + 1):
        if not pending.any():
            break
        candidate = params + backtrack_coef**power * step
        new_surrogate, kl = evaluate(candidate, pending)
        good = pending & (kl <= max_kl) & (new_surrogate > surrogate)
        result = torch.where(good[:, None], candidate, result)
        accepted = accepted | good
        pending = pending & ~good
        backtracks = backtracks + pending
    return LineSearch(result, accepted, backtracks)
