"""A batched task as a single Gymnasium environment."""

from typing import Any

import gymnasium as gym
import numpy as np

from algos.envs.task import Task


class TaskEnv(gym.Env):
    """One environment of a task. Seed and actions give the same numbers as in a batch."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 30}  # noqa: RUF012

    def __init__(self, task: Task, render_mode: str | None = None) -> None:
        self.task = task
        self.observation_space, self.action_space = task.observation_space, task.action_space
        self.render_mode = render_mode if task.render is not None else None
        self.metadata = {**self.metadata, "render_modes": ["rgb_array"] if task.render is not None else []}
        self.state = np.full(task.state_size, np.nan)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self.state = self.task.draw_reset(self.np_random, 1)[0]
        return self._observe(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        as_space = np.atleast_1d(np.asarray(action, self.action_space.dtype))
        reward, terminated = self.task.step(self.state, as_space.astype(np.float64))
        return self._observe(), reward, terminated, False, {}

    def render(self) -> np.ndarray | None:
        """A uint8 image ``[height, width, 3]``. None if the task or the render mode has none."""
        if self.task.render is None or self.render_mode is None:
            return None
        return self.task.render(self.state)

    def _observe(self) -> np.ndarray:
        obs = np.empty(self.task.observation_space.shape, np.float32)
        self.task.observe(self.state, obs)
        return obs
