"""A vector environment that steps single environments one after the other."""

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np

from algos.envs.vector import SameStepVectorEnv


class SerialVectorEnv(SameStepVectorEnv):
    """``num_envs`` environments of ``make_one`` in this process. Each depends only on its own seed and actions.

    It uses the given ``arrays``, or makes new ones.
    """

    def __init__(
        self, make_one: Callable[[], gym.Env], num_envs: int, arrays: dict[str, np.ndarray] | None = None
    ) -> None:
        self.envs = [make_one() for _ in range(num_envs)]
        one = self.envs[0]
        self.metadata = one.metadata
        limit = None if one.spec is None else one.spec.max_episode_steps
        super().__init__(one.observation_space, one.action_space, num_envs, limit)
        if arrays is not None:
            self.arrays = arrays

    def reset_arrays(self, seeds: list[int | None], options: dict[str, Any] | None) -> None:
        for e, (env, seed) in enumerate(zip(self.envs, seeds, strict=True)):
            self.arrays["obs"][e] = env.reset(seed=seed, options=options)[0]

    def step_arrays(self) -> None:
        arrays = self.arrays
        all_obs, final_obs, rewards = arrays["obs"], arrays["final_obs"], arrays["rewards"]
        terminations, truncations = arrays["terminated"], arrays["truncated"]
        actions = arrays["actions"].copy()  # an environment may keep its action
        for e, env in enumerate(self.envs):
            obs, rewards[e], terminated, truncated, _ = env.step(actions[e])
            terminations[e], truncations[e] = terminated, truncated
            if terminated or truncated:
                final_obs[e] = obs
                obs = env.reset()[0]
            all_obs[e] = obs

    def close_extras(self, **kwargs: Any) -> None:
        for env in self.envs:
            env.close()
