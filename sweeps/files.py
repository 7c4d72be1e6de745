"""Replace files atomically."""

import json
import os
import socket
from pathlib import Path
from typing import Any


def replace_file(path: Path, content: bytes) -> None:
    """Write a new file, sync it and rename it over the old one: a reader never sees half a file.

    Processes may replace the same file at the same time, on different machines too; the last one wins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{socket.gethostname()}-{os.getpid()}.new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace a JSON file atomically."""
    replace_file(path, (json.dumps(content, indent=2) + "\n").encode())
