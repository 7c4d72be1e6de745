"""Make environments by id: batched, in this process, in worker processes, or EnvPool's."""

import importlib
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from algos.envs.batched import BatchedEnv
from algos.envs.errors import TaskError, one_line, unknown_id
from algos.envs.flat import flat_box
from algos.envs.pools import PoolEnv, draws, make_pool, make_pools
from algos.envs.registry import BATCHED_TASKS, load_task
from algos.envs.rescaling import box_to_rescale
from algos.envs.serial import SerialVectorEnv
from algos.envs.vector import SameStepVectorEnv
from algos.envs.workers import WorkerVectorEnv
from algos.machine import usable_cores

TRIAL_STEPS = 5


def make_vec(
    env_id: str,
    num_envs: int,
    kwargs: dict[str, Any],
    vectorization: str,
    module: str | None = None,
    max_episode_steps: int | None = None,
    rescale_actions: bool = False,
) -> SameStepVectorEnv:
    """``num_envs`` environments of one task, with same-step autoreset and flat observations ``[num_envs, D]``.

    Dict, Tuple and Box observations are flattened; :func:`algos.envs.flat.observation_shape` gives a Box's original
    shape. Discrete actions are renumbered to begin at 0. One environment is tried for a few steps first.

    Args:
        env_id: may name a module that registers it: ``my_lab.corridor:Corridor-v0``.
        kwargs: arguments of the environment's constructor, or EnvPool's settings.
        vectorization: ``auto`` takes the batched task of this id if there is one and ``kwargs`` is empty, otherwise
            ``sync``. ``sync`` steps the environments one after the other in this process. ``async`` steps them in
            worker processes, with the same results. ``envpool`` takes EnvPool's environment, whose results differ.
        module: is imported first, so that it can register ids.
        max_episode_steps: replaces the id's own time limit.
        rescale_actions: maps Box actions from [-1, 1] onto their bounds. Batched tasks cannot do this, so ``auto``
            takes them only if their actions are discrete or from [-1, 1] already.

    Raises:
        TaskError: The id is unknown, its environment cannot be constructed or has unsupported spaces, or the trial
            showed that it breaks Gymnasium's contract.
    """
    if vectorization == "envpool":
        return make_pools(env_id, num_envs, kwargs, max_episode_steps, rescale_actions)
    registered = _registered(env_id, module)
    if vectorization == "auto" and registered in BATCHED_TASKS and not kwargs:
        task = load_task(registered)
        if not (rescale_actions and box_to_rescale(env_id, task.action_space)):
            return BatchedEnv(task, num_envs, max_episode_steps or task.max_episode_steps)
    make_one = partial(make_single, env_id, kwargs, module, max_episode_steps, rescale_actions)
    _try_out(env_id, make_one)
    if vectorization == "async":
        return WorkerVectorEnv(make_one, num_envs, min(usable_cores(), num_envs))
    return SerialVectorEnv(make_one, num_envs)


def make_single(
    env_id: str,
    kwargs: dict[str, Any],
    module: str | None,
    max_episode_steps: int | None,
    rescale_actions: bool,
    **render: str,
) -> gym.Env:
    """One environment with the observations, actions and time limit of :func:`make_vec`, whose arguments these are.

    ``render`` are further arguments of ``gym.make``.

    Raises:
        TaskError: The id is unknown, or its environment cannot be constructed or has unsupported spaces.
    """
    registered = _registered(env_id, module)  # each worker process has a registry of its own
    _quieten_mujoco(registered)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*out of date")  # the user chose this version
            env = gym.make(
                registered, max_episode_steps=max_episode_steps, disable_env_checker=True, **kwargs, **render
            )
    except Exception as error:
        raise TaskError(f"{env_id} cannot be constructed with {kwargs}: {one_line(error)}") from error
    _check_spaces(env_id, env)
    space = env.observation_space
    if not (isinstance(space, spaces.Box) and space.low.ndim == 1):
        env = gym.wrappers.FlattenObservation(env)
        if isinstance(space, spaces.Box):
            env.observation_space = flat_box(space)
    start = getattr(env.action_space, "start", None)
    if start is not None and np.any(start):
        env = _actions_from_zero(env)
    if rescale_actions and box_to_rescale(env_id, env.action_space):
        env = gym.wrappers.RescaleAction(env, np.float32(-1), np.float32(1))
    return env


def make_rendered(
    env_id: str,
    kwargs: dict[str, Any],
    vectorization: str,
    module: str | None,
    max_episode_steps: int | None,
    rescale_actions: bool,
) -> gym.Env:
    """One environment of :func:`make_vec` that renders to arrays. The arguments are those of :func:`make_vec`.

    Where EnvPool cannot render a task, Gymnasium's environment of the same id takes its place. Its dynamics are nearly
    the same.

    Raises:
        TaskError: The task cannot be made, or does not render.
    """
    pool_space: gym.Space | None = None
    if vectorization == "envpool":
        if draws(env_id):
            return PoolEnv(make_pool(env_id, kwargs, max_episode_steps, rescale_actions, "rgb_array"))
        pool_space = make_pool(env_id, kwargs, max_episode_steps, rescale_actions).single_observation_space
    try:
        env = make_single(env_id, kwargs, module, max_episode_steps, rescale_actions, render_mode="rgb_array")
        if pool_space is not None and env.observation_space.shape != pool_space.shape:
            raise TaskError(f"its observations are {env.observation_space}; expected: {pool_space}")
    except TaskError as error:
        if pool_space is None:
            raise
        raise TaskError(f"{env_id} of EnvPool does not render, nor can Gymnasium's render instead: {error}") from error
    if env.render_mode != "rgb_array":
        raise TaskError(f"{env_id} does not render to arrays; expected: a task with the render mode rgb_array")
    return env


def _actions_from_zero(env: gym.Env) -> gym.Env:
    space = env.action_space
    assert isinstance(space, spaces.Discrete | spaces.MultiDiscrete)
    zero_based = spaces.Discrete(space.n) if isinstance(space, spaces.Discrete) else spaces.MultiDiscrete(space.nvec)
    return gym.wrappers.TransformAction(env, partial(np.add, space.start), zero_based)


def named_modules(env_id: str, module: str | None) -> list[str]:
    """The modules to import for an id: ``module``, and the one in the id."""
    return [name for name in (module, env_id.rpartition(":")[0]) if name]


def _registered(env_id: str, module: str | None) -> str:
    """The id without its module, after the import of what registers it."""
    for name in named_modules(env_id, module):
        _import(name)
    registered = env_id.rpartition(":")[2]
    if registered not in BATCHED_TASKS:
        _check_registered(registered)
    return registered


def _import(module: str) -> None:
    try:
        importlib.import_module(module)
    except TaskError:
        raise
    except Exception as error:
        raise TaskError(f"module {module} cannot be imported: {one_line(error)}") from error


def _quieten_mujoco(env_id: str) -> None:
    """Keep MuJoCo from warning that Gymnasium's models are deprecated, and from writing a log file."""
    if "mujoco" in str(gym.spec(env_id).entry_point) or "mujoco" in sys.modules:
        with suppress(ImportError):  # without MuJoCo, gym.make names what to install
            mujoco: Any = importlib.import_module("mujoco")
            mujoco.set_mju_user_warning(_warn_of_mujoco)


def _warn_of_mujoco(message: str | bytes) -> None:
    text = message.decode(errors="replace") if isinstance(message, bytes) else message
    if "deprecated" not in text:
        warnings.warn(f"MuJoCo: {text.strip()}", RuntimeWarning, stacklevel=2)


def _check_registered(env_id: str) -> None:
    try:
        gym.spec(env_id)
    except gym.error.Error as error:
        known, expected = {*gym.registry, *BATCHED_TASKS}, "an id that is registered with Gymnasium"
        raise unknown_id(env_id, "a registered environment", known, expected) from error


def _check_spaces(env_id: str, env: gym.Env) -> None:
    observation, action = env.observation_space, env.action_space
    flat = observation.is_np_flattenable and isinstance(observation, spaces.Box | spaces.Dict | spaces.Tuple)
    if not flat:
        raise TaskError(f"{env_id} has observations {observation}; expected: Box, or Dict or Tuple of flat spaces")
    discrete = isinstance(action, spaces.Discrete | spaces.MultiDiscrete)
    box = isinstance(action, spaces.Box) and np.issubdtype(action.dtype, np.floating)
    if not (discrete or box) or len(action.shape or ()) > 1 or (box and action.shape == ()):
        raise TaskError(f"{env_id} has actions {action}; expected: Discrete, or MultiDiscrete or Box of one axis")


def _try_out(env_id: str, make_one: Callable[[], gym.Env]) -> None:
    """Check in a few steps of one environment that it keeps Gymnasium's contract."""
    env = make_one()
    try:
        env.action_space.seed(0)
        obs = _returned(env_id, "reset", 2, partial(env.reset, seed=0))[0]
        _check_obs(env_id, env, obs, "reset")
        for _ in range(TRIAL_STEPS):
            action = env.action_space.sample()
            obs, reward, terminated, truncated, _ = _returned(env_id, "step", 5, partial(env.step, action))
            _check_obs(env_id, env, obs, "step")
            if not _is_finite_number(reward):
                raise TaskError(f"{env_id}: step returned the reward {reward!r}; expected: a finite number")
            for name, flag in (("terminated", terminated), ("truncated", truncated)):
                if not isinstance(flag, bool | np.bool_):
                    raise TaskError(f"{env_id}: step returned {name}={flag!r}; expected: a bool")
            if terminated or truncated:
                obs = _returned(env_id, "reset", 2, env.reset)[0]
                _check_obs(env_id, env, obs, "reset")
    finally:
        env.close()


def _returned(env_id: str, method: str, length: int, call: Callable[[], Any]) -> tuple:
    try:
        result = call()
    except Exception as error:
        raise TaskError(f"{env_id}: {method} raised {one_line(error)}") from error
    if not isinstance(result, tuple) or len(result) != length:
        kind = f"{len(result)} values" if isinstance(result, tuple) else type(result).__name__
        raise TaskError(f"{env_id}: {method} returned {kind}; expected: a tuple of {length} values")
    return result


def _check_obs(env_id: str, env: gym.Env, obs: Any, method: str) -> None:
    space = env.observation_space
    assert isinstance(space, spaces.Box)
    if not isinstance(obs, np.ndarray):
        raise TaskError(f"{env_id}: {method} returned an observation of type {type(obs).__name__}; expected: {space}")
    if obs.shape != space.shape or not np.can_cast(obs.dtype, space.dtype, "same_kind"):
        got = f"shape {obs.shape} and type {obs.dtype}"
        raise TaskError(f"{env_id}: {method} returned an observation of {got}; expected: {space}")
    if not np.isfinite(obs).all():
        raise TaskError(f"{env_id}: {method} returned an observation with NaN or infinity; expected: finite numbers")


def _is_finite_number(value: Any) -> bool:
    number = np.asarray(value)
    return number.ndim == 0 and number.dtype.kind in "biuf" and bool(np.isfinite(number))
