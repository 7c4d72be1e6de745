"""Trust region policy optimisation (Schulman et al. 2015, appendix C) by conjugate gradients and a line search."""

import torch
from torch import Tensor

from algos.core.networks import batch_mean
from algos.core.policy import Policy
from algos.core.rollout import Rollout
from algos.trust_region import conjugate_gradient, dot, line_search


class TRPO:
    """Step √(2δ/xᵀFx)·x with x ≈ F⁻¹g, shortened until mean KL(old‖new) ≤ δ and the surrogate improves.

    δ is ``max_kl``; F is damped by ``cg_damping``.
    """

    def __init__(
        self,
        max_kl: float,
        cg_iters: int,
        cg_damping: float,
        cg_tolerance: float,
        max_backtracks: int,
        backtrack_coef: float,
        normalise_advantages: bool,
    ) -> None:
        self.max_kl = max_kl
        self.cg_iters = cg_iters
        self.cg_damping = cg_damping
        self.cg_tolerance = cg_tolerance
        self.max_backtracks = max_backtracks
        self.backtrack_coef = backtrack_coef
        self.normalise_advantages = normalise_advantages

    def update(self, policy: Policy, rollout: Rollout, active: Tensor) -> dict[str, Tensor]:
        """One trust-region step for the active seeds; reports figures ``[S]``."""
        batch = rollout.batch()
        if self.normalise_advantages:
            batch = batch.normalised()

        def surrogate(params: Tensor, active: Tensor) -> tuple[Tensor, Tensor]:
            new = policy.distribution(batch.obs, params, active)
            ratio = torch.exp(new.log_prob(batch.actions) - batch.log_probs)
            return batch_mean(ratio * batch.advantages), batch_mean(rollout.old.kl(new))

        def fisher_product(vector: Tensor, active: Tensor) -> Tensor:
            product = policy.fisher_vector_product(batch.obs, rollout.old, vector, active)
            return product + self.cg_damping * vector

        old_surrogate, _ = surrogate(policy.params, active)
        (gradient,) = torch.autograd.grad(old_surrogate.sum(), policy.params)
        with torch.no_grad():
            direction = conjugate_gradient(fisher_product, gradient, self.cg_iters, self.cg_tolerance, active)
            curvature = dot(direction, fisher_product(direction, active))
            solved = active & (curvature > 0) & torch.isfinite(curvature)
            scale = torch.where(solved, torch.sqrt(2 * self.max_kl / curvature), 0.0)
            search = line_search(
                surrogate,
                policy.params,
                scale[:, None] * direction,
                old_surrogate,
                self.max_kl,
                self.max_backtracks,
                self.backtrack_coef,
                solved,
            )
            policy.params.copy_(search.params)
        return {
            "policy_loss": -old_surrogate.detach(),
            "backtracks": search.backtracks,
            "step_accepted": search.accepted.to(torch.int64),
            "cg_failed": (active & ~solved).to(torch.int64),
        }
