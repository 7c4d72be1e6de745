"""Advantages and critic targets by the arithmetic of the post "Beyond Vanilla Policy Gradients"."""

import numpy as np
from torch import Tensor

from algos.core.advantages import discounted_returns, generalised_advantages
from algos.core.critic import Critic, SeparateCritic
from algos.core.rollout import Rollout


class PostEstimator:
    """The post's estimator; each of its departures from the textbook can be switched alone.

    - ``critic_target``: ``rewards_to_go`` (the post) or ``gae`` (λ-returns).
    - ``values_after_fit``: advantages use the critic's predictions of the forward pass before its last step, instead
      of the critic that saw the rollout first.
    - ``bootstrap_in_reward``: the value that bootstraps the rollout's end is added to the last reward and stays there,
      so that the last TD error adds it a second time.
    - ``cut_traces``: false lets the GAE recursion run across episode ends.
    - ``bootstrap_truncations``: false treats a time limit as termination.
    """

    def __init__(
        self,
        gamma: float,
        gae_lambda: float,
        critic_target: str,
        values_after_fit: bool,
        bootstrap_in_reward: bool,
        cut_traces: bool,
        bootstrap_truncations: bool,
    ) -> None:
        self.gamma = gamma
        self.gae_lambda = gae_lambda
        self.critic_target = critic_target
        self.values_after_fit = values_after_fit
        self.bootstrap_in_reward = bootstrap_in_reward
        self.cut_traces = cut_traces
        self.bootstrap_truncations = bootstrap_truncations

    def __call__(self, rollout: Rollout, critic: Critic, active: Tensor) -> dict[str, np.ndarray | Tensor]:
        """Fill ``rollout.values, next_values, advantages, returns``, fit the critic, report figures ``[S]``.

        ``post_return`` is the number that the post reports; where a time limit counts as termination, ``next_values``
        are 0.
        """
        terminated = rollout.terminated if self.bootstrap_truncations else rollout.ended
        values, next_values = critic.values(rollout)
        rewards, bootstraps = rollout.rewards, next_values
        if self.bootstrap_in_reward:
            rewards, bootstraps = rewards.copy(), next_values.copy()
            rewards[:, -1] += self.gamma * (1 - terminated[:, -1]) * next_values[:, -1]
            bootstraps[:, -1] = 0.0

        def advantages(values: np.ndarray, next_values: np.ndarray) -> np.ndarray:
            ended = rollout.ended if self.cut_traces else np.zeros_like(rollout.ended)
            return generalised_advantages(rewards, values, next_values, terminated, ended, self.gamma, self.gae_lambda)

        rollout.values, rollout.next_values = values, np.where(terminated, 0.0, next_values)
        rollout.advantages = advantages(values, next_values)
        if self.critic_target == "gae":
            rollout.returns = rollout.advantages + values
        else:
            rollout.returns = discounted_returns(rewards, bootstraps, terminated, rollout.ended, self.gamma)
        stats = critic.fit(rollout, active)
        if self.values_after_fit:
            assert isinstance(critic, SeparateCritic)
            rollout.advantages = advantages(*critic.values(rollout, critic.params_before_last_step))

        episodes = rollout.ended.sum(axis=(1, 2))
        totals = np.array([seed_rewards.sum() for seed_rewards in rewards])
        return {**stats, "post_return": np.where(episodes > 0, totals / np.maximum(episodes, 1), np.nan)}
