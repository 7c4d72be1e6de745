"""Gradient steps down a policy's loss: alone, or jointly with the critic's."""

from typing import Protocol

from torch import Tensor

from algos.core.batches import Batch
from algos.core.critic import JointCritic
from algos.core.optimiser import Optimiser
from algos.core.policy import Policy
from algos.core.recorded import can_record


class Descent(Protocol):
    """Makes the gradient steps of a variant."""

    def step(self, policy_loss: Tensor, batch: Batch, active: Tensor) -> None:
        """One optimiser step down ``policy_loss [S]``, which was computed of ``batch``, for the active seeds."""

    def can_record(self, policy: Policy) -> bool:
        """See :func:`algos.core.recorded.can_record`."""


class PolicyDescent:
    """Steps of the policy alone."""

    def __init__(self, optimiser: Optimiser) -> None:
        self.optimiser = optimiser

    def step(self, policy_loss: Tensor, batch: Batch, active: Tensor) -> None:
        self.optimiser.step(policy_loss, active)

    def can_record(self, policy: Policy) -> bool:
        return can_record(self.optimiser, policy.network)


class JointDescent:
    """Steps of policy and critic together, down the sum of both losses."""

    def __init__(self, optimiser: Optimiser, critic: JointCritic) -> None:
        self.optimiser = optimiser
        self.critic = critic

    def step(self, policy_loss: Tensor, batch: Batch, active: Tensor) -> None:
        self.optimiser.step(policy_loss, active, self.critic.loss(batch, active))

    def can_record(self, policy: Policy) -> bool:
        return can_record(self.optimiser, policy.network, self.critic.network)
