"""Advantages and critic targets of a rollout, by the textbook."""

import numpy as np
from torch import Tensor

from algos.core.advantages import generalised_advantages
from algos.core.critic import Critic
from algos.core.rollout import Rollout


class TextbookEstimator:
    """GAE(γ, λ) with the critic as it was when the policy acted; λ-returns as the critic's targets.

    Traces are cut where an episode ends; values bootstrap at truncations and at the end of the rollout, not at
    terminations (Pardo et al. 2018).
    """

    def __init__(self, gamma: float, gae_lambda: float) -> None:
        self.gamma = gamma
        self.gae_lambda = gae_lambda

    def __call__(self, rollout: Rollout, critic: Critic, active: Tensor) -> dict[str, np.ndarray | Tensor]:
        """Fill ``rollout.values, next_values, advantages, returns``, fit the critic, report its figures ``[S]``."""
        self.estimate(rollout, critic)
        return {**critic.fit(rollout, active)}

    def estimate(self, rollout: Rollout, critic: Critic) -> None:
        """Fill ``rollout.values, next_values, advantages, returns`` by the critic as it is."""
        rollout.values, rollout.next_values = critic.values(rollout)
        rollout.advantages = generalised_advantages(
            rollout.rewards,
            rollout.values,
            rollout.next_values,
            rollout.terminated,
            rollout.ended,
            self.gamma,
            self.gae_lambda,
        )
        rollout.returns = rollout.advantages + rollout.values
