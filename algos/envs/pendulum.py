"""Pendulum-v1, with Gymnasium's constants and order of arithmetic."""

import math

import numpy as np
from gymnasium import spaces
from numba import njit

from algos.envs.arithmetic import libm_square
from algos.envs.task import OBSERVE, STEP, Task

MAX_SPEED = 8.0  # rad/s
MAX_TORQUE = 2.0  # N m
DT = 0.05  # s
GRAVITY = 10.0  # m/s²; rod of 1 kg and 1 m


@njit(STEP, cache=True)
def step(state: np.ndarray, action: np.ndarray) -> tuple[float, bool]:
    theta, theta_dot = state[0], state[1]
    # Gymnasium's torque and its products are float32.
    torque = np.float32(min(max(action[0], -MAX_TORQUE), MAX_TORQUE))
    effort = np.float32(0.001) * torque ** np.float32(2.0 + 0.0 * action[0])
    angle = (theta + math.pi) % (2 * math.pi) - math.pi
    cost = libm_square(angle) + 0.1 * libm_square(theta_dot) + effort
    push = np.float32(3.0) * torque
    theta_dot = theta_dot + (3 * GRAVITY / 2 * math.sin(theta) + push) * DT
    state[1] = min(max(theta_dot, -MAX_SPEED), MAX_SPEED)
    state[0] = theta + state[1] * DT
    return -float(cost), False


@njit(OBSERVE, cache=True)
def observe(state: np.ndarray, obs: np.ndarray) -> None:
    obs[0] = math.cos(state[0])
    obs[1] = math.sin(state[0])
    obs[2] = state[1]


def draw_reset(rng: np.random.Generator, k: int) -> np.ndarray:
    high = np.array([np.pi, 1.0])
    return rng.uniform(-high, high, (k, 2))


_HIGH = np.array([1.0, 1.0, MAX_SPEED], np.float32)
V1 = Task(
    state_size=2,
    step=step,
    observe=observe,
    draw_reset=draw_reset,
    max_episode_steps=200,
    observation_space=spaces.Box(-_HIGH, _HIGH, dtype=np.float32),
    action_space=spaces.Box(-MAX_TORQUE, MAX_TORQUE, (1,), np.float32),
)
