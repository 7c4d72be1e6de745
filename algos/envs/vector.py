"""The base of all vector environments: same-step autoreset, and the latest step in arrays."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

Layout = dict[str, tuple[tuple[int, ...], np.dtype]]
"""Shape and type of each array."""


class Actor(Protocol):
    """Chooses the actions of all environments of a batch."""

    def act(self, obs: np.ndarray, noise: np.ndarray, actions: np.ndarray, clipped: np.ndarray) -> None:
        """Fill ``actions [E, A]`` with samples from ``noise [E, A]`` at ``obs [E, D]``.

        Also fill ``clipped [E, A]`` with the actions in the form that the environments take.
        """

    def of(self, share: slice) -> "Actor | None":
        """The actor of some of the environments, for another process. None if it cannot be sent there."""


class EnvSteps(NamedTuple):
    """T steps of E environments.

    K of their episodes were truncated without terminating. Only for these the last observations are kept.

    Attributes:
        obs: ``[T, E, D]`` in the rollout's dtype.
        actions: ``[T, E, A]``, not clipped.
        rewards: ``[T, E]`` float64.
        terminated: ``[T, E]`` bool.
        truncated: ``[T, E]`` bool.
        final_obs: ``[K, D]``, the last observations.
        final_index: ``[K, 2]``, their (t, e), sorted.
    """

    obs: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    final_obs: np.ndarray
    final_index: np.ndarray


def divided(actor: Actor, noise: np.ndarray, shares: Sequence[slice]) -> list[tuple[Actor, np.ndarray]] | None:
    """The actor and the noise ``[T, E, A]`` of each share of the environments. None if the actor cannot be divided."""
    parts = []
    for share in shares:
        own = actor.of(share)
        if own is None:
            return None
        parts.append((own, np.ascontiguousarray(noise[:, share])))
    return parts


def joined(parts: Sequence[EnvSteps], shares: Sequence[slice], num_envs: int) -> EnvSteps:
    """The steps of all environments, from those of each share of them."""
    whole = {}
    for name in ("obs", "actions", "rewards", "terminated", "truncated"):
        one = getattr(parts[0], name)
        whole[name] = np.empty((len(one), num_envs, *one.shape[2:]), one.dtype)
        for share, part in zip(shares, parts, strict=True):
            whole[name][:, share] = getattr(part, name)
    final_index = np.concatenate([part.final_index for part in parts])
    ends = np.cumsum([len(part.final_index) for part in parts])[:-1]
    for share, own in zip(shares, np.split(final_index, ends), strict=True):
        own[:, 1] = np.arange(num_envs)[share][own[:, 1]]
    order = np.lexsort(final_index.T[::-1])
    final_obs = np.concatenate([part.final_obs for part in parts])
    return EnvSteps(**whole, final_obs=final_obs[order], final_index=final_index[order])


class SameStepVectorEnv(VectorEnv):
    """``num_envs`` environments. Each begins its next episode in the step that ends one (same-step autoreset).

    Attributes:
        arrays: the latest step, by name. A step reads ``actions [E, ...]``. It fills ``rewards [E]`` float64,
            ``terminated [E]``, ``truncated [E]`` and ``obs [E, D]``. Where an episode ended, ``obs`` begins the next
            one and ``final_obs [E, D]`` is the last observation; elsewhere ``final_obs`` is stale.
        max_episode_steps: the time limit, or None.
        begun: whether episodes have begun.
    """

    num_envs: int

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        num_envs: int,
        max_episode_steps: int | None,
    ) -> None:
        self.num_envs = num_envs
        self.max_episode_steps = max_episode_steps
        self.begun = False
        self.metadata = {**self.metadata, "autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space, self.single_action_space = observation_space, action_space
        self.observation_space = batch_space(observation_space, num_envs)
        self.action_space = batch_space(action_space, num_envs)
        obs: Any = (self.observation_space.shape, self.observation_space.dtype)
        actions: Any = (self.action_space.shape, self.action_space.dtype)
        flags = ((num_envs,), np.dtype(np.bool_))
        layout = {"actions": actions, "obs": obs, "final_obs": obs, "rewards": ((num_envs,), np.dtype(np.float64))}
        self.arrays = self._allocate(layout | {"terminated": flags, "truncated": flags})

    def _allocate(self, layout: Layout) -> dict[str, np.ndarray]:
        return {name: np.zeros(shape, dtype) for name, (shape, dtype) in layout.items()}

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode in every environment. Returns obs ``[E, D]`` and empty infos.

        An int seeds environment e with seed + e. None continues the random streams; so does None in a sequence, for its
        environment.

        Raises:
            ValueError: The number of seeds is wrong, or these environments do not take such seeds or options.
        """
        self.reset_arrays(seeds_of(seed, self.num_envs), options)
        self.begun = True
        return self.arrays["obs"].copy(), {}

    @abstractmethod
    def reset_arrays(self, seeds: list[int | None], options: dict[str, Any] | None) -> None:
        """Begin an episode in every environment, and fill ``arrays["obs"]``."""

    @abstractmethod
    def step_arrays(self) -> None:
        """Step every environment with ``arrays["actions"]``, and fill the other ``arrays``."""

    def roll(self, actor: Actor, noise: np.ndarray) -> EnvSteps:
        """Make T steps with the actions that ``actor`` samples from ``noise [T, E, A]``. The result has its dtype."""
        T, E, A = noise.shape
        arrays, dtype = self.arrays, noise.dtype
        for_envs = arrays["actions"].reshape(E, A)
        obs = np.empty((T, *arrays["obs"].shape), dtype)
        actions, clipped = np.empty((T, E, A), dtype), np.empty((E, A), dtype)
        rewards = np.empty((T, E))
        terminated, truncated = np.empty((T, E), np.bool_), np.empty((T, E), np.bool_)
        final_obs, final_index = [], []
        for t in range(T):
            obs[t] = arrays["obs"]
            actor.act(obs[t], noise[t], actions[t], clipped)
            for_envs[:] = clipped
            self.step_arrays()
            rewards[t], terminated[t], truncated[t] = arrays["rewards"], arrays["terminated"], arrays["truncated"]
            if truncated[t].any():
                for e in np.flatnonzero(truncated[t] & ~terminated[t]):
                    final_index.append((t, e))
                    final_obs.append(arrays["final_obs"][e].astype(dtype))
        return EnvSteps(
            obs=obs,
            actions=actions,
            rewards=rewards,
            terminated=terminated,
            truncated=truncated,
            final_obs=np.array(final_obs, dtype).reshape(-1, obs.shape[2]),
            final_index=np.array(final_index, np.int64).reshape(-1, 2),
        )

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Step every environment with ``actions [E, ...]``.

        Returns:
            Obs, rewards, terminated, truncated and infos, as Gymnasium's vector environments do. The infos hold only
            ``final_obs``, where episodes ended.

        Raises:
            ValueError: No episode has begun, or the actions have a wrong shape.
        """
        if not self.begun:
            raise ValueError("no episode has begun; expected: a call of reset before the first step")
        actions = np.asarray(actions)
        if actions.shape != self.action_space.shape:
            raise ValueError(f"actions have shape {actions.shape}; expected: {self.action_space.shape}")
        self.arrays["actions"][:] = actions
        self.step_arrays()
        obs, rewards, terminated, truncated = (
            self.arrays[name].copy() for name in ("obs", "rewards", "terminated", "truncated")
        )
        ended = terminated | truncated
        infos: dict[str, Any] = {}
        if ended.any():
            final_obs = np.full(self.num_envs, None, object)
            for e in np.flatnonzero(ended):
                final_obs[e] = self.arrays["final_obs"][e].copy()
            infos = {"final_obs": final_obs, "_final_obs": ended, "final_info": {}, "_final_info": ended.copy()}
        return obs, rewards, terminated, truncated, infos


def seeds_of(seed: int | Sequence[int | None] | None, num_envs: int) -> list[int | None]:
    """The seed of each sub-environment when a vector environment is reset with ``seed``, as in Gymnasium.

    Raises:
        ValueError: A sequence has not one seed for each sub-environment.
    """
    if not isinstance(seed, Sequence):
        return [None if seed is None else seed + e for e in range(num_envs)]
    if len(seed) != num_envs:
        raise ValueError(f"{len(seed)} seeds for {num_envs} sub-environments; expected: one for each")
    return list(seed)
