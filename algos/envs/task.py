"""The interface of a batched task."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from gymnasium import spaces
from numba import types

import algos.kernels  # noqa: F401  sets the cache of compiled functions

STEP = types.Tuple((types.float64, types.boolean))(types.float64[::1], types.float64[::1])
"""``step(state, action)`` advances ``state`` in place and returns (reward, terminated).

A discrete action is ``action[0]``.
"""

OBSERVE = types.void(types.float64[::1], types.float32[::1])
"""``observe(state, obs)`` writes the observation of ``state`` into ``obs``."""


@dataclass(frozen=True)
class Task:
    """A task as compiled functions of a float64 state.

    Compiled loops call ``step`` and ``observe`` by pointer, so a new task does not recompile them.

    Attributes:
        state_size: length of the state.
        step: compiled with ``@njit(STEP, cache=True)``; see ``STEP``.
        observe: compiled with ``@njit(OBSERVE, cache=True)``; see ``OBSERVE``.
        draw_reset: ``draw_reset(rng, k)`` returns the float64 states ``[k, state_size]`` that begin k episodes. It must
            equal k calls with k = 1: a batch draws ahead, and a single environment does not.
        max_episode_steps: time limit.
        observation_space: a float32 Box of one axis.
        action_space: Discrete from 0, or a float32 Box of one axis.
        render: ``render(state)`` returns a uint8 image ``[height, width, 3]``. A task without it cannot be recorded.
    """

    state_size: int
    step: Callable[[np.ndarray, np.ndarray], tuple[float, bool]]
    observe: Callable[[np.ndarray, np.ndarray], None]
    draw_reset: Callable[[np.random.Generator, int], np.ndarray]
    max_episode_steps: int
    observation_space: spaces.Box
    action_space: spaces.Discrete | spaces.Box
    render: Callable[[np.ndarray], np.ndarray] | None = None
