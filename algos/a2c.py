"""Advantage actor-critic (Mnih et al. 2016, in its synchronous form): one gradient step per rollout."""

from torch import Tensor

from algos.config import GradientSettings, NonNegative
from algos.core.batches import Batch
from algos.core.policy import Policy
from algos.core.run import Run
from algos.core.transitions import Estimates, Stats, Transitions
from algos.per_row import PerRow
from algos.policy_gradient import policy_gradient_step


class A2C:
    """Ascend E[log π(a|s)·Â] once, with an entropy bonus."""

    class Settings(GradientSettings):
        normalise_advantages: bool
        ent_coef: PerRow[NonNegative]

    def __init__(self, settings: Settings, run: Run) -> None:
        self.settings = settings
        self.descent = run.descent(settings.optimiser)

    def update(self, policy: Policy, transitions: Transitions, estimates: Estimates, active: Tensor) -> Stats:
        """One step for the active seeds."""
        batch = Batch.of(transitions, estimates)
        if self.settings.normalise_advantages:
            batch = batch.normalised()
        return policy_gradient_step(self.descent, policy, batch, self.settings.ent_coef, active)
