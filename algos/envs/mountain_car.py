"""MountainCar-v0 and MountainCarContinuous-v0 (Moore 1990), with Gymnasium's constants and order of arithmetic."""

import math

import numpy as np
from gymnasium import spaces
from numba import boolean, float64, njit

from algos.envs.task import OBSERVE, STEP, Task

MIN_POSITION, MAX_POSITION, MAX_SPEED = -1.2, 0.6, 0.07
GRAVITY = 0.0025
FORCE, GOAL = 0.001, 0.5
CONTINUOUS_FORCE, CONTINUOUS_GOAL = 0.0015, 0.45


@njit(STEP, cache=True)
def step(state: np.ndarray, action: np.ndarray) -> tuple[float, bool]:
    position, velocity = state[0], state[1]
    velocity += (action[0] - 1.0) * FORCE + math.cos(3 * position) * -GRAVITY
    velocity = min(max(velocity, -MAX_SPEED), MAX_SPEED)
    position = min(max(position + velocity, MIN_POSITION), MAX_POSITION)
    if position == MIN_POSITION and velocity < 0.0:
        velocity = 0.0
    state[0], state[1] = position, velocity
    return -1.0, position >= GOAL and velocity >= 0.0


@njit(float64(float64, boolean), cache=True)
def _rounded(x: float, to_float32: bool) -> float:
    return float64(np.float32(x)) if to_float32 else x


@njit(STEP, cache=True)
def step_continuous(state: np.ndarray, action: np.ndarray) -> tuple[float, bool]:
    # Gymnasium's state is float64 until the first step of an episode and float32 after it; then state[2] is 1.
    position, velocity, single = state[0], state[1], state[2] == 1.0
    angle = _rounded(3 * position, single)
    force = min(max(action[0], -1.0), 1.0)
    clipped = force != action[0]  # Gymnasium clips to a Python float, whose products are float64
    push = _rounded(_rounded(CONTINUOUS_FORCE, not clipped) * force, not clipped)
    pull = GRAVITY * math.cos(angle)
    push = _rounded(push - _rounded(pull, not clipped), not clipped)
    velocity = _rounded(velocity + _rounded(push, single), single)
    limit = _rounded(MAX_SPEED, single)
    velocity = min(max(velocity, -limit), limit)
    low, high = _rounded(MIN_POSITION, single), _rounded(MAX_POSITION, single)
    position = min(max(_rounded(position + velocity, single), low), high)
    if position == low and velocity < 0.0:
        velocity = 0.0
    terminated = position >= _rounded(CONTINUOUS_GOAL, single) and velocity >= 0.0
    state[0], state[1], state[2] = np.float32(position), np.float32(velocity), 1.0
    return (100.0 if terminated else 0.0) - action[0] * action[0] * 0.1, terminated


@njit(OBSERVE, cache=True)
def observe(state: np.ndarray, obs: np.ndarray) -> None:
    obs[0] = state[0]
    obs[1] = state[1]


def draw_reset(rng: np.random.Generator, k: int) -> np.ndarray:
    states = np.zeros((k, 2))
    states[:, 0] = rng.uniform(-0.6, -0.4, k)
    return states


def draw_reset_continuous(rng: np.random.Generator, k: int) -> np.ndarray:
    return np.hstack([draw_reset(rng, k), np.zeros((k, 1))])


_LOW = np.array([MIN_POSITION, -MAX_SPEED], np.float32)
_HIGH = np.array([MAX_POSITION, MAX_SPEED], np.float32)
V0 = Task(
    state_size=2,
    step=step,
    observe=observe,
    draw_reset=draw_reset,
    max_episode_steps=200,
    observation_space=spaces.Box(_LOW, _HIGH, dtype=np.float32),
    action_space=spaces.Discrete(3),
)
CONTINUOUS_V0 = Task(
    state_size=3,
    step=step_continuous,
    observe=observe,
    draw_reset=draw_reset_continuous,
    max_episode_steps=999,
    observation_space=spaces.Box(_LOW, _HIGH, dtype=np.float32),
    action_space=spaces.Box(-1.0, 1.0, (1,), np.float32),
)
