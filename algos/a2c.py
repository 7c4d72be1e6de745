"""Advantage actor-critic (Mnih et al. 2016, in its synchronous form): one gradient step per rollout."""

from torch import Tensor

from algos.core.policy import Policy
from algos.core.rollout import Rollout
from algos.policy_gradient import policy_gradient_step


class A2C:
    """Ascend E[log π(a|s)·Â] once, with an entropy bonus."""

    def __init__(self, normalise_advantages: bool, ent_coef: float) -> None:
        self.normalise_advantages = normalise_advantages
        self.ent_coef = ent_coef

    def update(self, policy: Policy, rollout: Rollout, active: Tensor) -> dict[str, Tensor]:
        """One step for the active seeds; reports figures ``[S]``."""
        batch = rollout.batch()
        if self.normalise_advantages:
            batch = batch.normalised()
        return policy_gradient_step(policy, batch, self.ent_coef, active)
