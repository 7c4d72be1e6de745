"""Advantages and critic targets by the arithmetic of the post "Beyond Vanilla Policy Gradients"."""

from dataclasses import replace
from typing import Literal

import numpy as np

from algos.config import Config, EstimatorSettings
from algos.core.advantages import discounted_returns, generalised_advantages
from algos.core.critic import Critic, SeparateCritic
from algos.core.estimators import Estimator
from algos.core.resources import Resources
from algos.core.transitions import Estimates, Transitions


class PostEstimator(Estimator):
    """The post's estimator; each of its departures from the textbook can be switched alone.

    - ``critic_target``: ``rewards_to_go`` (the post) or ``gae`` (λ-returns).
    - ``values_after_fit``: advantages use the critic's predictions of the forward pass before its last step, instead
      of the critic that saw the rollout first.
    - ``bootstrap_in_reward``: the value that bootstraps the rollout's end is added to the last reward and stays there,
      so that the last TD error adds it a second time.
    - ``cut_traces``: false lets the GAE recursion run across episode ends.
    - ``bootstrap_truncations``: false treats a time limit as termination.
    """

    class Settings(EstimatorSettings):
        critic_target: Literal["rewards_to_go", "gae"]
        values_after_fit: bool
        bootstrap_in_reward: bool
        cut_traces: bool
        bootstrap_truncations: bool

        def check(self, config: Config) -> None:
            if self.values_after_fit and config.critic.joint:
                raise ValueError("estimator.values_after_fit=True: critic=joint is not fitted before; expected: false")

    def __init__(self, settings: Settings, resources: Resources) -> None:
        self.settings = settings
        self.gamma = resources.config.gamma
        self.gae_lambda = resources.config.gae_lambda

    def estimate(self, transitions: Transitions, critic: Critic) -> Estimates:
        """Reports ``post_return``, the number that the post reports.

        Where a time limit counts as termination, ``next_values`` are 0.
        """
        terminated, ended = self._terminated(transitions), transitions.ended
        values, next_values = critic.values(transitions)
        rewards, bootstraps = self._rewards(transitions, next_values), next_values
        if self.settings.bootstrap_in_reward:
            bootstraps = next_values.copy()
            bootstraps[:, -1] = 0.0
        advantages = self._advantages(transitions, rewards, values, next_values)
        if self.settings.critic_target == "gae":
            returns = advantages + values
        else:
            returns = discounted_returns(rewards, bootstraps, terminated, ended, self.gamma)
        episodes = ended.sum(axis=(1, 2))
        totals = np.array([seed_rewards.sum() for seed_rewards in rewards])
        post_return = np.where(episodes > 0, totals / np.maximum(episodes, 1), np.nan)
        known = np.where(terminated, 0.0, next_values)
        return Estimates(values, known, advantages, returns, {"post_return": post_return})

    def revise(self, transitions: Transitions, estimates: Estimates, critic: Critic) -> Estimates:
        """With ``values_after_fit``, the advantages of the critic before the last step of its fit."""
        if not self.settings.values_after_fit:
            return estimates
        assert isinstance(critic, SeparateCritic)
        rewards = self._rewards(transitions, estimates.next_values)
        values = critic.values(transitions, critic.params_before_last_step)
        return replace(estimates, advantages=self._advantages(transitions, rewards, *values))

    def _terminated(self, transitions: Transitions) -> np.ndarray:
        return transitions.terminated if self.settings.bootstrap_truncations else transitions.ended

    def _rewards(self, transitions: Transitions, next_values: np.ndarray) -> np.ndarray:
        if not self.settings.bootstrap_in_reward:
            return transitions.rewards
        rewards = transitions.rewards.copy()
        rewards[:, -1] += self.gamma * (1 - self._terminated(transitions)[:, -1]) * next_values[:, -1]
        return rewards

    def _advantages(
        self, transitions: Transitions, rewards: np.ndarray, values: np.ndarray, next_values: np.ndarray
    ) -> np.ndarray:
        ended = transitions.ended if self.settings.cut_traces else np.zeros_like(transitions.ended)
        terminated = self._terminated(transitions)
        return generalised_advantages(rewards, values, next_values, terminated, ended, self.gamma, self.gae_lambda)
