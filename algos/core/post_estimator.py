"""Advantages and critic targets as the post "Beyond Vanilla Policy Gradients" computes them."""

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
    """The post's estimator. Each of its differences from the textbook is a setting.

    - ``critic_target``: ``rewards_to_go`` (the post) or ``gae`` (λ-returns).
    - ``values_after_fit``: true (the post) takes advantages from the critic before the last step of its fit; false
      takes them from the critic before the fit.
    - ``bootstrap_in_reward``: true (the post) adds the value that bootstraps the end of the rollout to the last reward.
      So the last TD error contains it twice.
    - ``cut_traces``: false (the post) lets the GAE recursion run on where an episode ends.
    - ``bootstrap_truncations``: false (the post) treats a time limit as termination.
    """

    class Settings(EstimatorSettings):
        critic_target: Literal["rewards_to_go", "gae"]
        values_after_fit: bool
        bootstrap_in_reward: bool
        cut_traces: bool
        bootstrap_truncations: bool

        def check(self, config: Config) -> None:
            if self.values_after_fit and config.critic.joint:
                raise ValueError("estimator.values_after_fit=True: critic=joint has no fit of its own; expected: False")

    def __init__(self, settings: Settings, resources: Resources) -> None:
        self.settings = settings
        self.gamma = resources.config.gamma
        self.gae_lambda = resources.config.gae_lambda

    def estimate(self, transitions: Transitions, critic: Critic) -> Estimates:
        """The estimates before the fit. Reports ``post_return``, the return as the post computes it.

        ``next_values`` are 0 at terminations, and at time limits if they count as termination.
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
        """The estimates; with ``values_after_fit``, with advantages of the critic before the last step of its fit."""
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
