"""REINFORCE (Williams 1992) with rewards-to-go, with or without a value baseline: one gradient step per rollout."""

from dataclasses import replace

from torch import Tensor

from algos.core.advantages import discounted_returns
from algos.core.policy import Policy
from algos.core.rollout import Rollout
from algos.policy_gradient import policy_gradient_step


class REINFORCE:
    """Ascend E[log π(a_t|s_t)·(R_t − b_t)] once; b_t is V(s_t) where ``baseline``, else 0.

    R_t = r_t + γ·R_{t+1} runs to the end of the episode. Where the episode is cut, by a time limit or by the end of the
    rollout, R is bootstrapped with γ·V of the state reached, as far as the estimator does so (Pardo et al. 2018): a
    return that stopped there would call states bad for being late in the rollout. Without the baseline that is all that
    the critic has to say. ``normalise_advantages`` subtracts the mean of the weights, which is a baseline too.
    """

    def __init__(self, baseline: bool, normalise_advantages: bool, ent_coef: float, gamma: float) -> None:
        self.baseline = baseline
        self.normalise_advantages = normalise_advantages
        self.ent_coef = ent_coef
        self.gamma = gamma

    def update(self, policy: Policy, rollout: Rollout, active: Tensor) -> dict[str, Tensor]:
        """One step for the active seeds; reports figures ``[S]``."""
        weights = discounted_returns(
            rollout.rewards, rollout.next_values, rollout.terminated, rollout.ended, self.gamma
        )
        if self.baseline:
            weights = weights - rollout.values
        batch = replace(rollout.batch(), advantages=rollout.flat(weights))
        if self.normalise_advantages:
            batch = batch.normalised()
        return policy_gradient_step(policy, batch, self.ent_coef, active)
