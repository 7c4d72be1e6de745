"""The cart-pole swing-up of gym-cartpole-swingup stepped in plain Python, as the peers of the benchmarks step it."""

import math
from typing import Any

import gymnasium as gym
import numpy as np

GRAVITY, CART_MASS, POLE_MASS, POLE_LENGTH, FRICTION, FORCE, TIME_STEP = 9.82, 0.5, 0.5, 0.6, 0.1, 10.0, 0.01
TOTAL_MASS = CART_MASS + POLE_MASS
POLE_MASS_LENGTH = POLE_MASS * POLE_LENGTH
TRACK, TIME_LIMIT = 2.4, 500


class PythonSwingUp(gym.Env[np.ndarray, np.ndarray]):
    """CartPoleSwingUp-v0 without its time limit: reward cos(angle), ends where the cart leaves the track."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (5,), np.float32)
    action_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.state = self.np_random.normal((0.0, 0.0, math.pi, 0.0), 0.2).tolist()
        return self._observation(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        force = FORCE * min(max(float(action[0]), -1.0), 1.0)
        x, x_dot, angle, angle_dot = self.state
        sin, cos = math.sin(angle), math.cos(angle)
        x_acceleration = (
            -2 * POLE_MASS_LENGTH * angle_dot**2 * sin
            + 3 * POLE_MASS * GRAVITY * sin * cos
            + 4 * (force - FRICTION * x_dot)
        ) / (4 * TOTAL_MASS - 3 * POLE_MASS * cos**2)
        angle_acceleration = (
            -3 * POLE_MASS_LENGTH * angle_dot**2 * sin * cos
            + 6 * TOTAL_MASS * GRAVITY * sin
            + 6 * (force - FRICTION * x_dot) * cos
        ) / (4 * POLE_LENGTH * TOTAL_MASS - 3 * POLE_MASS_LENGTH * cos**2)
        self.state = [
            x + x_dot * TIME_STEP,
            x_dot + x_acceleration * TIME_STEP,
            angle + angle_dot * TIME_STEP,
            angle_dot + angle_acceleration * TIME_STEP,
        ]
        return self._observation(), math.cos(self.state[2]), abs(self.state[0]) > TRACK, False, {}

    def _observation(self) -> np.ndarray:
        x, x_dot, angle, angle_dot = self.state
        return np.array([x, x_dot, math.cos(angle), math.sin(angle), angle_dot], dtype=np.float32)


def make() -> gym.Env:
    return gym.wrappers.TimeLimit(PythonSwingUp(), TIME_LIMIT)
