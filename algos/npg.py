"""Natural policy gradient (Kakade 2002) by conjugate gradients: TRPO's step without its line search."""

import torch
from torch import Tensor

from algos.core.policy import Policy
from algos.core.rollout import Rollout
from algos.core.surrogate import mean_surrogate
from algos.trust_region import natural_gradient


class NPG:
    """Step along x ≈ F⁻¹g, as far as √(2δ/xᵀFx)·x (Rajeswaran et al. 2017) or as x/β.

    δ is ``max_kl``, in nats; β is ``kl_coef``, that of E[r·Â] − β·KL(old‖new), whose expansion to second order is
    maximal at x/β. One of the two is None. F, from ``fisher_fraction`` of the samples, is damped by ``cg_damping``.
    """

    def __init__(
        self,
        max_kl: float | None,
        kl_coef: float | None,
        cg_iters: int,
        cg_damping: float,
        cg_tolerance: float,
        fisher_fraction: float,
        normalise_advantages: bool,
    ) -> None:
        self.max_kl = max_kl
        self.kl_coef = kl_coef
        self.cg_iters = cg_iters
        self.cg_damping = cg_damping
        self.cg_tolerance = cg_tolerance
        self.fisher_fraction = fisher_fraction
        self.normalise_advantages = normalise_advantages

    def update(self, policy: Policy, rollout: Rollout, active: Tensor) -> dict[str, Tensor]:
        """One step for the active seeds; reports figures ``[S]``. Where x cannot be found, the parameters remain."""
        batch = rollout.batch()
        if self.normalise_advantages:
            batch = batch.normalised()
        surrogate = mean_surrogate(policy.distribution(batch.obs, active=active), batch)
        natural = natural_gradient(
            surrogate,
            policy,
            rollout,
            self.fisher_fraction,
            self.cg_iters,
            self.cg_damping,
            self.cg_tolerance,
            active,
        )
        with torch.no_grad():
            if self.kl_coef is not None:
                step = natural.direction / self.kl_coef
            else:
                assert self.max_kl is not None
                step = natural.step(self.max_kl)
            policy.params.copy_(torch.where(natural.solved[:, None], policy.params + step, policy.params))
        return {"policy_loss": -surrogate.detach(), "cg_failed": (active & ~natural.solved).long()}
