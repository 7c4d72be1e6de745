"""Catch (Mnih et al. 2014; Osband et al. 2020) as a batched task with images: a ball falls, a paddle catches it.

The board has 8 x 8 pixels. The ball begins in a random column of the top row and falls by one row a step. The paddle,
in the bottom row, moves by a column or stays. When the ball arrives, the reward is 1 where the paddle is, else -1.
"""

import numpy as np
from gymnasium import spaces
from numba import njit

from algos.envs.flat import flat_box
from algos.envs.registry import register
from algos.envs.task import OBSERVE, STEP, Task

SIZE = 8


# state: column and row of the ball, column of the paddle. The signature is compiled in: no task is compiled twice.
@njit(STEP, cache=True)
def step(state: np.ndarray, action: np.ndarray) -> tuple[float, bool]:
    state[2] = min(max(state[2] + action[0] - 1, 0.0), SIZE - 1.0)
    state[1] += 1
    if state[1] < SIZE - 1:
        return 0.0, False
    return (1.0 if state[0] == state[2] else -1.0), True


@njit(OBSERVE, cache=True)
def observe(state: np.ndarray, obs: np.ndarray) -> None:
    obs[:] = 0
    obs[int(state[1]) * SIZE + int(state[0])] = 1
    obs[(SIZE - 1) * SIZE + int(state[2])] = 1


# All that is random: k draws of one must give the numbers of one draw of k.
def draw_reset(rng: np.random.Generator, k: int) -> np.ndarray:
    columns = rng.integers(SIZE, size=(k, 2)).astype(float)
    return np.column_stack([columns[:, 0], np.zeros(k), columns[:, 1]])


register(
    "Catch-v0",
    Task(
        state_size=3,
        step=step,
        observe=observe,
        draw_reset=draw_reset,
        max_episode_steps=SIZE,
        # Observations are flat; a network of images is told that this one is [channels, height, width].
        observation_space=flat_box(spaces.Box(0, 1, (1, SIZE, SIZE), np.float32)),
        action_space=spaces.Discrete(3),
    ),
)
