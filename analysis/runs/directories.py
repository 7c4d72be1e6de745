"""Run directories: finds them, and reads the composed config and run.json of each."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from analysis.run_format import (
    IN_PROGRESS,
    INFO,
    PROGRESS,
    PURPOSE,
    TEST,
    InputError,
    flatten,
    read_config,
    read_info,
    variant_settings,
)


class RunWarning(UserWarning):
    """Something about the runs that the reader of a figure must know."""


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        info: the content of run.json.
        config: the composed config, with dotted keys.
        format: name of the reader (readers.READERS) that read the logs of another program. Empty for a run of seedbed.
    """

    path: Path
    info: Mapping[str, Any]
    config: Mapping[str, Any]
    format: str = ""

    @cached_property
    def algo(self) -> str:
        return str(self.info["algo"])

    @cached_property
    def env_id(self) -> str:
        return str(self.info["env_id"])

    @cached_property
    def purpose(self) -> str:
        """Tuning or test. Old runs do not say it, and count as tests."""
        return str(self.info.get(PURPOSE, TEST))

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings that define the variant, and the purpose: runs that chose settings are no test of them."""
        return variant_settings(self.config) | {PURPOSE: self.purpose}

    @property
    def origin(self) -> str:
        """The program that wrote the run, and the series that is read."""
        return f"{self.format}: {', '.join(self.info['series'])}" if self.format else "seedbed"

    @property
    def status(self) -> str:
        return str(self.info["status"])

    @property
    def in_progress(self) -> bool:
        return self.status in IN_PROGRESS

    @property
    def progress(self) -> Path:
        return self.path / PROGRESS


def read_runs(directories: Iterable[Path]) -> list[Run]:
    """The runs in `directories`, sorted by path, each once.

    Raises:
        InputError: A run's files are missing or malformed.
    """
    found: dict[Path, Run] = {}
    for directory in directories:
        resolved = directory.resolve()
        if resolved not in found:
            found[resolved] = read_run(directory)
    return [found[path] for path in sorted(found)]


def find_runs(paths: Iterable[str | os.PathLike[str]]) -> list[Run]:
    """Every run of seedbed at or below `paths`, sorted by path, each once. A run is a directory with a run.json.

    Raises:
        InputError: A path does not exist or holds no run, or a run's files are missing or malformed.
    """
    found: list[Path] = []
    for given in map(Path, paths):
        if not given.exists():
            raise InputError(f"{given}: no such directory; expected: run directories or directories above them")
        root = given.parent if given.name == PROGRESS and given.is_file() else given
        if not root.is_dir():
            raise InputError(f"{given}: not a directory; expected: run directories or directories above them")
        directories = list(run_directories(root))
        if not directories:
            raise InputError(f"{given}: holds no run; expected: directories with {INFO} and {PROGRESS}")
        found += directories
    return read_runs(found)


def run_directories(root: Path) -> Iterable[Path]:
    """Directories at or below `root` that hold a run's files. Directories below a run are not searched."""
    for directory, subdirectories, files in os.walk(root):
        if INFO in files or PROGRESS in files:
            subdirectories.clear()
            yield Path(directory)


def read_run(directory: Path) -> Run:
    """The run in `directory`.

    Raises:
        InputError: Its run.json or its config is missing or malformed.
    """
    info = read_info(directory)
    for key in ("algo", "env_id", "status", "seeds", "iterations"):
        if key not in info:
            raise InputError(f"{directory / INFO}: has no {key!r}; expected: the {INFO} that seedbed train wrote")
    return Run(directory, info, dict(flatten(read_config(directory))))
