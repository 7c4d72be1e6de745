"""Commands of ``sweeps`` in processes of their own, forked from one that has imported everything to start at once."""

import importlib
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

# Only Linux promises that a process which has imported everything can fork.
SERVER = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
SERVER.set_forkserver_preload(
    ["sweeps.train", "sweeps.resume", "sweeps.status", "algos.envs.cartpole", "tests.sweeps.warm"]
)


def sizes(algo: str) -> tuple[str, ...]:
    """Overrides of a run whose iterations take milliseconds."""
    return (f"algo={algo}", "threads=1", "num_envs=2", "num_steps=8", "critic.update_epochs=2")


@dataclass(frozen=True)
class Ended:
    """How a command ended; ``status`` is negative where a signal ended it."""

    status: int
    out: str
    err: str

    def is_refusal(self) -> bool:
        """Exit status 2 and one line, without a traceback."""
        lines = self.err.splitlines()
        return self.status == 2 and len(lines) == 1 and lines[0].startswith("error: ")


class Command:
    """``python -m MODULE ARGUMENTS``, in a process group of its own."""

    def __init__(self, module: str, *arguments: object, file_size: int | None = None) -> None:
        self._files = tempfile.TemporaryDirectory()
        self._out, self._err = Path(self._files.name, "out"), Path(self._files.name, "err")
        command = [str(argument) for argument in arguments]
        self.process = SERVER.Process(target=_run, args=(module, command, self._out, self._err, file_size))
        self.process.start()

    def signal_group(self, signum: signal.Signals) -> None:
        """Send a signal to the process and those it has started, as a terminal or a scheduler does."""
        assert self.process.pid is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signum)

    def signal(self, signum: signal.Signals) -> None:
        """Send a signal to the process."""
        assert self.process.pid is not None
        with suppress(ProcessLookupError):  # it may have ended by itself
            os.kill(self.process.pid, signum)

    def err(self) -> str:
        """What it has said so far of what goes wrong."""
        return self._err.read_text() if self._err.exists() else ""

    def wait(self, seconds: float = 300.0) -> Ended:
        """Wait for the end."""
        self.process.join(seconds)
        assert self.process.exitcode is not None, "the command goes on and on"
        with self._files:
            return Ended(self.process.exitcode, self._out.read_text(), self._err.read_text())


def run(module: str, *arguments: object, file_size: int | None = None) -> Ended:
    """Run a command to its end."""
    return Command(module, *arguments, file_size=file_size).wait()


def train(*arguments: object) -> Ended:
    """Run ``python -m sweeps.train`` to its end."""
    return run("sweeps.train", *arguments)


def refusal(main: Callable[[list[str]], None], capsys: pytest.CaptureFixture, *arguments: object) -> str:
    """The line by which a command refuses that runs in this process."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    line = capsys.readouterr().err
    assert Ended(int(ended.value.code or 0), "", line).is_refusal(), line
    return line


def wait_until(true: Callable[[], bool], seconds: float = 300.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)


def num_rows(directory: Path) -> int:
    """Lines of a run's ``progress.csv``."""
    path = directory / "progress.csv"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def files_below(directory: Path) -> dict[str, bytes]:
    """Everything below a directory; the lock is not content."""
    paths = (path for path in directory.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(directory)): path.read_bytes() for path in paths}


def _run(module: str, arguments: list[str], out: Path, err: Path, file_size: int | None) -> None:
    os.setpgid(0, 0)
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY), number)
    if file_size is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    sys.argv = [module, *arguments]
    importlib.import_module(module).main()
