"""Gradient steps down the policy's loss, alone or together with the critic's."""

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
        """Make one optimiser step down ``policy_loss [S]`` of ``batch`` for the ``active [S]`` seeds."""

    def can_record(self, policy: Policy) -> bool:
        """Whether steps can be recorded; see :func:`algos.core.recorded.can_record`."""


class PolicyDescent:
    """Gradient steps of the policy alone."""

    def __init__(self, optimiser: Optimiser) -> None:
        self.optimiser = optimiser

    def step(self, policy_loss: Tensor, batch: Batch, active: Tensor) -> None:
        self.optimiser.step(policy_loss, active)

    def can_record(self, policy: Policy) -> bool:
        return can_record(self.optimiser, policy.network)


class JointDescent:
    """Gradient steps of policy and critic, down the sum of their losses."""

    def __init__(self, optimiser: Optimiser, critic: JointCritic) -> None:
        self.optimiser = optimiser
        self.critic = critic

    def step(self, policy_loss: Tensor, batch: Batch, active: Tensor) -> None:
        self.optimiser.step(policy_loss, active, self.critic.loss(batch, active))

    def can_record(self, policy: Policy) -> bool:
        return can_record(self.optimiser, policy.network, self.critic.network)
