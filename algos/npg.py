"""Natural policy gradient (Kakade 2002) by conjugate gradients: TRPO's step without its line search."""

from dataclasses import dataclass

import torch
from torch import Tensor

from algos.core.policy import Policy
from algos.core.rollout import Rollout
from algos.core.surrogate import mean_surrogate
from algos.trust_region import NaturalGradientMethod


@dataclass(kw_only=True)
class NPG(NaturalGradientMethod):
    """Step along x ≈ F⁻¹g, as far as √(2δ/xᵀFx)·x (Rajeswaran et al. 2017) or as x/β.

    δ is ``max_kl``, in nats; β is ``kl_coef``, that of E[r·Â] − β·KL(old‖new), whose expansion to second order is
    maximal at x/β. One of the two is None.
    """

    max_kl: float | None
    kl_coef: float | None

    def update(self, policy: Policy, rollout: Rollout, active: Tensor) -> dict[str, Tensor]:
        """One step for the active seeds; reports figures ``[S]``. Where x cannot be found, the parameters remain."""
        batch = self.batch(rollout)
        surrogate = mean_surrogate(policy.distribution(batch.obs, active=active), batch)
        natural = self.natural_gradient(surrogate, policy, rollout, active)
        with torch.no_grad():
            if self.kl_coef is not None:
                step = natural.direction / self.kl_coef
            else:
                assert self.max_kl is not None
                step = natural.step(self.max_kl)
            policy.params.copy_(torch.where(natural.solved[:, None], policy.params + step, policy.params))
        return {"policy_loss": -surrogate.detach(), "cg_failed": (active & ~natural.solved).long()}
