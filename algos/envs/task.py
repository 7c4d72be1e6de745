"""What defines a task: compiled dynamics and an observation map over a float64 state, and how an episode begins."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from gymnasium import spaces
from numba import types

import algos.kernels  # noqa: F401  its cache is for tasks too

STEP = types.Tuple((types.float64, types.boolean))(types.float64[::1], types.float64[::1])
"""``step(state, action) -> (reward, terminated)``, advancing ``state`` in place; a Discrete action is action[0]."""

OBSERVE = types.void(types.float64[::1], types.float32[::1])
"""``observe(state, obs)``, which writes the observation of ``state`` into ``obs``."""


@dataclass(frozen=True)
class Task:
    """One task. Compile ``step`` and ``observe`` with ``@njit(STEP, cache=True)`` and ``@njit(OBSERVE, cache=True)``:
    with these exact signatures they are passed to other compiled functions as pointers, so that no loop over
    environments is compiled anew for a task.

    ``draw_reset(rng, k)`` returns the ``[k, state_size]`` float64 states that begin the next k episodes; the same
    numbers must come from k draws of one, since a batch draws ahead and a single environment does not.
    ``render(state)`` returns an image ``[height, width, 3]`` of uint8; a task without it is not recorded.
    """

    state_size: int
    step: Callable[[np.ndarray, np.ndarray], tuple[float, bool]]
    observe: Callable[[np.ndarray, np.ndarray], None]
    draw_reset: Callable[[np.random.Generator, int], np.ndarray]
    max_episode_steps: int
    observation_space: spaces.Box
    action_space: spaces.Discrete | spaces.Box
    render: Callable[[np.ndarray], np.ndarray] | None = None
