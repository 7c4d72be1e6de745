"""Many copies of one task stepped by one compiled loop, as a Gymnasium vector environment."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.utils.seeding import np_random
from numba import boolean, float32, float64, int64, njit, types

from algos.envs.task import OBSERVE, STEP, Task
from algos.envs.vector import SameStepVectorEnv, seeds_of
from algos.streams import generator_from_words, generator_words

RESETS_AHEAD = 128
"""Reset states drawn ahead per sub-environment: a compiled rollout runs at most that many steps between refills."""


@njit(
    types.void(
        types.FunctionType(STEP),
        types.FunctionType(OBSERVE),
        int64,
        float64[:, ::1],
        float64[:, ::1],
        int64[::1],
        float64[:, :, ::1],
        int64[::1],
        float32[:, ::1],
        float32[:, ::1],
        float64[::1],
        boolean[::1],
        boolean[::1],
    ),
    cache=True,
)
def _step_batch(  # type: ignore[no-untyped-def]
    step, observe, max_episode_steps, actions, states, elapsed, resets, resets_used, obs, final_obs, rewards,
    terminated, truncated,
):  # fmt: skip
    for e in range(states.shape[0]):
        rewards[e], terminated[e] = step(states[e], actions[e])
        elapsed[e] += 1
        truncated[e] = elapsed[e] >= max_episode_steps
        observe(states[e], obs[e])
        if terminated[e] or truncated[e]:
            for i in range(obs.shape[1]):
                final_obs[e, i] = obs[e, i]
            for i in range(states.shape[1]):
                states[e, i] = resets[e, resets_used[e], i]
            resets_used[e] += 1
            elapsed[e] = 0
            observe(states[e], obs[e])


class BatchedEnv(SameStepVectorEnv):
    """E sub-environments of a task: float64 states, float32 observations, same-step autoreset.

    Sub-environment e, seeded with an int, has the random stream, the observations, the rewards and the episode ends of
    the single environment seeded with that int, whatever the other sub-environments do. Reaching
    ``max_episode_steps`` truncates, also on a step that terminates, as Gymnasium's ``TimeLimit`` reports it.

    A compiled rollout (``algos.kernels.rollout``) works on the arrays themselves: ``states [E, state_size]``,
    ``elapsed [E]`` (steps into the episode), ``resets [E, RESETS_AHEAD, state_size]`` and ``resets_used [E]``.
    """

    max_episode_steps: int

    def __init__(self, task: Task, num_envs: int, max_episode_steps: int) -> None:
        super().__init__(task.observation_space, task.action_space, num_envs, max_episode_steps)
        self.task = task
        self.generators: list[np.random.Generator] = []
        self.states = np.empty((num_envs, task.state_size))
        self.elapsed = np.zeros(num_envs, np.int64)
        self.resets = np.empty((num_envs, RESETS_AHEAD, task.state_size))
        self.resets_used = np.full(num_envs, RESETS_AHEAD, np.int64)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode everywhere; returns obs ``[E, D]`` and no infos.

        An int seeds sub-environment e with seed + e; None, alone or in a sequence, goes on with the stream there is.

        Raises:
            ValueError: as many seeds as sub-environments are needed; reset options are not supported.
        """
        if options:
            raise ValueError(f"reset options are not supported by a batched environment, got {options}")
        seeds = seeds_of(seed, self.num_envs)
        if not self.generators:
            self.generators = [np_random(s)[0] for s in seeds]
        else:
            for e, s in enumerate(seeds):
                if s is not None:
                    self.generators[e] = np_random(s)[0]
                    self.resets_used[e] = RESETS_AHEAD
        self._draw_resets_ahead()
        self.states[:] = self.resets[np.arange(self.num_envs), self.resets_used]
        self.resets_used += 1
        self.elapsed[:] = 0
        return self.observe(), {}

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """As :meth:`SameStepVectorEnv.step`.

        Raises:
            ValueError: actions of another shape, or a discrete action outside its range.
        """
        if not self.generators:
            raise ValueError("reset the environment before its first step")
        actions, space = np.asarray(actions), self.single_action_space
        if isinstance(space, spaces.Discrete) and (actions.min() < 0 or actions.max() >= space.n):
            raise ValueError(f"actions lie in 0..{space.n - 1}, got {actions}")
        return super().step(actions)

    def step_arrays(self) -> None:
        self.steps_before_refill()
        arrays = self.arrays
        # Actions are rounded to the space's type there: one in float64 acts as a buffer of it would.
        actions = arrays["actions"].reshape(self.num_envs, -1).astype(np.float64)
        _step_batch(
            self.task.step, self.task.observe, self.max_episode_steps, actions, self.states, self.elapsed,
            self.resets, self.resets_used, arrays["obs"], arrays["final_obs"], arrays["rewards"],
            arrays["terminated"], arrays["truncated"],
        )  # fmt: skip

    def observe(self) -> np.ndarray:
        """The observations ``[E, D]`` of the present states."""
        obs = np.empty_like(self.arrays["obs"])
        for e in range(self.num_envs):
            self.task.observe(self.states[e], obs[e])
        return obs

    def steps_before_refill(self) -> int:
        """Refill the reset states where fewer than half are left anywhere; returns for how many steps they suffice."""
        if self.resets_used.max() > RESETS_AHEAD // 2:
            self._draw_resets_ahead()
        return RESETS_AHEAD - int(self.resets_used.max())

    def state_dict(self) -> dict[str, np.ndarray]:
        """All that the future depends on, generators included, as arrays.

        Of a sub-environment nothing depends on the others: all have as many reset states ahead as there can be.
        """
        self._draw_resets_ahead()
        return {
            "states": self.states.copy(),
            "elapsed": self.elapsed.copy(),
            "resets": self.resets.copy(),
            "resets_used": self.resets_used.copy(),
            "generators": np.array([generator_words(rng) for rng in self.generators], np.uint64),
        }

    def load_state_dict(self, state: dict[str, np.ndarray]) -> None:
        """Go on where ``state_dict`` was taken, bit for bit. Raises ValueError if the shapes are another task's."""
        for name in ("states", "elapsed", "resets", "resets_used"):
            mine = getattr(self, name)
            if state[name].shape != mine.shape:
                raise ValueError(f"{name} has shape {state[name].shape}, this environment needs {mine.shape}")
            mine[:] = state[name]
        self.generators = [generator_from_words(words) for words in state["generators"]]

    def _draw_resets_ahead(self) -> None:
        for e in np.flatnonzero(self.resets_used):
            used = self.resets_used[e]
            self.resets[e, : RESETS_AHEAD - used] = self.resets[e, used:]
            self.resets[e, RESETS_AHEAD - used :] = self.task.draw_reset(self.generators[e], used)
        self.resets_used[:] = 0
