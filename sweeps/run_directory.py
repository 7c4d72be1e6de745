"""The files of a run: what was composed, ``run.json``, ``progress.csv``, ``timing.csv`` and the checkpoint."""

import csv
import fcntl
import hashlib
import importlib.metadata
import io
import json
import os
import platform
import shlex
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
import yaml

from algos.core.checkpoint import CheckpointError, State, pack, unpack
from algos.core.loop import Iteration
from algos.machine import processor_name
from sweeps.errors import InputError

LEADING_COLUMNS = [
    "algo",
    "env_id",
    "seed",
    "iteration",
    "env_steps",
    "episodes",
    "episodic_return",
    "episodic_length",
    "status",
]
PACKAGES = ["seedbed", "torch", "numpy", "numba", "gymnasium", "hydra-core"]
MAY_DIFFER = ("resume", "checkpoint_interval", "threads", "logger")
"""Keys of the config that do not change what a run computes."""

INFO = "run.json"
PROGRESS = "progress.csv"
TIMING = "timing.csv"
TRACEBACK = "traceback.txt"
CONFIG = ".hydra/config.yaml"
CHECKPOINT = "checkpoint/state.safetensors"


def replace_file(path: Path, content: bytes) -> None:
    """Write a file beside, sync it and rename it: a reader sees the old or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace a JSON file as a whole."""
    replace_file(path, (json.dumps(content, indent=2) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """The content of a JSON file that holds a mapping.

    Raises:
        InputError: it does not.
    """
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); allowed: the file that sweeps.train wrote") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no mapping; allowed: the file that sweeps.train wrote")
    return content


def read_config(directory: Path) -> dict[str, Any]:
    """The config that the run in ``directory`` was started with, plain data.

    Raises:
        InputError: there is none.
    """
    path = directory / CONFIG
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read ({error}); allowed: the file that sweeps.train wrote") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no mapping; allowed: the file that sweeps.train wrote")
    return content


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a run directory against other processes; the system lets go of it when this process ends, however it does.

    Raises:
        InputError: another process holds it.
    """
    with (directory / ".lock").open("a") as file:
        for attempt in range(10):  # whoever only looks whether the run is alive holds it for a moment
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if attempt == 9:
                    raise InputError(f"{directory}: another process is training this run; allowed: one") from None
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
        with (directory / ".lock").open("r") as file:
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


def check_directory(directory: Path, content: Mapping[str, Any], resume: bool) -> None:
    """Whether a run with config ``content`` may start, or with ``resume`` go on, in ``directory``; changes nothing.

    Raises:
        InputError: it holds a run (a run of another config, a damaged one, one in progress), or cannot be written to.
    """
    held = [name for name in (INFO, PROGRESS) if (directory / name).exists()]
    if held and not resume:
        raise InputError(
            f"hydra.run.dir={directory}: holds a run already ({', '.join(held)}); "
            "allowed: a directory without one, or resume=true to go on with it"
        )
    check_writable(directory)
    if held:
        with locked(directory):
            RunFiles(directory, content)


def check_writable(directory: Path) -> None:
    """Whether files can be created in ``directory``, or it itself where it does not exist yet.

    Raises:
        InputError: they cannot.
    """
    try:
        existing = next(path for path in (directory, *directory.absolute().parents) if os.path.lexists(path))
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise InputError(f"hydra.run.dir={directory}: cannot be written to ({error.strerror})") from None


def differing_keys(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Where two configs differ, as ``key=old, now new``; keys that do not change what is computed are left out."""
    for key in sorted(old.keys() | new.keys()):
        name = f"{prefix}{key}"
        if name in MAY_DIFFER or (key in old and key in new and old[key] == new[key]):
            continue
        if isinstance(old.get(key), dict) and isinstance(new.get(key), dict):
            yield from differing_keys(old[key], new[key], f"{name}.")
        else:
            yield f"{name}={old.get(key, 'absent')!r}, now {new.get(key, 'absent')!r}"


def config_hash(content: Mapping[str, Any]) -> str:
    """A fingerprint of what is computed."""
    computed = {key: value for key, value in content.items() if key not in MAY_DIFFER}
    return hashlib.sha256(json.dumps(computed, sort_keys=True).encode()).hexdigest()[:16]


def _commit() -> str | None:
    source = Path(__file__).resolve().parent.parent
    command = ["git", "-C", str(source), "describe", "--always", "--dirty", "--abbrev=12", "--exclude", "*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _software() -> dict[str, Any]:
    """What computes: commit, versions and machine."""
    return {
        "commit": _commit(),
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in PACKAGES},
        "host": {"system": platform.platform(), "processor": processor_name(), "cores": os.cpu_count()},
    }


def describe(content: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """What ``run.json`` says of a run when it starts: who, what, with which versions, on what machine."""
    return {
        "status": "running",
        "algo": content["algo"]["name"],
        "env_id": content["env"]["id"],
        "seeds": list(range(content["seed"], content["seed"] + content["num_seeds"])),
        "iterations": content["iterations"],
        "failed_seeds": [],
        "config_hash": config_hash(content),
        "command": shlex.join(["python", "-m", "sweeps.train", *overrides]),
        **_software(),
    }


def _cell(value: Any) -> str:
    if isinstance(value, np.floating):
        if np.isnan(value):
            return ""
        return format(float(value), ".9g" if value.dtype == np.float32 else ".17g")
    return str(value)


def progress_rows(algo: str, env_id: str, seeds: Iterable[int], iteration: Iteration) -> list[dict[str, str]]:
    """The rows of one iteration, one per seed that took part, as they stand in ``progress.csv``."""
    broken = {failure.seed: failure.quantity for failure in iteration.failures}
    rows = []
    for index, seed in enumerate(seeds):
        if not iteration.running[index]:
            continue
        row = {"algo": algo, "env_id": env_id, "seed": str(seed), "iteration": str(iteration.number)}
        row["status"] = f"failed: {broken[seed]}" if seed in broken else "ok"
        row |= {name: _cell(values[index]) for name, values in iteration.stats.items()}
        rows.append(row)
    return rows


class TableWriter:
    """Appends rows to a CSV that begins empty; the header comes with the first row.

    Every append is complete before the next, or undone where the disk takes only a part of it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: list[str] | None = None
        self.size = 0
        self.digest = hashlib.sha256()

    @classmethod
    def continued(cls, path: Path, mark: Mapping[str, Any]) -> Self:
        """The table as it was at ``mark``; what was written after it goes with the next append.

        Raises:
            InputError: the file does not begin with the rows that were there at ``mark``.
        """
        table = cls(path)
        with path.open("rb") if path.exists() else io.BytesIO() as file:
            content = file.read(mark["bytes"])
        table.size = len(content)
        table.digest.update(content)
        if table.mark() != mark:
            raise InputError(f"{path}: not as its checkpoint left it; allowed: the file as the run wrote it")
        table.columns = next(csv.reader(content.decode().splitlines()), None)
        return table

    def mark(self) -> dict[str, Any]:
        """How much there is, and its SHA-256."""
        return {"bytes": self.size, "sha256": self.digest.hexdigest()}

    def whole_mark(self) -> dict[str, Any]:
        """The mark that the whole file has, with what came after the rows that this table goes on from."""
        content = self.path.read_bytes() if self.path.exists() else b""
        return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    def sync(self) -> None:
        """Have the system bring what was appended to the disk."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())

    def append(self, rows: list[dict[str, str]]) -> None:
        """Write rows that all have the same columns."""
        text = io.StringIO()
        if self.columns is None:
            leading = [name for name in LEADING_COLUMNS if name in rows[0]]
            self.columns = leading + [name for name in rows[0] if name not in leading]
            csv.writer(text, lineterminator="\n").writerow(self.columns)
        csv.DictWriter(text, self.columns, lineterminator="\n").writerows(rows)
        content = text.getvalue().encode()
        with self.path.open("ab", buffering=0) as file:
            file.truncate(self.size)  # a torn line, or rows after the checkpoint that the run goes on from
            try:
                written = 0
                while written < len(content):
                    written += file.write(content[written:])
            except OSError:
                file.truncate(self.size)
                raise
        self.size += len(content)
        self.digest.update(content)


class RunFiles:
    """The files of a run for the process that holds its lock: those of a new one, or those to go on from.

    ``info`` is the content of ``run.json``, empty in a new run; ``state`` is the trainer's in the checkpoint, None
    where there is none yet.
    """

    def __init__(self, directory: Path, content: Mapping[str, Any]) -> None:
        """Reads what is there; changes nothing.

        Raises:
            InputError: the directory holds a run of another config, or damaged files.
        """
        self.directory = directory
        self.info: dict[str, Any] = {}
        self.state: State | None = None
        self.progress = TableWriter(directory / PROGRESS)
        self.timing = TableWriter(directory / TIMING)
        if not (directory / INFO).exists():
            if (directory / PROGRESS).exists():
                raise InputError(
                    f"{directory}: has {PROGRESS} without {INFO}; allowed: a run's directory, or a new one"
                )
            return
        self.info = read_json(directory / INFO)
        differences = list(differing_keys(read_config(directory), content))
        if differences:
            raise InputError(
                f"{directory}: holds a run of another config ({'; '.join(differences)}); allowed: the same"
            )
        self._read_checkpoint()
        if self.finished and self.info["progress"] != self.progress.whole_mark():
            raise InputError(
                f"{directory / PROGRESS}: not what {INFO} says was written; allowed: the file as the run wrote it"
            )

    @property
    def finished(self) -> bool:
        """Whether every seed has been trained to its end, or to its failure."""
        return "progress" in self.info

    def start(self, content: Mapping[str, Any], description: dict[str, Any], hydra: Mapping[str, Any]) -> None:
        """The files of a run that begins: what was composed, and ``run.json``."""
        plain = {key: value for key, value in content.items() if key != "resume"}
        for name, part in {"config": plain, **hydra}.items():
            text = yaml.safe_dump(part, sort_keys=False, allow_unicode=True)
            replace_file(self.directory / ".hydra" / f"{name}.yaml", text.encode())
        self.update(**description)

    def go_on(self, iteration: int, resumes_episodes: bool) -> None:
        """Note in ``run.json`` that a run is resumed, by what, and whether its episodes are."""
        episodes = "continued" if resumes_episodes else "fresh"
        resumed = [*self.info.get("resumed", []), {"iteration": iteration, "episodes": episodes, **_software()}]
        self.info.pop("error", None)
        self.update(status="running", resumed=resumed)

    def update(self, **facts: Any) -> None:
        """Change ``run.json``."""
        self.info |= facts
        write_json(self.directory / INFO, self.info)

    def write_checkpoint(self, state: State) -> None:
        """Keep ``state`` and how far the tables are; rows reach the disk before the checkpoint that counts on them."""
        self.progress.sync()
        self.timing.sync()
        facts = {
            "config_hash": self.info["config_hash"],
            "failed_seeds": self.info["failed_seeds"],
            PROGRESS: self.progress.mark(),
            TIMING: self.timing.mark(),
        }
        replace_file(self.directory / CHECKPOINT, pack(state, facts))

    def _read_checkpoint(self) -> None:
        path = self.directory / CHECKPOINT
        try:
            self.state, facts = unpack(path.read_bytes())
            if facts["config_hash"] != self.info["config_hash"]:
                raise CheckpointError("of another run")
            self.info["failed_seeds"] = facts["failed_seeds"]
            self.progress = TableWriter.continued(self.directory / PROGRESS, facts[PROGRESS])
            self.timing = TableWriter.continued(self.directory / TIMING, facts[TIMING])
        except FileNotFoundError:
            self.info["failed_seeds"] = []
        except (CheckpointError, KeyError, TypeError, OSError) as error:
            raise InputError(
                f"{path}: {error}; allowed: a whole one, or none to train the run from its start"
            ) from None
