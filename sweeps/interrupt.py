"""Signals that stop a run: it first finishes its iteration and writes a checkpoint."""

import multiprocessing
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

SHOW_CURSOR = "\x1b[?25h"


class Interrupt:
    """The signal that asked this process to stop: SIGINT, SIGTERM, or a cluster's warning before its time limit."""

    def __init__(self) -> None:
        self.received: int | None = None
        self.in_job = False
        self._directory: Path | None = None
        self._before: dict[int, Any] = {}

    @contextmanager
    def awaited(self, directory: Path) -> Iterator[None]:
        """Handle signals during a job in ``directory``; does nothing outside the main thread."""
        outermost = not self._before and threading.current_thread() is threading.main_thread()
        if outermost:
            self.install(directory)
        self.in_job = True
        try:
            yield
        finally:
            self.in_job = False
            if outermost:
                self.uninstall()

    def install(self, directory: Path) -> None:
        """Handle signals from now on; ``directory`` is the one to resume."""
        self._directory = directory
        signals = [signal.SIGINT, signal.SIGTERM]
        if callable(signal.getsignal(signal.SIGUSR2)):
            signals.append(signal.SIGUSR2)
        self._before = {signum: signal.signal(signum, self._take_note) for signum in signals}

    def uninstall(self) -> None:
        """Restore the former handlers; ``received`` stays set, so that no other job starts."""
        for signum, handler in self._before.items():
            signal.signal(signum, handler)
        self._before = {}

    def lives_on(self) -> bool:
        """Pass the signal on to the former handler, if there is one; return whether the run continues.

        Submitit requeues the job and exits on its own signal. It ignores SIGTERM, which it leaves to the scheduler.
        """
        assert self.received is not None
        handler = self._before[self.received]
        if not callable(handler) or handler is signal.default_int_handler:
            return False
        signum, self.received = self.received, None
        signal.signal(signal.SIGINT, self._take_note)
        handler(signum, None)
        return True

    def _take_note(self, signum: int, frame: FrameType | None) -> None:
        self.received = signum
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if self.in_job:
            message = "stopping after this iteration; Ctrl-C once more stops at once"
        else:
            message = "waiting for jobs to finish their iteration; Ctrl-C once more does not wait"
            if signum == signal.SIGTERM:  # a Ctrl-C reaches the workers of a launcher by itself
                for child in multiprocessing.active_children():
                    child.terminate()
        if self._directory is not None:  # printed now: a second Ctrl-C leaves no time for it
            message += f"\nto go on later: {resume_command(self._directory)}"
        start = f"{SHOW_CURSOR}\n" if os.isatty(2) else ""  # below a progress bar, which hides it
        os.write(2, f"{start}{message}\n".encode())  # print is not safe in a signal handler


interrupt = Interrupt()


def resume_command(directory: Path) -> str:
    """The command that resumes a run, a sweep or a study."""
    return f"seedbed resume {shlex.quote(str(directory))}"


def exit_interrupted(directory: Path) -> NoReturn:
    """Print how to resume, and exit with the status that shells give to an interrupted command."""
    assert interrupt.received is not None
    print(f"interrupted; to go on: {resume_command(directory)}", flush=True)
    sys.exit(128 + interrupt.received)
