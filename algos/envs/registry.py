"""The batched tasks there are, ours and a user's: by id, and checked before one is stepped."""

import importlib
import math
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from algos.envs.errors import TaskError
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
"""The tasks by id. Where one of ours is given by its place, it is compiled only when it is asked for."""

TRIAL_STEPS = 5


def register(env_id: str, task: Task) -> None:
    """Make a batched task known by an id, here and to Gymnasium, where it is a single environment.

    A module that calls this is named with the id, ``env.id=my_lab.corridor:Corridor-v0``, or by ``env.module``.

    Raises:
        TaskError: the id is taken or is none, or the task is not what :class:`Task` says.
    """
    if env_id in BATCHED_TASKS or env_id in gym.registry:
        raise TaskError(f"{env_id} is taken: another environment has this id")
    _check(env_id, task)
    try:
        gym.register(
            env_id,
            entry_point=f"{__name__}:single_environment",
            kwargs={"env_id": env_id},
            max_episode_steps=task.max_episode_steps,
        )
    except gym.error.Error as error:
        raise TaskError(f"{env_id} is no id that Gymnasium takes: {' '.join(str(error).split())}") from error
    BATCHED_TASKS[env_id] = task


def load_task(env_id: str) -> Task:
    """The task behind the batched version of ``env_id``, a key of ``BATCHED_TASKS``."""
    task = BATCHED_TASKS[env_id]
    if isinstance(task, Task):
        return task
    module, name = task.split(":")
    return getattr(importlib.import_module(module), name)


def single_environment(env_id: str, render_mode: str | None = None) -> TaskEnv:
    """One environment of a registered task."""
    return TaskEnv(load_task(env_id), render_mode)


def _check(env_id: str, task: Task) -> None:
    """Hold a task against what it promises, in a few steps of one episode."""

    def refuse(what: str) -> None:
        raise TaskError(f"{env_id}: {what}")

    if not isinstance(task, Task):
        refuse(f"{task!r} is registered; a Task is needed")
    for name in ("state_size", "max_episode_steps"):
        if type(value := getattr(task, name)) is not int or value < 1:
            refuse(f"{name} is {value!r}; a positive int is needed")
    observation, action = task.observation_space, task.action_space
    if not (isinstance(observation, spaces.Box) and observation.dtype == np.float32 and len(observation.shape) == 1):
        refuse(f"observation_space is {observation}; a float32 Box of one axis is needed")
    box = isinstance(action, spaces.Box) and action.dtype == np.float32 and len(action.shape) == 1
    if not (box or (isinstance(action, spaces.Discrete) and action.start == 0)):
        refuse(f"action_space is {action}; Discrete from 0 or a float32 Box of one axis is needed")
    for name, signature in (("step", STEP), ("observe", OBSERVE)):
        compiled = getattr(getattr(task, name), "nopython_signatures", [])
        if not any(s.args == signature.args and s.return_type == signature.return_type for s in compiled):
            refuse(f"{name} is not compiled for its signature; decorate it with @njit({name.upper()}, cache=True)")
    if task.render is not None and not callable(task.render):
        refuse(f"render is {task.render!r}; a function of the state, or None, is needed")
    states = _drawn(task, 3, np.random.default_rng(0))
    if states is None:
        refuse(f"draw_reset(rng, 3) must return finite float64 states [3, {task.state_size}]")
    assert states is not None
    rng = np.random.default_rng(0)
    if not all(np.array_equal(task.draw_reset(rng, 1), state[None]) for state in states):
        refuse("draw_reset(rng, 3) differs from three draws of one; the same numbers are needed")
    _try_out(refuse, task, states[0])


def _drawn(task: Task, count: int, rng: np.random.Generator) -> np.ndarray | None:
    """``count`` first states; None where they are not what they should be."""
    states: Any = task.draw_reset(rng, count)
    good = isinstance(states, np.ndarray) and states.dtype == np.float64 and states.shape == (count, task.state_size)
    return states if good and np.isfinite(states).all() else None


def _try_out(refuse: Callable[[str], None], task: Task, state: np.ndarray) -> None:
    """A few steps. Behind state and observation lies a number that none may touch."""
    size, num_obs = task.state_size, task.observation_space.shape[0]
    task.action_space.seed(0)
    guarded, again = np.append(state, math.pi), np.append(state, math.pi)
    for _ in range(TRIAL_STEPS):
        action = np.atleast_1d(task.action_space.sample()).astype(np.float64)
        reward, terminated = task.step(guarded[:size], action.copy())
        if not math.isfinite(reward):
            refuse(f"step returned the reward {reward}; a finite number is needed")
        if guarded[-1] != math.pi:
            refuse(f"step writes beyond the state; state_size is {size}")
        if not np.isfinite(guarded).all():
            refuse("step left a state with NaN or infinity; finite numbers are needed")
        if task.step(again[:size], action) != (reward, terminated) or not np.array_equal(guarded, again):
            refuse("step gave two results for one state and action; it must depend on these alone")
        obs = np.append(np.full(num_obs, np.nan, np.float32), np.float32(1))
        task.observe(guarded[:size], obs[:num_obs])
        if obs[-1] != 1:
            refuse(f"observe writes beyond the observation; its length is {num_obs}")
        if not np.isfinite(obs).all():
            refuse(f"observe left NaN or infinity; {num_obs} finite numbers are needed")
        if terminated:
            break
