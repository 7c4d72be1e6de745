"""Natural policy gradient (Kakade 2002) by conjugate gradients: TRPO's step without its line search."""

import torch
from torch import Tensor

from algos.config import Config, Rate
from algos.core.policy import Policy
from algos.core.run import Run
from algos.core.surrogate import mean_surrogate
from algos.core.transitions import Estimates, Stats, Transitions
from algos.per_row import PerRow
from algos.trust_region import NaturalSettings, natural_batch, natural_gradient


class NPG:
    """Step along x ≈ F⁻¹g, as far as √(2δ/xᵀFx)·x (Rajeswaran et al. 2017) or as x/β.

    δ is ``max_kl``, in nats; β is ``kl_coef``, that of E[r·Â] − β·KL(old‖new), whose expansion to second order is
    maximal at x/β. One of the two is None.
    """

    class Settings(NaturalSettings):
        max_kl: PerRow[Rate | None]
        kl_coef: PerRow[Rate | None]

        def check(self, config: Config) -> None:
            if (self.max_kl is None) == (self.kl_coef is None):
                raise ValueError(f"algo.max_kl={self.max_kl}, algo.kl_coef={self.kl_coef}: expected: one of the two")

    def __init__(self, settings: Settings, run: Run) -> None:
        self.settings = settings

    def update(self, policy: Policy, transitions: Transitions, estimates: Estimates, active: Tensor) -> Stats:
        """One step for the active seeds. Where x cannot be found, the parameters stay as they are."""
        batch = natural_batch(self.settings, transitions, estimates)
        surrogate = mean_surrogate(policy.distribution(batch.obs, active=active), batch)
        natural = natural_gradient(self.settings, surrogate, policy, transitions, active)
        with torch.no_grad():
            if self.settings.kl_coef is not None:
                step = natural.direction / self.settings.kl_coef
            else:
                assert self.settings.max_kl is not None
                step = natural.step(self.settings.max_kl)
            policy.params.copy_(torch.where(natural.solved[:, None], policy.params + step, policy.params))
        return {"policy_loss": -surrogate.detach(), "cg_failed": (active & ~natural.solved).long()}
