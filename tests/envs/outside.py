"""A module outside the package, as a user's: importing it registers a batched task."""

from dataclasses import replace

import numpy as np
from gymnasium import spaces
from numba import njit

from algos.envs import OBSERVE, STEP, Task, register


@njit(STEP, cache=True)
def step(state: np.ndarray, action: np.ndarray) -> tuple[float, bool]:
    """Walk along a corridor of length 1, to its end on the right or the left."""
    state[0] += 0.05 * min(max(action[0], -1.0), 1.0)
    return state[0], abs(state[0]) > 1.0


@njit(OBSERVE, cache=True)
def observe(state: np.ndarray, obs: np.ndarray) -> None:
    obs[0] = state[0]


def render(state: np.ndarray) -> np.ndarray:
    image = np.zeros((20, 80, 3), np.uint8)
    image[:, int(np.clip(40 + 39 * state[0], 0, 79))] = 255
    return image


CORRIDOR = Task(
    state_size=1,
    step=step,
    observe=observe,
    draw_reset=lambda rng, k: rng.uniform(-0.1, 0.1, (k, 1)),
    max_episode_steps=30,
    observation_space=spaces.Box(-np.inf, np.inf, (1,), np.float32),
    action_space=spaces.Box(-1.0, 1.0, (1,), np.float32),
    render=render,
)
register("user/Corridor-v0", CORRIDOR)
register("user/Unseen-v0", replace(CORRIDOR, render=None))
