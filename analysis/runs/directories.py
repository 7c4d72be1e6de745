"""Finding run directories and reading what each run was: its composed config and its run.json."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml

PROGRESS = "progress.csv"
INFO = "run.json"
CONFIG = Path(".hydra") / "config.yaml"

YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SECTION = re.compile(r"^(?=\w+:)", re.MULTILINE)
"""Where a key of the outermost mapping begins."""


class InputError(Exception):
    """A path that is not what it should be. Its text is one line: the path, what is wrong, what is allowed."""


class RunWarning(UserWarning):
    """Something about the runs that the reader of a figure has to know."""


@dataclass(frozen=True)
class Run:
    """One run directory: `info` is run.json, `config` the composed config with dotted keys."""

    path: Path
    info: Mapping[str, Any]
    config: Mapping[str, Any]

    @cached_property
    def algo(self) -> str:
        return str(self.info["algo"])

    @cached_property
    def env_id(self) -> str:
        return str(self.info["env_id"])

    @property
    def status(self) -> str:
        return str(self.info["status"])

    @property
    def progress(self) -> Path:
        return self.path / PROGRESS


def find_runs(paths: Iterable[str | os.PathLike[str]]) -> list[Run]:
    """Every run at or below `paths`, sorted by path, each once.

    A run is a directory with a run.json. Raises InputError for a path that does not exist or holds no run, and for
    a run whose files are missing or unreadable.
    """
    found: dict[Path, Run] = {}
    for given in map(Path, paths):
        if not given.exists():
            raise InputError(f"{given}: no such directory; give run directories or directories above them")
        root = given.parent if given.name == PROGRESS and given.is_file() else given
        if not root.is_dir():
            raise InputError(f"{given}: not a directory; give run directories or directories above them")
        directories = list(run_directories(root))
        if not directories:
            raise InputError(f"{given}: holds no run; a run is a directory with {INFO} and {PROGRESS}")
        for directory in directories:
            resolved = directory.resolve()
            if resolved not in found:
                found[resolved] = read_run(directory)
    return [found[path] for path in sorted(found)]


def run_directories(root: Path) -> Iterable[Path]:
    """Directories at or below `root` that hold a run's files; nothing below a run is looked at."""
    for directory, subdirectories, files in os.walk(root):
        if INFO in files or PROGRESS in files:
            subdirectories.clear()
            yield Path(directory)


def read_run(directory: Path) -> Run:
    """The run in `directory`. Raises InputError if its run.json or its config is missing or malformed."""
    info = read_mapping(directory / INFO, json.loads)
    for key in ("algo", "env_id", "status", "seeds", "iterations"):
        if key not in info:
            raise InputError(f"{directory / INFO}: has no {key!r}; it must be a run's own {INFO}")
    config = read_mapping(directory / CONFIG, parse_config)
    return Run(directory, info, dict(flatten(config)))


def read_mapping(path: Path, parse: Any) -> dict[str, Any]:
    try:
        content = parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; every run directory has this file") from None
    except (ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: torn or not a run's file ({reason}); a mapping is expected") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no mapping; it must be a run's own {path.name}")
    return content


def parse_config(text: str) -> Any:
    """The content of a YAML text. Raises YAMLError.

    Its sections are parsed one by one, as the configs of a sweep have most of them in common; a text that is not just
    one section below the other is parsed as a whole.
    """
    try:
        sections = [parse_section(section) for section in SECTION.split(text) if section]
    except yaml.YAMLError:
        sections = []
    if sections and all(isinstance(section, dict) and len(section) == 1 for section in sections):
        return {key: value for section in sections for key, value in section.items()}
    return yaml.load(text, Loader=YAML_LOADER)


@lru_cache(maxsize=1024)
def parse_section(text: str) -> Any:
    return yaml.load(text, Loader=YAML_LOADER)


def flatten(config: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Leaves of a nested mapping, with dotted keys."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
