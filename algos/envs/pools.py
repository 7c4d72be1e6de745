"""EnvPool's environments (Weng et al. 2022), which C++ threads step. They need the extra ``envpool``."""

import importlib
import warnings
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from algos.envs.errors import TaskError, one_line, unknown_id
from algos.envs.flat import FlatBox, flat_box
from algos.envs.rescaling import box_to_rescale
from algos.envs.threads import ThreadedVectorEnv
from algos.envs.vector import SameStepVectorEnv
from algos.machine import usable_cores

OURS = (
    *("num_envs", "batch_size", "num_threads", "seed", "env_seed", "max_episode_steps", "max_num_players"),
    *("base_path", "gym_reset_return_info", "thread_affinity_offset", "task", "task_name"),
)
"""Settings of EnvPool that a user cannot choose: the id, the run or this module sets them."""

NO_LIMIT = 2**31 - 1
"""EnvPool's ``max_episode_steps`` of a task without a time limit."""

TRIAL_STEPS = 5


class PoolVectorEnv(SameStepVectorEnv):
    """``num_envs`` of EnvPool's environments of one id, with same-step autoreset and flat observations.

    A sub-environment depends only on its own seed and actions, not on ``num_envs`` or ``num_threads``.

    EnvPool itself resets in the step after the one that ended an episode; here both happen in one step. EnvPool reports
    a termination in the last step before its time limit as a truncation. So this class applies the limit, and EnvPool's
    is one step longer.

    Args:
        env_id: one that EnvPool lists.
        kwargs: EnvPool's settings of the task. ``obs_type: ram`` gives an Atari task's memory instead of images.
        max_episode_steps: None for the id's own limit.
        rescale_actions: maps Box actions from [-1, 1] onto their bounds.
        num_threads: number of EnvPool's threads.
        render_mode: ``rgb_array`` for :meth:`render`, where :func:`draws` allows it.

    Raises:
        TaskError: EnvPool is not installed or does not know the id or a setting, or the spaces are not supported.
    """

    def __init__(
        self,
        env_id: str,
        num_envs: int,
        kwargs: dict[str, Any],
        max_episode_steps: int | None,
        rescale_actions: bool,
        num_threads: int,
        render_mode: str | None = None,
    ) -> None:
        self.render_mode = render_mode
        self._env_id = env_id
        self._kwargs = dict(kwargs)
        spec = _spec(env_id, self._kwargs)
        self._ram = self._kwargs.pop("obs_type", None) == "ram"
        with warnings.catch_warnings(action="ignore"):  # bounds lose precision in float32
            space, action_space = spec.observation_space, spec.action_space
        if self._ram:
            space = spaces.Box(0, 255, (128,), np.uint8)
        self._space = space
        own_limit = spec.config.max_episode_steps
        limit = max_episode_steps or (own_limit if own_limit < NO_LIMIT else None)
        self._num_threads = min(num_threads, num_envs)
        self._pool: Any = None
        self._elapsed = np.zeros(num_envs, np.int64)
        self._scale: tuple[np.ndarray, np.ndarray] | None = None
        action_space = self._actions_seen(action_space, rescale_actions)
        super().__init__(_flat_space(env_id, space), action_space, num_envs, limit)

    def reset_arrays(self, seeds: list[int | None], options: dict[str, Any] | None) -> None:
        if options:
            raise ValueError(f"options={options}: EnvPool has no reset options; expected: None")
        if None not in seeds or self._pool is None:
            # EnvPool takes seeds only when it is built. They have 31 bits, so a higher bit is dropped.
            self._pool = self._build([0 if s is None else s % 2**31 for s in seeds])
        elif any(s is not None for s in seeds):
            raise ValueError(f"seed={seeds}: EnvPool needs all seeds or none; expected: no None among them")
        self._begin_episodes(np.arange(self.num_envs))

    def step_arrays(self) -> None:
        actions = self.arrays["actions"]
        if self._scale is not None:
            half, centre = self._scale
            actions = half * actions + centre
        obs, rewards, terminated, truncated, info = self._pool.step(actions)
        arrays, ids = self.arrays, info["env_id"]
        arrays["obs"][ids] = self._flat(obs, info)
        arrays["rewards"][ids], arrays["terminated"][ids] = rewards, terminated
        self._elapsed += 1
        arrays["truncated"][ids] = truncated
        if self.max_episode_steps is not None:
            arrays["truncated"] |= self._elapsed >= self.max_episode_steps
        ended = np.flatnonzero(arrays["terminated"] | arrays["truncated"])
        if len(ended):
            arrays["final_obs"][ended] = arrays["obs"][ended]
            self._begin_episodes(ended)

    def render(self) -> Any:
        """One uint8 image ``[height, width, 3]`` of each environment."""
        return tuple(self._pool.render(np.arange(self.num_envs)))

    def close_extras(self, **kwargs: Any) -> None:
        self._pool = None  # its threads end with it
        self.begun = False

    def _build(self, seeds: list[int]) -> Any:
        limit = self.max_episode_steps
        limits = {} if limit is None else {"max_episode_steps": limit + 1}
        with warnings.catch_warnings(action="ignore"):
            pool = _envpool().make_gymnasium(
                self._env_id,
                num_envs=len(seeds),
                seed=seeds,
                num_threads=self._num_threads,
                render_mode=self.render_mode,
                **limits,
                **self._kwargs,
            )
            assert pool.observation_space is not None  # made here, where its warning is not shown
        return pool

    def _begin_episodes(self, ids: np.ndarray) -> None:
        obs, info = self._pool.reset(ids.astype(np.int32))
        self.arrays["obs"][info["env_id"]] = self._flat(obs, info)
        self._elapsed[ids] = 0

    def _flat(self, obs: Any, info: dict[str, Any]) -> np.ndarray:
        if self._ram:
            return info["ram"]
        if isinstance(obs, np.ndarray):
            return obs.reshape(len(obs), -1)
        return np.concatenate([leaf.reshape(len(leaf), -1) for leaf in _leaves(self._space, obs)], axis=1)

    def _actions_seen(self, space: spaces.Space, rescale: bool) -> spaces.Space:
        """The action space that a policy sees. Sets the scale that maps its actions to EnvPool's."""
        several = isinstance(space, spaces.Box) and len(space.shape) == 1 and np.issubdtype(space.dtype, np.floating)
        if not (several or isinstance(space, spaces.Discrete)):
            raise TaskError(f"{self._env_id} has actions {space}; expected: Discrete, or Box of one axis")
        box = box_to_rescale(self._env_id, space) if rescale else None
        if box is None:
            return space
        half = (box.high - box.low) / 2
        self._scale = half, box.low + half
        return spaces.Box(-1, 1, box.shape, box.dtype.type)


class PoolEnv(gym.Env):
    """A pool of one environment as a single environment that renders."""

    def __init__(self, envs: PoolVectorEnv) -> None:
        self.envs = envs
        self.observation_space, self.action_space = envs.single_observation_space, envs.single_action_space
        self.render_mode = envs.render_mode

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        obs, infos = self.envs.reset(seed=seed, options=options)
        return obs[0], infos

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        obs, rewards, terminated, truncated, _ = self.envs.step(np.asarray(action)[None])
        return obs[0], float(rewards[0]), bool(terminated[0]), bool(truncated[0]), {}

    def render(self) -> np.ndarray:
        return self.envs.render()[0]

    def close(self) -> None:
        self.envs.close()


def draws(env_id: str) -> bool:
    """Whether EnvPool can render this task. It aborts the process on MuJoCo's tasks if there is no display."""
    return not _registry().specs[env_id][0].startswith("envpool.mujoco")


def make_pool(
    env_id: str,
    kwargs: dict[str, Any],
    max_episode_steps: int | None,
    rescale_actions: bool,
    render_mode: str | None = None,
) -> PoolVectorEnv:
    """A pool of one environment, which is tried for a few steps first.

    Raises:
        TaskError: See :class:`PoolVectorEnv`; or the trial gave an error or numbers that are not finite.
    """
    settings = (kwargs, max_episode_steps, rescale_actions, 1)
    _try_out(PoolVectorEnv(env_id, 1, *settings))
    return PoolVectorEnv(env_id, 1, *settings, render_mode)


def make_pools(
    env_id: str, num_envs: int, kwargs: dict[str, Any], max_episode_steps: int | None, rescale_actions: bool
) -> SameStepVectorEnv:
    """EnvPool's environments, with a thread for each usable core. They and the threads are divided between two pools.

    Raises:
        TaskError: See :func:`make_pool`.
    """
    settings = (kwargs, max_episode_steps, rescale_actions)
    one = make_pool(env_id, *settings)
    if num_envs == 1:
        return one
    threads = -(-usable_cores() // 2)
    halves = num_envs - num_envs // 2, num_envs // 2
    return ThreadedVectorEnv([PoolVectorEnv(env_id, half, *settings, threads) for half in halves])


def _try_out(envs: PoolVectorEnv) -> None:
    envs.action_space.seed(0)
    try:
        obs, _ = envs.reset(seed=0)
        for _ in range(TRIAL_STEPS):
            if not np.isfinite(obs).all():
                raise TaskError(
                    f"{envs._env_id}: EnvPool gave an observation with NaN or infinity; expected: finite numbers"
                )
            obs, rewards, *_ = envs.step(envs.action_space.sample())
            if not np.isfinite(rewards).all():
                raise TaskError(f"{envs._env_id}: EnvPool gave the reward {rewards[0]}; expected: a finite number")
    except TaskError:
        raise
    except Exception as error:
        raise TaskError(f"{envs._env_id}: EnvPool raised {one_line(error)}") from error
    finally:
        envs.close()


def _envpool() -> Any:
    try:
        return importlib.import_module("envpool")
    except ImportError as error:
        raise TaskError(
            f"env.vectorization=envpool: {one_line(error)}; expected: EnvPool (pip install 'seedbed[envpool]')"
        ) from error


def _registry() -> Any:
    _envpool()
    return importlib.import_module("envpool.registration").registry


def _spec(env_id: str, kwargs: dict[str, Any]) -> Any:
    """EnvPool's specification of a task with these settings."""
    envpool = _envpool()
    known = envpool.list_all_envs()
    if env_id not in known:
        raise unknown_id(env_id, "one of EnvPool's environments", known, "an id of envpool.list_all_envs()")
    try:
        plain = envpool.make_spec(env_id)
        ram = "info:ram" in plain.state_array_spec
        allowed = [name for name in type(plain.config)._fields if name not in OURS]
        wrong = sorted(set(kwargs) - set(allowed) - ({"obs_type"} if ram else set()))
        if wrong:
            takes = ", ".join(["obs_type", *allowed] if ram else allowed)
            raise TaskError(f"{env_id}: EnvPool does not take env.kwargs.{wrong[0]}; expected: {takes}")
        if ram and kwargs.get("obs_type", "ram") != "ram":
            raise TaskError(
                f"{env_id}: env.kwargs.obs_type={kwargs['obs_type']}; expected: ram, or no obs_type for images"
            )
        spec = envpool.make_spec(env_id, **{name: value for name, value in kwargs.items() if name != "obs_type"})
    except TaskError:
        raise
    except Exception as error:
        raise TaskError(f"{env_id} cannot be constructed by EnvPool with {kwargs}: {one_line(error)}") from error
    if spec.config.max_num_players != 1:
        raise TaskError(f"{env_id} has {spec.config.max_num_players} players; expected: 1")
    return spec


def _flat_space(env_id: str, space: spaces.Space) -> spaces.Box:
    """The flattened observation space. It keeps the shape of a single Box.

    Bounds of floats are left out, because EnvPool's are unreliable.
    """
    boxes = list(_leaves(space, space))
    if not all(isinstance(box, spaces.Box) for box in boxes):
        raise TaskError(f"{env_id} has observations {space}; expected: Box, or Dict of Box")
    dtype = np.result_type(*(box.dtype for box in boxes))
    size = sum(int(np.prod(box.shape)) for box in boxes)
    shape = boxes[0].shape if len(boxes) == 1 else (size,)
    if np.issubdtype(dtype, np.floating):
        return flat_box(spaces.Box(-np.inf, np.inf, shape, dtype.type))
    low, high = (np.concatenate([getattr(box, end).reshape(-1) for box in boxes]) for end in ("low", "high"))
    return FlatBox(low.astype(dtype), high.astype(dtype), dtype, shape)


def _leaves(space: Any, values: Any) -> Iterator[Any]:
    """The leaves of nested ``values``, in the order of the Dict space."""
    if isinstance(space, spaces.Dict):
        for name, part in space.spaces.items():
            yield from _leaves(part, values[name])
    else:
        yield values
