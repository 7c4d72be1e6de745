"""Two ways to step all environments of all seeds through a rollout: one compiled loop, or any vector environment."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numba
import numpy as np
import torch
from gymnasium import spaces
from numba import njit

from algos.core.checkpoint import State, collect_state, restore_state
from algos.core.elementary import tanh
from algos.core.policy import Head, Policy, SquashedHead
from algos.core.transitions import Episodes, Steps
from algos.envs.batched import BatchedEnv
from algos.envs.vector import Actor, SameStepVectorEnv
from algos.kernels.acting import row_policy
from algos.kernels.rollout import rollout as compiled_rollout
from algos.streams import fresh_seeds


class CompiledStepping:
    """Steps batched environments in the compiled loop of ``algos.kernels.rollout``. Episodes can be saved.

    The policy's network and head must have a compiled form.
    """

    resumes_episodes = True

    def __init__(self, envs: BatchedEnv, env_seeds: Sequence[int], num_seeds: int) -> None:
        self.envs = envs
        self.episode_return = np.zeros((num_seeds, len(env_seeds) // num_seeds))
        envs.reset(seed=list(env_seeds))

    def rollout(self, policy: Policy, noise: np.ndarray) -> Steps:
        """Make T steps with actions that ``policy`` samples from ``noise [S, T, N, A]``."""
        policy, network = policy.on_cpu(), policy.network.compiled
        assert network is not None
        params = policy.params.detach().numpy()
        steps = compiled_rollout(
            self.envs,
            network.sizes.tolist(),
            network.activation,
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
        """The state of the episodes."""
        return {"episode_return": self.episode_return} | collect_state(envs=self.envs)

    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        self.episode_return[:] = state["episode_return"]
        restore_state(state, envs=self.envs)


class VectorStepping:
    """Steps any vector environment with its method ``roll``, a Python loop over the steps.

    If the environments cannot be saved during an episode, loading a state begins new episodes with new seeds.
    """

    def __init__(
        self, envs: SameStepVectorEnv, env_seeds: Sequence[int], num_seeds: int, dtype: type[np.floating]
    ) -> None:
        self.envs = envs
        self.env_seeds = env_seeds
        self.dtype = dtype
        self.resumes_episodes = hasattr(envs, "state_dict")
        self.num_rollouts = 0
        self.episode_return = np.zeros((num_seeds, len(env_seeds) // num_seeds))
        self.episode_length = np.zeros(self.episode_return.shape, np.int64)
        envs.reset(seed=list(env_seeds))

    def rollout(self, policy: Policy, noise: np.ndarray) -> Steps:
        """Make T steps with actions that ``policy`` samples from ``noise [S, T, N, A]``."""
        self.num_rollouts += 1
        S, T, N, A = noise.shape
        with _one_thread():
            steps = self.envs.roll(self._actor(policy), noise.swapaxes(0, 1).reshape(T, S * N, A))
        obs, actions, rewards, terminated, truncated = (
            np.ascontiguousarray(x.reshape(T, S, N, *x.shape[2:]).swapaxes(0, 1)) for x in steps[:5]
        )
        count, return_sum, length_sum = np.zeros(S, np.int64), np.zeros(S), np.zeros(S, np.int64)
        _add_episodes(
            rewards, terminated | truncated, self.episode_return, self.episode_length, count, return_sum, length_sum
        )
        t, e = steps.final_index.T
        final_index = np.column_stack([e // N, t, e % N])
        order = np.lexsort(final_index.T[::-1])
        return Steps(
            obs=obs,
            actions=actions if isinstance(self.envs.single_action_space, spaces.Box) else actions.astype(np.int64),
            rewards=rewards,
            terminated=terminated,
            truncated=truncated,
            last_obs=self.obs,
            final_obs=steps.final_obs[order],
            final_index=final_index[order],
            episodes=Episodes(count, return_sum, length_sum),
        )

    @property
    def obs(self) -> np.ndarray:
        """The current observations ``[S, N, D]``."""
        return self.envs.arrays["obs"].astype(self.dtype).reshape(*self.episode_return.shape, -1)

    def state_dict(self) -> State:
        """The state of the episodes; without the environments' own state if they cannot be saved."""
        own = {
            "num_rollouts": np.array(self.num_rollouts),
            "obs": self.envs.arrays["obs"],
            "episode_return": self.episode_return,
            "episode_length": self.episode_length,
        }
        return own | collect_state(envs=self.envs)

    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state, or begin new episodes if the environments cannot be saved."""
        self.num_rollouts = int(state["num_rollouts"])
        if self.resumes_episodes:
            restore_state(state, envs=self.envs)
            self.envs.arrays["obs"][:] = state["obs"]
            self.episode_return[:] = state["episode_return"]
            self.episode_length[:] = state["episode_length"]
        else:
            seeds = fresh_seeds(self.env_seeds, self.num_rollouts)
            self.envs.reset(seed=seeds)

    def _actor(self, policy: Policy) -> Actor:
        """The policy in compiled form if it has one, otherwise the policy itself."""
        policy, network, space = policy.on_cpu(), policy.network.compiled, self.envs.single_action_space
        if network is None or policy.head.compiled is None:
            return PolicyActor(policy, space)
        num_seeds, num_envs = self.episode_return.shape
        params = policy.params.detach().numpy()
        return row_policy(
            np.repeat(np.arange(num_seeds), num_envs),
            network.sizes.tolist(),
            network.activation,
            params[:, : policy.network.num_params],
            policy.standard_deviation(),
            space,
            obs_mean=policy.obs_normaliser.mean,
            obs_scale=policy.obs_normaliser.scale,
            obs_clip=policy.obs_normaliser.clip,
        )


class PolicyActor:
    """Acts with a policy that has no compiled form."""

    def __init__(self, policy: Policy, space: spaces.Space) -> None:
        self.policy = policy
        self.to_env = action_transform(space, policy.head)

    def act(self, obs: np.ndarray, noise: np.ndarray, actions: np.ndarray, clipped: np.ndarray) -> None:
        """See :class:`Actor`."""
        num_seeds = len(self.policy.params)
        by_seed = (x.reshape(num_seeds, -1, x.shape[1]) for x in (obs, noise))
        actions[:] = self.policy.act(*by_seed).reshape(actions.shape)
        clipped[:] = self.to_env(actions).reshape(clipped.shape)

    def of(self, share: slice) -> None:
        """None: worker processes do not load PyTorch."""


@njit(cache=True)
def _add_episodes(  # type: ignore[no-untyped-def]
    rewards, ended, episode_return, episode_length, count, return_sum, length_sum
):
    """Update ``episode_return`` and ``episode_length [S, N]``, and add the episodes that ended to the sums ``[S]``."""
    num_seeds, num_steps, num_envs = rewards.shape
    for s in range(num_seeds):
        for t in range(num_steps):
            for n in range(num_envs):
                episode_return[s, n] += rewards[s, t, n]
                episode_length[s, n] += 1
                if ended[s, t, n]:
                    count[s] += 1
                    return_sum[s] += episode_return[s, n]
                    length_sum[s] += episode_length[s, n]
                    episode_return[s, n] = 0.0
                    episode_length[s, n] = 0


@contextmanager
def _one_thread() -> Iterator[None]:
    """Run compiled code with one thread."""
    # One step is a small batch, and a second thread would keep a core busy that the environments need.
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)


Stepping = CompiledStepping | VectorStepping


def make_stepping(
    envs: SameStepVectorEnv, env_seeds: Sequence[int], num_seeds: int, dtype: type[np.floating], policy: Policy
) -> Stepping:
    """The faster of the two ways that works for ``envs`` and ``policy``."""
    compiles = policy.network.compiled is not None and policy.head.compiled is not None
    if isinstance(envs, BatchedEnv) and compiles:
        return CompiledStepping(envs, env_seeds, num_seeds)
    return VectorStepping(envs, env_seeds, num_seeds, dtype)


def action_transform(space: spaces.Space, head: Head) -> Callable[[np.ndarray], np.ndarray]:
    """The function that maps a head's actions ``[E, A]`` to actions of environments with this single action space.

    Box actions are clipped to their bounds. Log-probabilities stay those of the action before clipping. Actions of a
    squashed head are mapped by tanh instead, and the bounds must be [-1, 1].
    """
    if isinstance(space, spaces.Discrete):
        return lambda actions: actions[:, 0]
    if isinstance(space, spaces.MultiDiscrete):
        return lambda actions: actions
    assert isinstance(space, spaces.Box)
    if isinstance(head, SquashedHead):
        return lambda actions: tanh(torch.from_numpy(actions)).numpy().astype(space.dtype)
    return lambda actions: np.clip(actions, space.low, space.high).astype(space.dtype)
