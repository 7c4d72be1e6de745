"""A Python with this folder on its path has no CPU affinity and no ``/proc``, as on macOS; so have those it starts."""

import os
import sys
from typing import Any


def refuse_proc(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: whoever opens or lists something below ``/proc`` is told that it does not exist."""
    if event in ("open", "os.listdir", "os.scandir") and str(arguments[0]).startswith("/proc"):
        raise FileNotFoundError(arguments[0])


del os.sched_getaffinity
sys.addaudithook(refuse_proc)
