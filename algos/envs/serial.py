"""Single Gymnasium environments, stepped one after the other."""

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from algos.envs.vector import SameStepVectorEnv, seeds_of


class Share:
    """Some environments of a batch, and their part of its arrays (see :class:`SameStepVectorEnv`)."""

    def __init__(self, envs: Sequence[gym.Env], arrays: dict[str, np.ndarray]) -> None:
        self.envs = envs
        self.actions, self.obs, self.final_obs = arrays["actions"], arrays["obs"], arrays["final_obs"]
        self.rewards, self.terminated, self.truncated = arrays["rewards"], arrays["terminated"], arrays["truncated"]

    def reset(self, seeds: Sequence[int | None], options: dict[str, Any] | None) -> None:
        """Begin an episode in each."""
        for e, (env, seed) in enumerate(zip(self.envs, seeds, strict=True)):
            self.obs[e] = env.reset(seed=seed, options=options)[0]

    def step(self, first: int, last: int) -> None:
        """Step those from ``first`` to before ``last``."""
        actions = self.actions[first:last].copy()  # an environment may keep what it is given
        for e in range(first, last):
            env = self.envs[e]
            obs, self.rewards[e], terminated, truncated, _ = env.step(actions[e - first])
            self.terminated[e], self.truncated[e] = terminated, truncated
            if terminated or truncated:
                self.final_obs[e] = obs
                obs = env.reset()[0]
            self.obs[e] = obs


class SerialVectorEnv(SameStepVectorEnv):
    """``num_envs`` environments built by ``make_one``, in this process. Each depends on its own seed and actions."""

    def __init__(self, make_one: Callable[[], gym.Env], num_envs: int) -> None:
        self.envs = [make_one() for _ in range(num_envs)]
        one = self.envs[0]
        self.metadata = one.metadata
        limit = None if one.spec is None else one.spec.max_episode_steps
        super().__init__(one.observation_space, one.action_space, num_envs, limit)
        self.share = Share(self.envs, self.arrays)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode everywhere; an int seeds sub-environment e with seed + e. Returns obs ``[num_envs, D]``."""
        self.share.reset(seeds_of(seed, self.num_envs), options)
        return self.arrays["obs"].copy(), {}

    def begin_step(self, first: int, last: int) -> None:
        self.share.step(first, last)

    def close_extras(self, **kwargs: Any) -> None:
        for env in self.envs:
            env.close()
