"""Trust region policy optimisation (Schulman et al. 2015, appendix C) by conjugate gradients and a line search."""

import torch
from torch import Tensor

from algos.core.policy import Policy
from algos.core.reductions import batch_mean
from algos.core.rollout import Rollout
from algos.core.surrogate import mean_surrogate
from algos.trust_region import line_search, natural_gradient


class TRPO:
    """Step √(2δ/xᵀFx)·x with x ≈ F⁻¹g, shortened until mean KL(old‖new) ≤ δ and the surrogate improves.

    δ is ``max_kl``, in nats; F, from ``fisher_fraction`` of the samples, is damped by ``cg_damping``.
    """

    def __init__(
        self,
        max_kl: float,
        cg_iters: int,
        cg_damping: float,
        cg_tolerance: float,
        fisher_fraction: float,
        max_backtracks: int,
        backtrack_coef: float,
        normalise_advantages: bool,
    ) -> None:
        self.max_kl = max_kl
        self.cg_iters = cg_iters
        self.cg_damping = cg_damping
        self.cg_tolerance = cg_tolerance
        self.fisher_fraction = fisher_fraction
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
            return mean_surrogate(new, batch), batch_mean(rollout.old.kl(new))

        old_surrogate, _ = surrogate(policy.params, active)
        natural = natural_gradient(
            old_surrogate,
            policy,
            rollout,
            self.fisher_fraction,
            self.cg_iters,
            self.cg_damping,
            self.cg_tolerance,
            active,
        )
        with torch.no_grad():
            search = line_search(
                surrogate,
                policy.params,
                natural.step(self.max_kl),
                old_surrogate,
                self.max_kl,
                self.max_backtracks,
                self.backtrack_coef,
                natural.solved,
            )
            policy.params.copy_(search.params)
        return {
            "policy_loss": -old_surrogate.detach(),
            "backtracks": search.backtracks,
            "step_accepted": search.accepted.long(),
            "cg_failed": (active & ~natural.solved).long(),
        }
