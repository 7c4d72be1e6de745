"""Sub-environments spread over a few worker processes, each stepping its share one after the other.

Gymnasium's ``AsyncVectorEnv`` starts one process per sub-environment; S·N of those on a few cores mostly wait for each
other. Here the processes are as many as the cores, and all arrays travel through shared memory.
"""

import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.vector.utils import batch_space

from algos.envs.batched import one_per_env

_SPAWN = multiprocessing.get_context("spawn")  # a fork would inherit the state of compute threads without the threads
_ASK_TO_STOP = (signal.SIGINT, signal.SIGTERM)
"""Signals that a terminal or a scheduler sends to all processes of a run; they are the parent's to handle."""


class WorkerVectorEnv(VectorEnv):
    """``num_envs`` environments built by ``make_one`` (picklable) in ``num_workers`` processes; same-step autoreset.

    Each sub-environment depends on its own seed and actions only, so the results do not depend on ``num_workers``.
    Infos hold ``final_obs`` and nothing else. An exception in a worker is raised here as a RuntimeError. The workers
    live until ``close``, or until this process ends; SIGINT and SIGTERM do not end them.
    """

    def __init__(self, make_one: Callable[[], gym.Env], num_envs: int, num_workers: int) -> None:
        env = make_one()
        self.num_envs = num_envs
        self.metadata = {**env.metadata, "autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space, self.single_action_space = env.observation_space, env.action_space
        self.observation_space = batch_space(env.observation_space, num_envs)
        self.action_space = batch_space(env.action_space, num_envs)
        env.close()

        layout: dict[str, tuple[Any, Any]] = {
            "actions": (self.action_space.shape, self.action_space.dtype),
            "obs": (self.observation_space.shape, self.observation_space.dtype),
            "final_obs": (self.observation_space.shape, self.observation_space.dtype),
            "rewards": ((num_envs,), np.dtype(np.float64)),
            "terminated": ((num_envs,), np.dtype(np.bool_)),
            "truncated": ((num_envs,), np.dtype(np.bool_)),
        }
        shared = {
            name: (_SPAWN.RawArray("b", int(np.prod(shape)) * dtype.itemsize), shape, dtype)
            for name, (shape, dtype) in layout.items()
        }
        self._arrays = _as_arrays(shared)
        self._connections: list[Connection] = []
        self._processes = []
        bounds = np.linspace(0, num_envs, num_workers + 1).astype(int)
        self._shares = [slice(int(first), int(last)) for first, last in pairwise(bounds)]
        for share in self._shares:
            ours, theirs = _SPAWN.Pipe()
            process = _SPAWN.Process(target=_work, args=(make_one, share, theirs, shared), daemon=True)
            with _blocked(_ASK_TO_STOP):  # the worker begins so, and ignores them as soon as it can
                process.start()
            theirs.close()
            self._connections.append(ours)
            self._processes.append(process)
        # multiprocessing ends daemons by SIGTERM and waits for them; before that, they are told to end.
        self._hang_up = Finalize(self, _hang_up, args=(self._connections,), exitpriority=0)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode everywhere; an int seeds sub-environment e with seed + e. Returns obs ``[num_envs, D]``."""
        seeds = list(seed) if isinstance(seed, Sequence) else one_per_env(seed, self.num_envs)
        self._request("reset", [(seeds[share], options) for share in self._shares])
        return self._arrays["obs"].copy(), {}

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Step everywhere with ``actions [num_envs, ...]``; returns as Gymnasium's ``SyncVectorEnv``."""
        self._arrays["actions"][:] = actions
        self._request("step", [None] * len(self._shares))
        obs, rewards, terminated, truncated = (
            self._arrays[name].copy() for name in ("obs", "rewards", "terminated", "truncated")
        )
        ended = terminated | truncated
        infos: dict[str, Any] = {}
        if ended.any():
            final_obs = np.full(self.num_envs, None, object)
            for e in np.flatnonzero(ended):
                final_obs[e] = self._arrays["final_obs"][e].copy()
            infos = {"final_obs": final_obs, "_final_obs": ended}
        return obs, rewards, terminated, truncated, infos

    def close_extras(self, **kwargs: Any) -> None:
        self._hang_up()
        for process in self._processes:
            process.join()

    def _request(self, command: str, data: list[Any]) -> None:
        for connection, item in zip(self._connections, data, strict=True):
            connection.send((command, item))
        failures = []
        for process, connection in zip(self._processes, self._connections, strict=True):
            try:
                failures.append(connection.recv())
            except EOFError:
                process.join()
                failures.append(f"a worker process ended with exit code {process.exitcode}")
        for failure in failures:
            if failure is not None:
                raise RuntimeError(f"an environment failed in a worker process:\n{failure}")


def _as_arrays(shared: dict[str, tuple[Any, tuple[int, ...], np.dtype]]) -> dict[str, np.ndarray]:
    return {name: np.frombuffer(raw, dtype).reshape(shape) for name, (raw, shape, dtype) in shared.items()}


def _hang_up(connections: list[Connection]) -> None:
    for connection in connections:
        with suppress(OSError):  # a worker that died has closed its end
            connection.send(("close", None))
        connection.close()


@contextmanager
def _blocked(signals: Sequence[signal.Signals]) -> Iterator[None]:
    """Hold signals back in this thread, and in processes that it starts."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(make_one: Callable[[], gym.Env], share: slice, connection: Connection, shared: dict[str, Any]) -> None:
    for signum in _ASK_TO_STOP:
        signal.signal(signum, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASK_TO_STOP)  # for processes that a task may start
    arrays = {name: array[share] for name, array in _as_arrays(shared).items()}
    envs: SyncVectorEnv | None = None
    while True:
        try:
            command, data = connection.recv()
        except EOFError:  # the parent is gone
            break
        if command == "close":
            break
        try:
            if envs is None:
                count = share.stop - share.start
                envs = SyncVectorEnv([make_one] * count, autoreset_mode=AutoresetMode.SAME_STEP)
            if command == "reset":
                seeds, options = data
                arrays["obs"][:], _ = envs.reset(seed=seeds, options=options)
            else:
                obs, rewards, terminated, truncated, infos = envs.step(arrays["actions"])
                arrays["obs"][:], arrays["rewards"][:] = obs, rewards
                arrays["terminated"][:], arrays["truncated"][:] = terminated, truncated
                for e in np.flatnonzero(terminated | truncated):
                    arrays["final_obs"][e] = infos["final_obs"][e]
            connection.send(None)
        except Exception:
            connection.send(traceback.format_exc())
    if envs is not None:
        envs.close()
