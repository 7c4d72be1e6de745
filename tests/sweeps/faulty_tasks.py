"""Tasks in which something goes wrong, registered with Gymnasium on import."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Faulty(gym.Env):
    """A task of ten steps; an episode goes wrong at its third step where the seed of its reset is in ``seeds``.

    ``fault``: what happens then: an observation or a reward that is not finite, or an exception.
    """

    observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space: spaces.Space = spaces.Discrete(2)

    def __init__(self, seeds: list[int], fault: str) -> None:
        self.seeds, self.fault = seeds, fault
        self.faulty = False
        self.steps = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.faulty = seed in self.seeds
        self.steps = 0
        return self._obs(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.steps += 1
        now = self.faulty and self.steps > 2
        if now and self.fault == "exception":
            raise RuntimeError("the robot\nfell over")
        obs = np.full(2, np.nan, np.float32) if now and self.fault == "observation" else self._obs()
        reward = np.inf if now and self.fault == "reward" else float(action)
        return obs, reward, self.steps == 10, False, {}

    def _obs(self) -> np.ndarray:
        return self.np_random.normal(size=2).astype(np.float32)


class TextActions(Faulty):
    """A task whose actions are words."""

    action_space = spaces.Text(5)


gym.register("seedbed-tests/Faulty-v0", Faulty, kwargs={"seeds": [], "fault": "observation"})
gym.register("seedbed-tests/TextActions-v0", TextActions, kwargs={"seeds": [], "fault": "observation"})
