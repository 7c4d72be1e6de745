"""Trust region policy optimisation (Schulman et al. 2015, appendix C) by conjugate gradients and a line search."""

from dataclasses import dataclass

import torch
from torch import Tensor

from algos.core.policy import Policy
from algos.core.reductions import batch_mean
from algos.core.rollout import Rollout
from algos.core.surrogate import mean_surrogate
from algos.trust_region import NaturalGradientMethod, line_search


@dataclass(kw_only=True)
class TRPO(NaturalGradientMethod):
    """Step √(2δ/xᵀFx)·x with x ≈ F⁻¹g, shortened until mean KL(old‖new) ≤ δ and the surrogate improves.

    δ is ``max_kl``, in nats.
    """

    max_kl: float
    max_backtracks: int
    backtrack_coef: float

    def update(self, policy: Policy, rollout: Rollout, active: Tensor) -> dict[str, Tensor]:
        """One trust-region step for the active seeds; reports figures ``[S]``."""
        batch = self.batch(rollout)

        def surrogate(params: Tensor, active: Tensor) -> tuple[Tensor, Tensor]:
            new = policy.distribution(batch.obs, params, active)
            return mean_surrogate(new, batch), batch_mean(rollout.old.kl(new))

        old_surrogate, _ = surrogate(policy.params, active)
        natural = self.natural_gradient(old_surrogate, policy, rollout, active)
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
