"""Trust region policy optimisation (Schulman et al. 2015, appendix C) by conjugate gradients and a line search."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from algos.config import Rate
from algos.core.policy import Policy
from algos.core.reductions import batch_mean
from algos.core.run import Run
from algos.core.surrogate import mean_surrogate
from algos.core.transitions import Estimates, Stats, Transitions
from algos.per_row import PerRow
from algos.trust_region import NaturalSettings, line_search, natural_batch, natural_gradient


class TRPO:
    """Steps √(2δ/xᵀFx)·x with x ≈ F⁻¹g, shortened until mean KL(old‖new) ≤ δ and the surrogate improves.

    δ is ``max_kl``, in nats.
    """

    class Settings(NaturalSettings):
        max_kl: PerRow[Rate]
        max_backtracks: Annotated[int, Field(ge=0)]
        backtrack_coef: PerRow[Annotated[float, Field(gt=0, lt=1)]]

    def __init__(self, settings: Settings, run: Run) -> None:
        self.settings = settings

    def update(self, policy: Policy, transitions: Transitions, estimates: Estimates, active: Tensor) -> Stats:
        """One trust-region step for the active seeds."""
        settings = self.settings
        batch = natural_batch(settings, transitions, estimates)

        def surrogate(params: Tensor, active: Tensor) -> tuple[Tensor, Tensor]:
            new = policy.distribution(batch.obs, params, active)
            return mean_surrogate(new, batch), batch_mean(transitions.old.kl(new))

        old_surrogate, _ = surrogate(policy.params, active)
        natural = natural_gradient(settings, old_surrogate, policy, transitions, active)
        with torch.no_grad():
            search = line_search(
                surrogate,
                policy.params,
                natural.step(settings.max_kl),
                old_surrogate,
                settings.max_kl,
                settings.max_backtracks,
                settings.backtrack_coef,
                natural.solved,
            )
            policy.params.copy_(search.params)
        return {
            "policy_loss": -old_surrogate.detach(),
            "backtracks": search.backtracks,
            "step_accepted": search.accepted.long(),
            "cg_failed": (active & ~natural.solved).long(),
        }
