"""The batched tasks by id: those of this package, and those that users register."""

import importlib
import math
from collections.abc import Callable
from typing import Any, NoReturn

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from algos.envs.errors import TaskError, one_line
from algos.envs.single import TaskEnv
from algos.envs.task import OBSERVE, STEP, Task

BATCHED_TASKS: dict[str, str | Task] = {
    "CartPole-v0": "algos.envs.cartpole:V0",
    "CartPole-v1": "algos.envs.cartpole:V1",
    "CartPoleSwingUp-v0": "algos.envs.swingup:V0",
    "CartPoleSwingUp-v1": "algos.envs.swingup:V1",
    "Pendulum-v1": "algos.envs.pendulum:V1",
    "Acrobot-v1": "algos.envs.acrobot:V1",
    "MountainCar-v0": "algos.envs.mountain_car:V0",
    "MountainCarContinuous-v0": "algos.envs.mountain_car:CONTINUOUS_V0",
}
"""Each task, or the module and name that it is loaded from. A task is compiled when it is loaded."""

TRIAL_STEPS = 5


def register(env_id: str, task: Task) -> None:
    """Register a batched task under an id, here and with Gymnasium.

    A run finds the task if ``env.module`` names the module that calls this function, or if the id does:
    ``env.id=my_lab.corridor:Corridor-v0``.

    Raises:
        TaskError: The id is taken or malformed, or the task is not as :class:`Task` describes it.
    """
    if env_id in BATCHED_TASKS or env_id in gym.registry:
        raise TaskError(f"{env_id} is taken by another environment; expected: a new id")
    _check(env_id, task)
    try:
        gym.register(
            env_id,
            entry_point=f"{__name__}:single_environment",
            kwargs={"env_id": env_id},
            max_episode_steps=task.max_episode_steps,
        )
    except gym.error.Error as error:
        raise TaskError(f"{env_id} is not an id that Gymnasium accepts: {one_line(error)}") from error
    BATCHED_TASKS[env_id] = task


def load_task(env_id: str) -> Task:
    """The batched task of ``env_id``, which must be a key of ``BATCHED_TASKS``."""
    task = BATCHED_TASKS[env_id]
    if isinstance(task, Task):
        return task
    module, name = task.split(":")
    return getattr(importlib.import_module(module), name)


def single_environment(env_id: str, render_mode: str | None = None) -> TaskEnv:
    """One environment of a registered task."""
    return TaskEnv(load_task(env_id), render_mode)


def _check(env_id: str, task: Task) -> None:
    """Check that a task is as :class:`Task` describes it.

    Raises:
        TaskError: It is not.
    """

    def refuse(what: str) -> NoReturn:
        raise TaskError(f"{env_id}: {what}")

    if not isinstance(task, Task):
        refuse(f"task={task!r}; expected: a Task")
    for name in ("state_size", "max_episode_steps"):
        if type(value := getattr(task, name)) is not int or value < 1:
            refuse(f"{name}={value!r}; expected: a positive int")
    observation, action = task.observation_space, task.action_space
    if not (isinstance(observation, spaces.Box) and observation.dtype == np.float32 and len(observation.shape) == 1):
        refuse(f"observation_space={observation}; expected: a float32 Box of one axis")
    box = isinstance(action, spaces.Box) and action.dtype == np.float32 and len(action.shape) == 1
    if not (box or (isinstance(action, spaces.Discrete) and action.start == 0)):
        refuse(f"action_space={action}; expected: Discrete from 0, or a float32 Box of one axis")
    for name, signature in (("step", STEP), ("observe", OBSERVE)):
        compiled = getattr(getattr(task, name), "nopython_signatures", [])
        if not any(s.args == signature.args and s.return_type == signature.return_type for s in compiled):
            refuse(f"{name} is not compiled for its signature; expected: @njit({name.upper()}, cache=True)")
    if task.render is not None and not callable(task.render):
        refuse(f"render={task.render!r}; expected: a function of the state, or None")
    states = _drawn(task, 3, np.random.default_rng(0))
    if states is None:
        refuse(f"draw_reset(rng, 3) returned something else; expected: finite float64 states [3, {task.state_size}]")
    rng = np.random.default_rng(0)
    if not all(np.array_equal(task.draw_reset(rng, 1), state[None]) for state in states):
        refuse("draw_reset(rng, 3) differs from three draws of one state; expected: the same numbers")
    _try_out(refuse, task, states[0])


def _drawn(task: Task, count: int, rng: np.random.Generator) -> np.ndarray | None:
    """First states ``[count, state_size]``, or None if ``draw_reset`` returned something else."""
    states: Any = task.draw_reset(rng, count)
    good = isinstance(states, np.ndarray) and states.dtype == np.float64 and states.shape == (count, task.state_size)
    return states if good and np.isfinite(states).all() else None


def _try_out(refuse: Callable[[str], NoReturn], task: Task, state: np.ndarray) -> None:
    """Check a few steps of one episode that begins in ``state``."""
    # A write beyond the state or the observation changes the guard behind it.
    size, num_obs = task.state_size, task.observation_space.shape[0]
    task.action_space.seed(0)
    guarded, again = np.append(state, math.pi), np.append(state, math.pi)
    for _ in range(TRIAL_STEPS):
        action = np.atleast_1d(task.action_space.sample()).astype(np.float64)
        reward, terminated = task.step(guarded[:size], action.copy())
        if not math.isfinite(reward):
            refuse(f"step returned the reward {reward}; expected: a finite number")
        if guarded[-1] != math.pi:
            refuse(f"step writes beyond the state; expected: {size} numbers (state_size)")
        if not np.isfinite(guarded).all():
            refuse("step left a state with NaN or infinity; expected: finite numbers")
        if task.step(again[:size], action) != (reward, terminated) or not np.array_equal(guarded, again):
            refuse("step gave two results for one state and action; expected: a function of these alone")
        obs = np.append(np.full(num_obs, np.nan, np.float32), np.float32(1))
        task.observe(guarded[:size], obs[:num_obs])
        if obs[-1] != 1:
            refuse(f"observe writes beyond the observation; expected: {num_obs} numbers")
        if not np.isfinite(obs).all():
            refuse(f"observe left NaN or infinity; expected: {num_obs} finite numbers")
        if terminated:
            break
