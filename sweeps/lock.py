"""The lock of a run directory: one process trains a run, and others can tell whether it is alive."""

import fcntl
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analysis.run_format import INFO, LOCK, TIMING
from sweeps.errors import InputError


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a run directory against other processes; the system lets go of it when this process ends, however it does.

    Raises:
        InputError: another process holds it.
    """
    with (directory / LOCK).open("a") as file:
        for attempt in range(10):  # whoever only looks whether the run is alive holds it for a moment
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if attempt == 9:
                    raise InputError(
                        f"{directory}: another process is training this run; expected: to wait, or another directory"
                    ) from None
                time.sleep(0.05)
        file.truncate(0)
        file.write(socket.gethostname())
        file.flush()
        yield


def is_alive(directory: Path, silent_seconds: float) -> bool:
    """Whether a process holds the run.

    Not every file system shows the locks of other machines: a run of theirs lives while it writes at least every
    ``silent_seconds``.
    """
    try:
        with (directory / LOCK).open("r") as file:
            host = file.read()
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    if host == socket.gethostname():
        return False
    written = [path.stat().st_mtime for path in (directory / INFO, directory / TIMING) if path.exists()]
    return time.time() - max(written, default=0.0) < silent_seconds
