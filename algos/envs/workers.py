"""Sub-environments spread over a few worker processes, each stepping its share one after the other.

Gymnasium's ``AsyncVectorEnv`` starts one process per sub-environment; S·N of those on a few cores mostly wait for each
other. Here the processes are as many as the cores, and the arrays of a step lie in shared memory. Where the policy can
be sent to them, they act as well: a rollout is then one message there and one back, and nobody waits for a step.
"""

import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize
from typing import Any

import gymnasium as gym
import numpy as np

from algos.envs.serial import SerialVectorEnv
from algos.envs.vector import Actor, EnvSteps, Layout, SameStepVectorEnv, seeds_of

_SPAWN = multiprocessing.get_context("spawn")  # a fork would inherit the state of compute threads without the threads
_ASK_TO_STOP = (signal.SIGINT, signal.SIGTERM)
"""Signals that a terminal or a scheduler sends to all processes of a run; they are the parent's to handle."""


class WorkerVectorEnv(SameStepVectorEnv):
    """``num_envs`` environments built by ``make_one`` (picklable) in ``num_workers`` processes.

    Each sub-environment depends on its own seed and actions only, so the results do not depend on ``num_workers``.
    Worker w has every ``num_workers``-th from w on. An exception in a worker is raised here as a RuntimeError. The
    workers live until ``close``, or until this process ends; SIGINT and SIGTERM do not end them.
    """

    def __init__(self, make_one: Callable[[], gym.Env], num_envs: int, num_workers: int) -> None:
        env = make_one()
        self.metadata = env.metadata
        limit = None if env.spec is None else env.spec.max_episode_steps
        super().__init__(env.observation_space, env.action_space, num_envs, limit)
        env.close()
        resource_tracker.ensure_running()  # as it starts, which the first worker would make it do, it unblocks signals
        self._connections: list[Connection] = []
        self._processes = []
        self._shares = [slice(worker, None, num_workers) for worker in range(num_workers)]
        for share in self._shares:
            ours, theirs = _SPAWN.Pipe()
            process = _SPAWN.Process(target=_work, args=(make_one, share, theirs, self._shared), daemon=True)
            with _blocked(_ASK_TO_STOP):  # the worker begins so, and ignores them as soon as it can
                process.start()
            theirs.close()
            self._connections.append(ours)
            self._processes.append(process)
        # multiprocessing ends daemons by SIGTERM and waits for them; before that, they are told to end.
        self._hang_up = Finalize(self, _hang_up, args=(self._connections,), exitpriority=0)

    def _allocate(self, layout: Layout) -> dict[str, np.ndarray]:
        self._shared = {
            name: (_SPAWN.RawArray("b", int(np.prod(shape)) * dtype.itemsize), shape, dtype)
            for name, (shape, dtype) in layout.items()
        }
        return _as_arrays(self._shared)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode everywhere; an int seeds sub-environment e with seed + e. Returns obs ``[num_envs, D]``."""
        seeds = seeds_of(seed, self.num_envs)
        self._ask("reset", [(seeds[share], options) for share in self._shares])
        return self.arrays["obs"].copy(), {}

    def step_arrays(self) -> None:
        self._ask("step", [()] * len(self._shares))

    def roll(self, actor: Actor, noise: np.ndarray) -> EnvSteps:
        actors = [actor.of(share) for share in self._shares]
        if None in actors:
            return super().roll(actor, noise)
        own_noise = [np.ascontiguousarray(noise[:, share]) for share in self._shares]
        return self._joined(self._ask("roll", list(zip(actors, own_noise, strict=True))))

    def close_extras(self, **kwargs: Any) -> None:
        self._hang_up()
        for process in self._processes:
            process.join()

    def _joined(self, parts: list[EnvSteps]) -> EnvSteps:
        """The steps of all, from those of each worker."""
        num_workers, whole = len(parts), {}
        for name in ("obs", "actions", "rewards", "terminated", "truncated"):
            one = getattr(parts[0], name)
            whole[name] = np.empty((len(one), self.num_envs, *one.shape[2:]), one.dtype)
            for share, part in zip(self._shares, parts, strict=True):
                whole[name][:, share] = getattr(part, name)
        places = [part.final_index * (1, num_workers) + (0, worker) for worker, part in enumerate(parts)]
        final_index, final_obs = np.concatenate(places), np.concatenate([part.final_obs for part in parts])
        order = np.lexsort(final_index.T[::-1])
        return EnvSteps(**whole, final_obs=final_obs[order], final_index=final_index[order])

    def _ask(self, command: str, data: list[Any]) -> list[Any]:
        """Send a command to all workers, each with its own data; their answers."""
        for connection, own in zip(self._connections, data, strict=True):
            with suppress(OSError):  # a worker that died has closed its end; that it does not answer will tell
                connection.send((command, own))
        answers, failures = [], []
        for process, connection in zip(self._processes, self._connections, strict=True):
            try:
                failure, answer = connection.recv()
            except (EOFError, ConnectionResetError):
                process.join()
                failure, answer = f"a worker process ended with exit code {process.exitcode}", None
            answers.append(answer)
            if failure is not None:
                failures.append(failure)
        if failures:
            raise RuntimeError(f"an environment failed in a worker process:\n{failures[0]}")
        return answers


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
    envs: SerialVectorEnv | None = None
    while True:
        try:
            command, data = connection.recv()
        except EOFError:  # the parent is gone
            break
        if command == "close":
            break
        failure, answer = None, None
        try:
            if envs is None:
                envs = SerialVectorEnv(make_one, len(arrays["obs"]), arrays)
            if command == "reset":
                seeds, options = data
                envs.reset(seed=seeds, options=options)
            elif command == "step":
                envs.step_arrays()
            else:
                answer = envs.roll(*data)
        except Exception:
            failure = traceback.format_exc()
        try:
            connection.send((failure, answer))
        except OSError:  # the parent left in the middle of a rollout
            break
    if envs is not None:
        envs.close()
