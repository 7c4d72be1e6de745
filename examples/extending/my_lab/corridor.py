"""A batched task of one's own: walk to the end of a corridor, into the wind.

A task is two compiled functions of a state, one that draws how episodes begin, and two spaces. It then runs where the
built-in ones do: all environments of all seeds in one compiled loop, millions of steps a second; and it is saved in the
middle of an episode, evaluated and recorded like them. ``env.id=my_lab.corridor:Corridor-v0`` finds it: importing this
module registers it.
"""

import math

import numpy as np
from gymnasium import spaces
from numba import njit

from algos.envs import OBSERVE, STEP, Task, register

LENGTH = 5.0  # metres
DT = 0.1  # seconds


# The state [position, speed, time] is float64 and changed in place; the action is float64 too, a choice is action[0].
# These functions must depend on their arguments alone: what is random belongs into the first state.
@njit(STEP, cache=True)
def step(state: np.ndarray, action: np.ndarray) -> tuple[float, bool]:
    """Returns the reward and whether the episode is over. A time limit is not its business: see max_episode_steps."""
    push = min(max(action[0], -1.0), 1.0)
    wind = 0.5 * math.sin(state[2])
    state[1] += DT * (2.0 * push - wind - 0.5 * state[1])
    state[0] += DT * state[1]
    state[2] += DT
    arrived = state[0] >= LENGTH
    return (10.0 if arrived else -DT), arrived


@njit(OBSERVE, cache=True)
def observe(state: np.ndarray, obs: np.ndarray) -> None:
    """Fills the observation, float32. The wind is not seen, only when it blows."""
    obs[0] = state[0] / LENGTH
    obs[1] = state[1]
    obs[2] = math.sin(state[2])
    obs[3] = math.cos(state[2])


def draw_reset(rng: np.random.Generator, k: int) -> np.ndarray:
    """The states that begin the next k episodes, from this generator alone; k draws of one must give the same."""
    return rng.uniform([0.0, 0.0, 0.0], [1.0, 0.0, 2 * math.pi], (k, 3))


def render(state: np.ndarray) -> np.ndarray:
    """An image, for ``sweeps.record``; a task without this function trains all the same."""
    image = np.full((40, 400, 3), 255, np.uint8)
    walker = 20 + int(360 * min(max(state[0] / LENGTH, 0.0), 1.0))
    image[28:30] = 150
    image[10:28, walker - 4 : walker + 4] = (202, 152, 101)
    return image


TASK = Task(
    state_size=3,
    step=step,
    observe=observe,
    draw_reset=draw_reset,
    max_episode_steps=200,
    observation_space=spaces.Box(-np.inf, np.inf, (4,), np.float32),
    action_space=spaces.Box(-1.0, 1.0, (1,), np.float32),
    render=render,
)
register("Corridor-v0", TASK)
