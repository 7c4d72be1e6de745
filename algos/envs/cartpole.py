"""CartPole-v0 and -v1 (Barto, Sutton and Anderson 1983), with Gymnasium's constants and order of arithmetic."""

import math
from dataclasses import replace

import numpy as np
from gymnasium import spaces
from numba import njit

from algos.envs.task import OBSERVE, STEP, Task

GRAVITY = 9.8  # m/s²
CART_MASS = 1.0  # kg
POLE_MASS = 0.1  # kg
TOTAL_MASS = POLE_MASS + CART_MASS
HALF_LENGTH = 0.5  # m
POLE_MOMENT = POLE_MASS * HALF_LENGTH  # kg m
FORCE = 10.0  # N
DT = 0.02  # s
X_LIMIT = 2.4  # m
ANGLE_LIMIT = 12 * 2 * math.pi / 360  # rad


@njit(STEP, cache=True)
def step(state: np.ndarray, action: np.ndarray) -> tuple[float, bool]:
    x, x_dot, theta, theta_dot = state[0], state[1], state[2], state[3]
    force = FORCE if action[0] == 1.0 else -FORCE
    cos, sin = math.cos(theta), math.sin(theta)
    push = (force + POLE_MOMENT * (theta_dot * theta_dot) * sin) / TOTAL_MASS
    theta_acc = (GRAVITY * sin - cos * push) / (HALF_LENGTH * (4.0 / 3.0 - POLE_MASS * (cos * cos) / TOTAL_MASS))
    x_acc = push - POLE_MOMENT * theta_acc * cos / TOTAL_MASS
    state[0] = x + DT * x_dot
    state[1] = x_dot + DT * x_acc
    state[2] = theta + DT * theta_dot
    state[3] = theta_dot + DT * theta_acc
    return 1.0, abs(state[0]) > X_LIMIT or abs(state[2]) > ANGLE_LIMIT


@njit(OBSERVE, cache=True)
def observe(state: np.ndarray, obs: np.ndarray) -> None:
    for i in range(4):
        obs[i] = state[i]


def draw_reset(rng: np.random.Generator, k: int) -> np.ndarray:
    return rng.uniform(-0.05, 0.05, (k, 4))


_HIGH = np.array([2 * X_LIMIT, np.inf, 2 * ANGLE_LIMIT, np.inf], np.float32)
V1 = Task(
    state_size=4,
    step=step,
    observe=observe,
    draw_reset=draw_reset,
    max_episode_steps=500,
    observation_space=spaces.Box(-_HIGH, _HIGH, dtype=np.float32),
    action_space=spaces.Discrete(2),
)
V0 = replace(V1, max_episode_steps=200)
