"""The policy-gradient step, for the variants that make one per rollout."""

from torch import Tensor

from algos.core.batches import Batch
from algos.core.descent import Descent
from algos.core.policy import Policy
from algos.core.reductions import batch_mean
from algos.core.transitions import Stats


def policy_gradient_step(descent: Descent, policy: Policy, batch: Batch, ent_coef: float, active: Tensor) -> Stats:
    """Make one step up E[log π(a|s)·w] + ent_coef·E[H], with w = ``batch.advantages``. Reports numbers ``[S]``."""
    distribution = policy.distribution(batch.obs, active=active)
    loss = -batch_mean(distribution.log_prob(batch.actions) * batch.advantages)
    if ent_coef:
        loss = loss - ent_coef * batch_mean(distribution.entropy())
    descent.step(loss, batch, active)
    return {"policy_loss": loss.detach(), "policy_steps": active.long()}
