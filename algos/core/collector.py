"""Collects what one iteration learns from: draws the noise, steps the environments, evaluates the policy that acted."""

import numpy as np
import torch
from gymnasium import spaces

from algos.core.checkpoint import State, collect_state, restore_state
from algos.core.policy import Policy
from algos.core.rollout import Rollout
from algos.core.stepping import Stepping
from algos.streams import Streams


class Collector:
    """Collects rollouts of ``num_steps`` from all environments of all seeds; an episode may span rollouts."""

    def __init__(self, stepping: Stepping, num_steps: int, streams: Streams, dtype: type[np.floating]) -> None:
        self.stepping = stepping
        self.num_steps = num_steps
        self.streams = streams
        self.dtype = dtype
        space = stepping.envs.single_action_space
        self.draw = streams.standard_normal if isinstance(space, spaces.Box) else streams.uniform
        self.num_actions = int(np.prod(space.shape or (1,)))

    def collect(self, policy: Policy) -> Rollout:
        """The next ``num_steps`` steps of every environment, acting by ``policy``."""
        num_envs = self.stepping.episode_return.shape[1]
        rollout = self.stepping.rollout(policy, self.draw((self.num_steps, num_envs, self.num_actions), self.dtype))
        rollout.raw_obs, observations = rollout.obs, policy.observations
        rollout.obs, rollout.last_obs = observations(rollout.obs), observations(rollout.last_obs)
        rollout.final_obs = observations(rollout.final_obs, rollout.final_index[:, 0])
        rollout.device = policy.params.device
        with torch.no_grad():
            rollout.old = policy.distribution(rollout.flat(rollout.obs)).detach()
            rollout.log_probs = rollout.old.log_prob(rollout.flat(rollout.actions))
        return rollout

    def state_dict(self) -> State:
        """Where the episodes and the random streams stand."""
        return collect_state(streams=self.streams, stepping=self.stepping)

    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        restore_state(state, streams=self.streams, stepping=self.stepping)
