"""The lock of a run's directory: only one process may train a run, and others can see whether it is alive."""

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
    """Lock a run's directory; the system releases the lock when this process ends, even if it is killed.

    Raises:
        InputError: Another process holds the lock.
    """
    with (directory / LOCK).open("a") as file:
        for attempt in range(10):  # `is_alive` in another process holds the lock for a moment
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if attempt == 9:
                    raise InputError(
                        f"{directory}: another process is training this run; expected: another directory, "
                        "or to wait until that process ends"
                    ) from None
                time.sleep(0.05)
        file.truncate(0)
        file.write(socket.gethostname())
        file.flush()
        yield


def is_alive(directory: Path, silent_seconds: float) -> bool:
    """Whether a process is training the run.

    Some file systems do not show the locks of other machines. A run of another machine counts as alive if it has
    written a file within the last ``silent_seconds``.
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
