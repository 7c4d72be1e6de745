"""Runs of other programs: which files are logs, of which format, and of which variant, task and seed.

A format is a module with one class (logs.Reader), listed in READERS. A reader guesses nothing: the user says what a log
does not.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from analysis.readers.logs import Aggregates, Log, Reader, Request, Series
from analysis.readers.marl_eval import MarlEvalReader
from analysis.readers.patterns import EXAMPLE, FIELDS, Pattern
from analysis.readers.rliable import RliableReader
from analysis.readers.sb3 import SB3Reader
from analysis.readers.table import TableReader, table_logs
from analysis.readers.tensorboard import TensorBoardReader
from analysis.readers.wandb import HISTORY, WandbReader, ask
from analysis.run_format import ALGO, ENV_ID, INFO, PROGRESS, InputError

READERS: dict[str, Reader] = {
    reader.name: reader
    for reader in (
        WandbReader(),
        SB3Reader(),
        TensorBoardReader(),
        MarlEvalReader(),
        RliableReader(),
        TableReader(),
    )
}
"""The readers by name. The first that claims a file reads it."""

REPORT = frozenset({"report.html", "appendix.md"})
"""Files that mark the directory of a report. Its tables are no runs."""

SHOWN_FROM = 50
"""From this number of logs on, a progress bar is shown."""

FORMATS = "; ".join(f"{name}: {reader.looks_for}" for name, reader in READERS.items())

Given = str | os.PathLike[str] | pd.DataFrame


@dataclass(frozen=True)
class Reading:
    """What the user says about logs of other programs.

    Attributes:
        patterns: which part of a path is the variant, the task and the seed. The first pattern that matches a run
            holds.
        columns: names of columns and series in the logs, ours to theirs.
    """

    patterns: Sequence[Pattern] = ()
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """Files of one run, or one file of many runs: `names` in `directory`."""

    reader: Reader
    directory: Path
    names: Sequence[str]


@dataclass
class Found:
    """What lies at or below the given paths.

    Attributes:
        own: directories of seedbed's runs.
        sources: logs of other programs.
        frames: data frames.
        projects: projects of W&B.
    """

    own: list[Path] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    frames: list[pd.DataFrame] = field(default_factory=list)
    projects: list[str] = field(default_factory=list)


def find(paths: Iterable[Given], reading: Reading | None = None) -> Found:
    """Finds the runs and logs at or below `paths`.

    Raises:
        InputError: A path does not exist, or holds no run.
    """
    found = Found()
    for given in paths:
        if isinstance(given, pd.DataFrame):
            found.frames.append(given)
        else:
            find_at(os.fspath(given), reading or Reading(), found)
    each = {(source.directory.resolve(), *source.names): source for source in found.sources}
    return replace(found, sources=list(each.values()))


def place(given: Given) -> Path | None:
    """The path of something given. None if it does not lie on the disk."""
    if isinstance(given, pd.DataFrame):
        return None
    name, colon, rest = os.fspath(given).partition(":")
    if not colon or name not in READERS or Path(given).exists():
        return Path(given)
    return Path(rest) if name != "wandb" or Path(rest).exists() else None


def find_at(given: str, reading: Reading, found: Found) -> None:
    before = len(found.own) + len(found.sources)
    name, colon, rest = given.partition(":")
    explicit = bool(colon) and name in READERS and not Path(given).exists()
    if explicit and name == "wandb" and not Path(rest).exists():
        found.projects.append(rest)
        return
    path = Path(rest if explicit else given)
    readers = [READERS[name]] if explicit else list(READERS.values())
    if not path.exists():
        known = f" (formats of FORMAT:PATH: {', '.join(READERS)})" if colon and not explicit else ""
        raise InputError(f"{given}: no such directory{known}; expected: run directories or directories above them")
    if path.is_file() and path.name == PROGRESS and not explicit and is_own(path.parent, [PROGRESS]):
        found.own.append(path.parent)
    elif path.is_file():
        request = Request((), reading.columns, explicit)
        claimed = claim(readers, path.parent, [path.name], request)
        if not claimed:  # the user names this file, so a reader says what is wrong with it
            claimed = claim(readers, path.parent, [path.name], replace(request, explicit=True))
        found.sources += claimed
    else:
        search(path, readers, Request((), reading.columns, explicit), found)
    if len(found.own) + len(found.sources) == before:
        expected = f"{READERS[name].looks_for}" if explicit else f"directories with {INFO} and {PROGRESS}; or {FORMATS}"
        raise InputError(f"{given}: holds no run; expected: {expected}")


def search(root: Path, readers: Sequence[Reader], request: Request, found: Found) -> None:
    for where, subdirectories, files in os.walk(root):
        subdirectories.sort()
        directory = Path(where)
        if is_own(directory, files):
            subdirectories.clear()
            if not request.explicit:
                found.own.append(directory)
        elif not REPORT.issubset(files):
            found.sources += claim(readers, directory, sorted(files), request)


def is_own(directory: Path, names: Sequence[str]) -> bool:
    """Whether the files called `names` belong to a run of seedbed."""
    if INFO in names:
        return HISTORY not in names
    if PROGRESS not in names:
        return False
    with (directory / PROGRESS).open("rb") as file:
        start = file.readline(1000)
    return start.startswith(f"{ALGO},{ENV_ID}".encode()) or not start


def claim(readers: Sequence[Reader], directory: Path, names: Sequence[str], request: Request) -> list[Source]:
    sources: list[Source] = []
    left = list(names)
    for reader in readers:
        if reader.whole_directory and any(source.reader.whole_directory for source in sources):
            continue  # one run has several logs of the same; the first reader's are the most exact
        for own in reader.claims(directory, left, request):
            sources.append(Source(reader, directory, own))
            left = [name for name in left if name not in own]
    return sources


def read_logs(
    found: Found, wanted: Sequence[str] | None, reading: Reading, open_facts: bool = False
) -> tuple[list[Log], list[Aggregates]]:
    """Every run of other programs, with variant, task and seed in `facts`; and the tables without seeds.

    Args:
        found: what find found.
        wanted: series to read. None: all.
        reading: what the user says about the logs.
        open_facts: whether a run may lack its variant, task or seed.

    Raises:
        InputError: A log cannot be read, or nothing says what a run is.
    """
    logs: list[Log] = []
    aggregates: list[Aggregates] = []
    request = Request(wanted, reading.columns)
    for log in read_each(found, request):
        if isinstance(log, Aggregates):
            aggregates.append(log)
        else:
            logs.append(log)
    return described_runs(logs, reading, open_facts), aggregates


def read_each(found: Found, request: Request) -> Iterator[Log | Aggregates]:
    for source in shown(found.sources):
        yield from source.reader.read(source.directory, source.names, request)
    for number, frame in enumerate(found.frames, start=1):
        name = "data frame" if len(found.frames) == 1 else f"data frame {number}"
        yield from table_logs(Path(name), frame, request)
    for project in found.projects:
        yield from ask(project, request)


def shown(sources: Sequence[Source]) -> Iterable[Source]:
    """The sources. Where there are many, a progress bar on a terminal shows how many are read."""
    if len(sources) < SHOWN_FROM:
        return sources
    from rich.console import Console  # takes its time to start
    from rich.progress import track

    return track(sources, "Reading logs", console=Console(stderr=True), transient=True)


def described_runs(logs: Sequence[Log], reading: Reading, open_facts: bool) -> list[Log]:
    """The same runs with variant, task and seed: from the pattern that matches, or from the log itself."""
    matches: list[Mapping[str, str]] = []
    matched = set()
    for log in logs:
        found = ((pattern, pattern.match(log.path.as_posix())) for pattern in reading.patterns)
        pattern, fields = next(((pattern, fields) for pattern, fields in found if fields is not None), (None, {}))
        matched.add(pattern)
        matches.append(fields)
    for pattern in reading.patterns:
        if pattern not in matched:
            example = f", such as {logs[0].path.as_posix()}" if logs else ""
            raise InputError(f"--pattern {pattern.text}: no run matches; expected: the end of a run's path{example}")
    described = []
    for log, fields in zip(logs, matches, strict=True):
        facts = {**log.facts, **fields}
        missing = [name for name in FIELDS if name not in facts]
        if missing and not open_facts:
            hint = "" if reading.patterns else f", as in --pattern '{EXAMPLE}'"
            raise InputError(
                f"{log.path}: nothing says its {' and '.join(missing)}; expected: --pattern with "
                f"{' and '.join(f'{{{name}}}' for name in missing)}{hint}"
            )
        if "seed" in facts:
            facts["seed"] = whole_seed(log, facts["seed"])
        described.append(replace(log, facts={name: facts[name] for name in FIELDS if name in facts}))
    return described


def whole_seed(log: Log, seed: object) -> int:
    try:
        number = int(str(seed))
    except ValueError:
        number = -1
    if not 0 <= number < 2**63:
        raise InputError(f"{log.path}: seed={seed!r}; expected: a whole number from 0")
    return number


__all__ = ["READERS", "Aggregates", "Found", "Log", "Pattern", "Reading", "Series", "find", "place", "read_logs"]
