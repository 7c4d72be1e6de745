"""REINFORCE (Williams 1992) with rewards-to-go, with or without a value baseline: one gradient step per rollout."""

from dataclasses import replace

from torch import Tensor

from algos.config import GradientSettings, NonNegative
from algos.core.advantages import discounted_returns
from algos.core.batches import Batch
from algos.core.policy import Policy
from algos.core.run import Run
from algos.core.transitions import Estimates, Stats, Transitions
from algos.per_row import PerRow
from algos.policy_gradient import policy_gradient_step


class REINFORCE:
    """Ascends E[log π(a_t|s_t)·(R_t − b_t)] once. b_t is V(s_t) with ``baseline``, else 0.

    R_t = r_t + γ·R_{t+1} runs to the end of the episode. Where a time limit or the end of the rollout cuts the episode,
    R is bootstrapped with γ·V of the last state, if the estimator does so (Pardo et al. 2018). A return without
    bootstrapping would call a state bad only because it comes late in the rollout. Without the baseline, the critic is
    used for nothing else. ``normalise_advantages`` subtracts the mean of the weights, which is also a baseline.
    """

    class Settings(GradientSettings):
        baseline: bool
        normalise_advantages: bool
        ent_coef: PerRow[NonNegative]

    def __init__(self, settings: Settings, run: Run) -> None:
        self.settings = settings
        self.gamma = run.config.gamma
        self.descent = run.descent(settings.optimiser)

    def update(self, policy: Policy, transitions: Transitions, estimates: Estimates, active: Tensor) -> Stats:
        """One step for the active seeds."""
        weights = discounted_returns(
            transitions.rewards, estimates.next_values, transitions.terminated, transitions.ended, self.gamma
        )
        if self.settings.baseline:
            weights = weights - estimates.values
        batch = replace(Batch.of(transitions, estimates), advantages=transitions.flat(weights))
        if self.settings.normalise_advantages:
            batch = batch.normalised()
        return policy_gradient_step(self.descent, policy, batch, self.settings.ent_coef, active)
