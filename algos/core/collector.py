"""Collects the transitions of an iteration: draws noise, steps the environments, evaluates the policy that acted."""

import numpy as np
import torch
from gymnasium import spaces

from algos.core.checkpoint import State, collect_state, restore_state
from algos.core.normalisation import RewardNormaliser
from algos.core.policy import Policy
from algos.core.stepping import Stepping
from algos.core.transitions import FlatTensors, Transitions
from algos.streams import Streams


class Collector:
    """Collects rollouts of ``num_steps`` from all environments of all seeds. Episodes may span several rollouts."""

    def __init__(
        self,
        stepping: Stepping,
        num_steps: int,
        streams: Streams,
        dtype: type[np.floating],
        reward_normaliser: RewardNormaliser,
    ) -> None:
        self.stepping = stepping
        self.num_steps = num_steps
        self.streams = streams
        self.dtype = dtype
        self.reward_normaliser = reward_normaliser
        space = stepping.envs.single_action_space
        self.draw = streams.standard_normal if isinstance(space, spaces.Box) else streams.uniform
        self.num_actions = int(np.prod(space.shape or (1,)))

    def collect(self, policy: Policy) -> Transitions:
        """Make the next ``num_steps`` steps of every environment with actions of ``policy``."""
        num_envs = self.stepping.episode_return.shape[1]
        steps = self.stepping.rollout(policy, self.draw((self.num_steps, num_envs, self.num_actions), self.dtype))
        obs = policy.obs_normaliser(steps.obs)
        flat = FlatTensors(policy.params.device)
        with torch.no_grad():
            old = policy.distribution(flat(obs)).detach()
            log_probs = old.log_prob(flat(steps.actions))
        return Transitions(
            steps=steps,
            obs=obs,
            last_obs=policy.obs_normaliser(steps.last_obs),
            final_obs=policy.obs_normaliser(steps.final_obs, steps.final_index[:, 0]),
            rewards=self.reward_normaliser(steps.rewards, steps.ended),
            flat=flat,
            old=old,
            log_probs=log_probs,
        )

    def state_dict(self) -> State:
        """The state of the episodes and of the reward normalisation."""
        return collect_state(stepping=self.stepping, reward_normaliser=self.reward_normaliser)

    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        restore_state(state, stepping=self.stepping, reward_normaliser=self.reward_normaliser)
        if not self.stepping.resumes_episodes:
            self.reward_normaliser.begin_episodes()
