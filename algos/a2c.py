"""Advantage actor-critic (Mnih et al. 2016, in its synchronous form): one gradient step per rollout."""

import torch
from torch import Tensor

from algos.core.networks import batch_mean
from algos.core.policy import Policy
from algos.core.rollout import Rollout


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
        distribution = policy.distribution(batch.obs, active=active)
        loss = -batch_mean(distribution.log_prob(batch.actions) * batch.advantages)
        if self.ent_coef:
            loss = loss - self.ent_coef * batch_mean(distribution.entropy())
        policy.descend(loss, batch, active)
        return {"policy_loss": loss.detach(), "policy_steps": torch.ones_like(active, dtype=torch.int64)}
