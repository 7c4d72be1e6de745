"""Two ways to step all environments of all seeds through a rollout: one compiled loop, or any vector environment.

Their rollouts hold the observations as the environments give them.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numba
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv

from algos.core.checkpoint import State, collect_state, restore_state
from algos.core.elementary import tanh
from algos.core.policy import CategoricalHead, GaussianHead, Head, Policy, SquashedHead
from algos.core.transitions import Episodes, Steps
from algos.envs.batched import BatchedEnv
from algos.kernels.rollout import rollout as compiled_rollout
from algos.streams import fresh_seeds


class CompiledStepping:
    """Batched environments, stepped in the compiled loop of ``algos.kernels.rollout``; can be saved in mid-episode."""

    resumes_episodes = True

    def __init__(self, envs: BatchedEnv, env_seeds: Sequence[int], num_seeds: int) -> None:
        self.envs = envs
        self.episode_return = np.zeros((num_seeds, len(env_seeds) // num_seeds))
        envs.reset(seed=list(env_seeds))

    def rollout(self, policy: Policy, noise: np.ndarray) -> Steps:
        """As many steps as ``noise [S, T, N, A]`` has, acting by ``policy``."""
        params = policy.params.detach().cpu().numpy()
        steps = compiled_rollout(
            self.envs,
            policy.network.sizes,
            policy.network.activation,
            params[:, : policy.network.num_params],
            policy.standard_deviation(),
            noise,
            obs_mean=policy.obs_normaliser.mean,
            obs_scale=policy.obs_normaliser.scale,
            obs_clip=policy.obs_normaliser.clip,
            episode_return=self.episode_return,
        )
        return Steps(
            obs=steps.obs,
            actions=steps.actions,
            rewards=steps.rewards,
            terminated=steps.terminated,
            truncated=steps.truncated,
            last_obs=steps.last_obs,
            final_obs=steps.final_obs,
            final_index=steps.final_index,
            episodes=Episodes(steps.episode_count, steps.return_sum, steps.length_sum),
        )

    def state_dict(self) -> State:
        """Where the episodes stand."""
        return {"episode_return": self.episode_return} | collect_state(envs=self.envs)

    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        self.episode_return[:] = state["episode_return"]
        restore_state(state, envs=self.envs)


class VectorStepping:
    """Any vector environment with same-step autoreset, one call of the policy and of the environments a step.

    Where the environments cannot be saved in the middle of an episode, loading a state begins new episodes, with seeds
    that were not used before.
    """

    def __init__(self, envs: VectorEnv, env_seeds: Sequence[int], num_seeds: int, dtype: type[np.floating]) -> None:
        self.envs = envs
        self.env_seeds = env_seeds
        self.dtype = dtype
        self.resumes_episodes = hasattr(envs, "state_dict")
        self.num_rollouts = 0
        self.episode_return = np.zeros((num_seeds, len(env_seeds) // num_seeds))
        self.episode_length = np.zeros(self.episode_return.shape, np.int64)
        self.obs = self._as_obs(envs.reset(seed=list(env_seeds))[0])  # type: ignore[arg-type]  # [S, N, D]

    def rollout(self, policy: Policy, noise: np.ndarray) -> Steps:
        """As many steps as ``noise [S, T, N, A]`` has, acting by ``policy``."""
        with _one_thread():
            return self._rollout(policy, noise)

    def _rollout(self, policy: Policy, noise: np.ndarray) -> Steps:
        self.num_rollouts += 1
        to_env = action_transform(self.envs.single_action_space, policy.head)
        S, T, N, A = noise.shape
        obs = np.empty((S, T, *self.obs.shape[1:]), self.dtype)
        actions = np.empty((S, T, N, A), self.dtype if self._continuous else np.int64)
        rewards = np.empty((S, T, N))
        terminated = np.empty((S, T, N), bool)
        truncated = np.empty((S, T, N), bool)
        final_index, final_obs = [], []
        episodes = Episodes(np.zeros(S, np.int64), np.zeros(S), np.zeros(S, np.int64))
        for t in range(T):
            obs[:, t] = self.obs
            actions[:, t] = policy.act(self.obs, noise[:, t])
            step = self.envs.step(to_env(actions[:, t].reshape(S * N, A)))
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
        return Steps(
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

    def state_dict(self) -> State:
        """Where the episodes stand, as far as the environments can tell."""
        own = {
            "num_rollouts": np.array(self.num_rollouts),
            "obs": self.obs,
            "episode_return": self.episode_return,
            "episode_length": self.episode_length,
        }
        return own | collect_state(envs=self.envs)

    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state, or with fresh episodes."""
        self.num_rollouts = int(state["num_rollouts"])
        if self.resumes_episodes:
            restore_state(state, envs=self.envs)
            self.obs = state["obs"].copy()
            self.episode_return[:] = state["episode_return"]
            self.episode_length[:] = state["episode_length"]
        else:
            seeds = fresh_seeds(self.env_seeds, self.num_rollouts)
            self.obs = self._as_obs(self.envs.reset(seed=seeds)[0])  # type: ignore[arg-type]

    @property
    def _continuous(self) -> bool:
        return isinstance(self.envs.single_action_space, spaces.Box)

    def _as_obs(self, obs: np.ndarray) -> np.ndarray:
        return obs.reshape(*self.episode_return.shape, -1).astype(self.dtype)


@contextmanager
def _one_thread() -> Iterator[None]:
    """One step's batch is not worth a second thread, which would then spin on a core that the environments need."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)


Stepping = CompiledStepping | VectorStepping


def make_stepping(
    envs: VectorEnv, env_seeds: Sequence[int], num_seeds: int, dtype: type[np.floating], head: Head
) -> Stepping:
    """The faster of the two that can step ``envs`` with actions of this head."""
    if isinstance(envs, BatchedEnv) and isinstance(head, CategoricalHead | GaussianHead):
        return CompiledStepping(envs, env_seeds, num_seeds)
    return VectorStepping(envs, env_seeds, num_seeds, dtype)


def action_transform(space: spaces.Space, head: Head) -> Callable[[np.ndarray], np.ndarray]:
    """How actions ``[E, A]`` from this head become those of an environment with this (single) action space.

    Box actions are clipped to its bounds, and the log-probabilities remain those of the unclipped action; or squashed
    to [-1, 1], which are then the bounds.
    """
    if isinstance(space, spaces.Discrete):
        return lambda actions: actions[:, 0]
    if isinstance(space, spaces.MultiDiscrete):
        return lambda actions: actions
    assert isinstance(space, spaces.Box)
    if isinstance(head, SquashedHead):
        return lambda actions: tanh(torch.from_numpy(actions)).numpy().astype(space.dtype)
    return lambda actions: np.clip(actions, space.low, space.high).astype(space.dtype)
