"""A vector environment that steps many copies of a batched task in one compiled loop."""

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.utils.seeding import np_random
from numba import boolean, float32, float64, int64, njit, types

from algos.envs.task import OBSERVE, STEP, Task
from algos.envs.vector import SameStepVectorEnv
from algos.streams import generator_from_words, generator_words

RESETS_AHEAD = 128
"""Number of reset states drawn ahead per sub-environment. It bounds the steps between two refills."""


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
    """E sub-environments of a batched task, with same-step autoreset.

    A sub-environment that is seeded with an int gives the same numbers as a single environment with that seed. The
    other sub-environments do not change them. The step that reaches ``max_episode_steps`` truncates, even if it also
    terminates; Gymnasium's ``TimeLimit`` does the same.

    A compiled rollout (``algos.kernels.rollout``) reads and writes these arrays.

    Attributes:
        states: ``[E, state_size]`` float64.
        elapsed: ``[E]``, steps since the episode began.
        resets: ``[E, RESETS_AHEAD, state_size]``, first states of the next episodes.
        resets_used: ``[E]``, how many of them are used.
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

    def reset_arrays(self, seeds: list[int | None], options: dict[str, Any] | None) -> None:
        if options:
            raise ValueError(f"options={options}: a batched environment has no reset options; expected: None")
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
        self.arrays["obs"][:] = self.observe()

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Step every sub-environment; see :meth:`SameStepVectorEnv.step`.

        Raises:
            ValueError: No episode has begun, the actions have a wrong shape, or a discrete action is out of range.
        """
        actions, space = np.asarray(actions), self.single_action_space
        if isinstance(space, spaces.Discrete) and (actions.min() < 0 or actions.max() >= space.n):
            raise ValueError(f"actions={actions}; expected: numbers in 0..{space.n - 1}")
        return super().step(actions)

    def step_arrays(self) -> None:
        self.steps_before_refill()
        arrays = self.arrays
        actions = arrays["actions"].reshape(self.num_envs, -1).astype(np.float64)
        _step_batch(
            self.task.step, self.task.observe, self.max_episode_steps, actions, self.states, self.elapsed,
            self.resets, self.resets_used, arrays["obs"], arrays["final_obs"], arrays["rewards"],
            arrays["terminated"], arrays["truncated"],
        )  # fmt: skip

    def observe(self) -> np.ndarray:
        """The observations ``[E, D]`` of the current states."""
        obs = np.empty_like(self.arrays["obs"])
        for e in range(self.num_envs):
            self.task.observe(self.states[e], obs[e])
        return obs

    def steps_before_refill(self) -> int:
        """Refill all reset states if any sub-environment used more than half. Returns how many steps they last."""
        if self.resets_used.max() > RESETS_AHEAD // 2:
            self._draw_resets_ahead()
        return RESETS_AHEAD - int(self.resets_used.max())

    def state_dict(self) -> dict[str, np.ndarray]:
        """The whole state, random generators included, as arrays that lead with E."""
        # After a refill the saved generators do not depend on when other sub-environments caused one.
        self._draw_resets_ahead()
        return {
            "states": self.states.copy(),
            "elapsed": self.elapsed.copy(),
            "resets": self.resets.copy(),
            "resets_used": self.resets_used.copy(),
            "generators": np.array([generator_words(rng) for rng in self.generators], np.uint64),
        }

    def load_state_dict(self, state: dict[str, np.ndarray]) -> None:
        """Continue bit for bit from a state of :meth:`state_dict`.

        Raises:
            ValueError: The state is of another task, or of another number of sub-environments.
        """
        own = {name: getattr(self, name) for name in ("states", "elapsed", "resets", "resets_used")}
        for name, mine in own.items():
            if state[name].shape != mine.shape:
                raise ValueError(f"{name} has shape {state[name].shape}; expected: {mine.shape}")
        for name, mine in own.items():
            mine[:] = state[name]
        self.generators = [generator_from_words(words) for words in state["generators"]]
        self.arrays["obs"][:] = self.observe()
        self.begun = True

    def _draw_resets_ahead(self) -> None:
        for e in np.flatnonzero(self.resets_used):
            used = self.resets_used[e]
            self.resets[e, : RESETS_AHEAD - used] = self.resets[e, used:]
            self.resets[e, RESETS_AHEAD - used :] = self.task.draw_reset(self.generators[e], used)
        self.resets_used[:] = 0
