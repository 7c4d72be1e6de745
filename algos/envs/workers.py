"""A vector environment that divides its environments among a few worker processes.

Gymnasium's ``AsyncVectorEnv`` starts one process per environment. With many environments on a few cores these processes
mostly wait for each other. Here there is one process per core, and the arrays of a step lie in shared memory. If the
policy can be sent to the workers, they choose the actions too: then a whole rollout takes one message to each worker
and one back.
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
from algos.envs.vector import Actor, EnvSteps, Layout, SameStepVectorEnv, divided, joined

_SPAWN = multiprocessing.get_context("spawn")  # a fork would copy the locks of compute threads without the threads
_ASK_TO_STOP = (signal.SIGINT, signal.SIGTERM)
"""Signals that a terminal or a scheduler sends to all processes of a run. Only the parent handles them."""


class WorkerVectorEnv(SameStepVectorEnv):
    """``num_envs`` environments of ``make_one`` (picklable) in ``num_workers`` processes.

    A sub-environment depends only on its own seed and actions, so results do not depend on ``num_workers``. Worker w
    steps sub-environments w, w + ``num_workers``, and so on. The workers end at ``close`` or with this process, and
    ignore SIGINT and SIGTERM.

    Raises:
        RuntimeError: From any method, if an environment raised an error in a worker or a worker ended.
    """

    def __init__(self, make_one: Callable[[], gym.Env], num_envs: int, num_workers: int) -> None:
        env = make_one()
        self.metadata = env.metadata
        limit = None if env.spec is None else env.spec.max_episode_steps
        super().__init__(env.observation_space, env.action_space, num_envs, limit)
        env.close()
        resource_tracker.ensure_running()  # its start unblocks signals, so it must not happen below
        self._connections: list[Connection] = []
        self._processes = []
        self._shares = [slice(worker, None, num_workers) for worker in range(num_workers)]
        for share in self._shares:
            ours, theirs = _SPAWN.Pipe()
            process = _SPAWN.Process(target=_work, args=(make_one, share, theirs, self._shared), daemon=True)
            with _blocked(_ASK_TO_STOP):  # the worker inherits this until it ignores the signals
                process.start()
            theirs.close()
            self._connections.append(ours)
            self._processes.append(process)
        # At exit, multiprocessing sends SIGTERM, which workers ignore, and waits. So tell them to end before that.
        self._hang_up = Finalize(self, _hang_up, args=(self._connections,), exitpriority=0)

    def _allocate(self, layout: Layout) -> dict[str, np.ndarray]:
        self._shared = {
            name: (_SPAWN.RawArray("b", int(np.prod(shape)) * dtype.itemsize), shape, dtype)
            for name, (shape, dtype) in layout.items()
        }
        return _as_arrays(self._shared)

    def reset_arrays(self, seeds: list[int | None], options: dict[str, Any] | None) -> None:
        self._ask("reset", [(seeds[share], options) for share in self._shares])

    def step_arrays(self) -> None:
        self._ask("step", [()] * len(self._shares))

    def roll(self, actor: Actor, noise: np.ndarray) -> EnvSteps:
        parts = divided(actor, noise, self._shares)
        if parts is None:
            return super().roll(actor, noise)
        return joined(self._ask("roll", parts), self._shares, self.num_envs)

    def close_extras(self, **kwargs: Any) -> None:
        self._hang_up()
        for process in self._processes:
            process.join()

    def _ask(self, command: str, data: list[Any]) -> list[Any]:
        """Send a command with each worker's data. Returns the workers' answers."""
        for connection, own in zip(self._connections, data, strict=True):
            with suppress(OSError):  # a dead worker has closed its end; recv reports it below
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
        with suppress(OSError):  # a dead worker has closed its end
            connection.send(("close", None))
        connection.close()


@contextmanager
def _blocked(signals: Sequence[signal.Signals]) -> Iterator[None]:
    """Block signals in this thread and in the processes that it starts."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(make_one: Callable[[], gym.Env], share: slice, connection: Connection, shared: dict[str, Any]) -> None:
    """Answer the parent's commands until it closes the connection."""
    for signum in _ASK_TO_STOP:
        signal.signal(signum, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASK_TO_STOP)  # for processes that a task may start
    arrays = {name: array[share] for name, array in _as_arrays(shared).items()}
    envs: SerialVectorEnv | None = None
    while True:
        try:
            command, data = connection.recv()
        except EOFError:  # the parent ended
            break
        if command == "close":
            break
        failure, answer = None, None
        try:
            if envs is None:
                envs = SerialVectorEnv(make_one, len(arrays["obs"]), arrays)
            if command == "reset":
                envs.reset_arrays(*data)
            elif command == "step":
                envs.step_arrays()
            else:
                answer = envs.roll(*data)
        except Exception:
            failure = traceback.format_exc()
        try:
            connection.send((failure, answer))
        except OSError:  # the parent ended during a rollout
            break
    if envs is not None:
        envs.close()
