"""A module such as a user names in a config: importing it registers tasks."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Echo(gym.Env):
    """Observes its last action and its number of steps, in a Dict or a Tuple; ends after 3 steps."""

    ACTIONS = {  # noqa: RUF012
        "discrete": spaces.Discrete(3, start=-1),
        "multi": spaces.MultiDiscrete([2, 3], start=[5, -1]),
    }

    def __init__(self, actions: str, layout: str) -> None:
        self.action_space = self.ACTIONS[actions]
        parts = {"action": spaces.Box(-9.0, 9.0, (2,), np.float64), "steps": spaces.Discrete(4)}
        self.layout = layout
        self.observation_space = spaces.Dict(parts) if layout == "dict" else spaces.Tuple(parts.values())

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self._obs(np.zeros(2)), {}

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(action), action
        self.steps += 1
        return self._obs(np.broadcast_to(action, 2).astype(float)), float(np.sum(action)), self.steps == 3, False, {}

    def _obs(self, action: np.ndarray) -> Any:
        return {"action": action, "steps": self.steps} if self.layout == "dict" else (action, self.steps)


class Image(gym.Env):
    """A 2 by 3 image that brightens with time."""

    observation_space = spaces.Box(0, 255, (2, 3), np.uint8)
    action_space = spaces.Box(-np.inf, np.inf, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.image = np.arange(6, dtype=np.uint8).reshape(2, 3)
        return self.image, {}

    def step(self, action: np.ndarray) -> Any:
        self.image = self.image + np.uint8(10)
        return self.image, float(action[0]), False, False, {}


class Fragile(gym.Env):
    """Raises at its tenth step, after the trial is over."""

    observation_space, action_space = spaces.Box(-1.0, 1.0, (1,)), spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        if self.steps == 10:
            raise RuntimeError("the tenth step")
        return np.zeros(1, np.float32), 0.0, False, False, {}


for _actions in Echo.ACTIONS:
    for _layout in ("dict", "tuple"):
        gym.register(f"user/Echo-{_actions}-{_layout}-v0", Echo, kwargs={"actions": _actions, "layout": _layout})
gym.register("user/Image-v0", Image)
gym.register("user/Fragile-v0", Fragile)
