"""Steps all environments of all seeds as one batch and records what happened."""

from collections.abc import Callable

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv

from algos.core.checkpoint import State, collect_state, restore_state
from algos.core.policy import Policy
from algos.core.rollout import Episodes, Rollout
from algos.core.streams import Streams, fresh_seeds


def action_transform(space: spaces.Space) -> Callable[[np.ndarray], np.ndarray]:
    """How actions ``[E, A]`` of a policy become those of an environment with this (single) action space.

    Box actions are clipped to its bounds; the log-probabilities remain those of the unclipped action.
    """
    if isinstance(space, spaces.Discrete):
        return lambda actions: actions[:, 0]
    if isinstance(space, spaces.MultiDiscrete):
        return lambda actions: actions
    assert isinstance(space, spaces.Box)
    return lambda actions: np.clip(actions, space.low, space.high).astype(space.dtype)


def num_action_columns(space: spaces.Space) -> int:
    """Length of an action of this space as a flat vector."""
    return 1 if isinstance(space, spaces.Discrete) else int(np.prod(space.shape or (1,)))


class Collector:
    """Collects rollouts of ``num_steps`` from S * ``num_envs`` environments; an episode may span rollouts.

    ``resumes_episodes`` says whether the environments can be saved in the middle of an episode; where they cannot,
    :meth:`load_state_dict` begins new episodes, with seeds that were not used before.
    """

    def __init__(
        self,
        envs: VectorEnv,
        env_seeds: list[int],
        num_seeds: int,
        num_steps: int,
        streams: Streams,
        dtype: type[np.floating],
    ) -> None:
        self.envs = envs
        self.resumes_episodes = hasattr(envs, "state_dict")
        self.env_seeds = env_seeds
        self.num_rollouts = 0
        self.num_seeds = num_seeds
        self.num_envs = len(env_seeds) // num_seeds
        self.num_steps = num_steps
        self.streams = streams
        self.dtype = dtype
        self.continuous = isinstance(envs.single_action_space, spaces.Box)
        self.to_env = action_transform(envs.single_action_space)
        self.num_actions = num_action_columns(envs.single_action_space)
        self.obs = self._as_obs(envs.reset(seed=env_seeds)[0])  # [S, N, D]
        self.episode_return = np.zeros((num_seeds, self.num_envs))
        self.episode_length = np.zeros((num_seeds, self.num_envs), np.int64)

    def collect(self, policy: Policy) -> Rollout:
        """The next ``num_steps`` steps of every environment, acting by ``policy``."""
        self.num_rollouts += 1
        rollout = self._step_through(policy)
        with torch.no_grad():
            rollout.log_probs = torch.empty(0, device=policy.params.device)
            rollout.old = policy.distribution(rollout.flat(rollout.obs)).detach()
            rollout.log_probs = rollout.old.log_prob(rollout.flat(rollout.actions))
        return rollout

    def state_dict(self) -> State:
        """Where the episodes and the random streams stand."""
        own = {
            "num_rollouts": np.array(self.num_rollouts),
            "obs": self.obs,
            "episode_return": self.episode_return,
            "episode_length": self.episode_length,
        }
        return own | collect_state(streams=self.streams, envs=self.envs)

    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        self.num_rollouts = int(state["num_rollouts"])
        restore_state(state, streams=self.streams, envs=self.envs)
        if self.resumes_episodes:
            self.obs = state["obs"].copy()
            self.episode_return[:] = state["episode_return"]
            self.episode_length[:] = state["episode_length"]
        else:
            self.obs = self._as_obs(self.envs.reset(seed=fresh_seeds(self.env_seeds, self.num_rollouts))[0])

    def _step_through(self, policy: Policy) -> Rollout:
        S, T, N, A = self.num_seeds, self.num_steps, self.num_envs, self.num_actions
        draw = self.streams.standard_normal if self.continuous else self.streams.uniform
        noise = draw((T, N, A), self.dtype)
        obs = np.empty((S, T, *self.obs.shape[1:]), self.dtype)
        actions = np.empty((S, T, N, A), self.dtype if self.continuous else np.int64)
        rewards = np.empty((S, T, N))
        terminated = np.empty((S, T, N), bool)
        truncated = np.empty((S, T, N), bool)
        final_index, final_obs = [], []
        episodes = Episodes(np.zeros(S, np.int64), np.zeros(S), np.zeros(S, np.int64))
        for t in range(T):
            obs[:, t] = self.obs
            actions[:, t] = policy.act(self.obs, noise[:, t])
            step = self.envs.step(self.to_env(actions[:, t].reshape(S * N, A)))
            self.obs = self._as_obs(step[0])
            rewards[:, t], terminated[:, t], truncated[:, t] = (x.reshape(S, N) for x in step[1:4])
            self.episode_return += rewards[:, t]
            self.episode_length += 1
            for s, n in np.argwhere(terminated[:, t] | truncated[:, t]):
                if not terminated[s, t, n]:
                    final_index.append((s, t, n))
                    final_obs.append(step[4]["final_obs"][s * N + n])
                episodes.count[s] += 1
                episodes.return_sum[s] += self.episode_return[s, n]
                episodes.length_sum[s] += self.episode_length[s, n]
                self.episode_return[s, n] = self.episode_length[s, n] = 0
        order = sorted(range(len(final_index)), key=final_index.__getitem__)
        return Rollout(
            obs=obs,
            actions=actions,
            rewards=rewards,
            terminated=terminated,
            truncated=truncated,
            last_obs=self.obs,
            final_obs=np.array([final_obs[i] for i in order], self.dtype),
            final_index=np.array([final_index[i] for i in order], np.int64).reshape(-1, 3),
            episodes=episodes,
        )

    def _as_obs(self, obs: np.ndarray) -> np.ndarray:
        return obs.reshape(self.num_seeds, self.num_envs, -1).astype(self.dtype)
