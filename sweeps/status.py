"""Show the progress of the jobs of a sweep: ``seedbed status DIR``."""

import argparse
import csv
import os
import re
import shlex
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from analysis.run_format import INFO, RECORD, SWEEP, TIMING, read_json
from sweeps.errors import InputError, exit_with
from sweeps.lock import is_alive
from sweeps.sweep_directory import read_jobs

REFRESH_SECONDS = 2.0
WIDE = 100  # columns of a terminal that has room for the speed
SILENT_SECONDS = 60.0
"""A run on another machine counts as stopped if it wrote nothing for this long, and for three iterations."""

STATES = ("failed", "stopped", "interrupted", "running", "waiting", "complete")
"""Most urgent first. ``stopped``: the process was killed, or its machine is gone."""


@dataclass(frozen=True)
class Job:
    """The state of a job at one moment."""

    name: str
    label: str
    state: str
    iteration: int
    iterations: int
    seconds_per_iteration: float | None
    env_steps_per_second: float | None
    trouble: str

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the end at the present speed; None if the speed is not known."""
        if self.seconds_per_iteration is None:
            return None
        return (self.iterations - self.iteration) * self.seconds_per_iteration


class Tree:
    """The jobs at and below a directory; a job that has ended is read once."""

    def __init__(self, root: Path) -> None:
        """
        Raises:
            InputError: There is no such directory.
        """
        if not root.is_dir():
            raise InputError(f"{root}: no such directory; expected: the directory of a run, of a sweep, or above them")
        self.root = root
        self.ended: dict[Path, tuple[int, Job]] = {}

    def jobs(self) -> list[Job]:
        """The present state of every job, including listed jobs that have not started."""
        return [self._job(directory, listed, begun) for directory, listed, begun in self._found()]

    def _found(self) -> Iterator[tuple[Path, dict[str, Any] | None, bool]]:
        """Yield each job's directory, its entry in ``sweep.json`` if there is one, and whether it has started."""
        listed: dict[Path, dict[str, Any]] = {}
        for path, subdirectories, files in os.walk(self.root):
            directory = Path(path)
            subdirectories.sort(key=_by_number)
            if SWEEP in files:
                listed |= {directory / job["directory"]: job for job in read_jobs(directory)}
            if INFO in files or directory in listed:
                subdirectories.clear()
            if INFO in files:
                yield directory, listed.pop(directory, None), True
        yield from ((directory, job, False) for directory, job in listed.items())

    def _job(self, directory: Path, listed: dict[str, Any] | None, begun: bool) -> Job:
        name = str(directory.relative_to(self.root)) if directory != self.root else directory.name
        own = " ".join(listed["overrides"]) if listed is not None else ""
        if listed is not None and not begun:
            label = own or _label(listed, listed["num_seeds"])
            return Job(name, label, "waiting", 0, listed["iterations"], None, None, "")
        changed = (directory / INFO).stat().st_mtime_ns
        if directory in self.ended and self.ended[directory][0] == changed:
            return self.ended[directory][1]
        job = _read_job(directory, name, own)
        if job.state not in ("running", "stopped"):
            self.ended[directory] = (changed, job)
        return job


def _by_number(name: str) -> tuple[int, str]:
    number = name.split("-")[0]
    return (int(number) if number.isdecimal() else -1, name)


def _label(info: dict[str, Any], num_seeds: int) -> str:
    return f"{info['algo']} on {info['env_id']}, {num_seeds} seed{'s' if num_seeds > 1 else ''}"


def _read_job(directory: Path, name: str, own: str) -> Job:
    info = read_json(directory / INFO)
    try:
        label, state, iterations = own or _label(info, len(info["seeds"])), info["status"], info["iterations"]
        trouble = [f"seed {x['seed']}: {x['quantity']} at iteration {x['iteration']}" for x in info["failed_seeds"]]
    except (KeyError, TypeError):
        raise InputError(f"{directory / INFO}: not a run's; expected: the file that seedbed train wrote") from None
    if "error" in info:
        trouble.append(info["error"])
    if state == "complete":
        return Job(name, label, state, iterations, iterations, None, None, "")
    iteration, seconds, speed = _last_iterations(directory / TIMING)
    if state == "running" and not is_alive(directory, max(SILENT_SECONDS, 3 * (seconds or 0.0))):
        state = "stopped"
    return Job(name, label, state, iteration, iterations, seconds, speed, "; ".join(trouble))


def _last_iterations(path: Path) -> tuple[int, float | None, float | None]:
    """The number of finished iterations, and the median seconds and speed of the last ten."""
    try:
        with path.open("rb") as file:
            header = file.readline().decode().strip().split(",")
            file.seek(max(file.tell(), os.fstat(file.fileno()).st_size - 2000))
            lines = file.read().decode().splitlines(keepends=True)
    except OSError:
        return 0, None, None
    rows = [row for row in csv.reader(line for line in lines if line.endswith("\n")) if len(row) == len(header)]
    try:
        parsed = [{name: float(cell) for name, cell in zip(header, row, strict=True)} for row in rows[-10:]]
        middle = {name: statistics.median(row[name] for row in parsed) for name in ("seconds", "env_steps_per_second")}
        return int(parsed[-1]["iteration"]) + 1, middle["seconds"], middle["env_steps_per_second"]
    except (ValueError, KeyError, IndexError, statistics.StatisticsError):
        return 0, None, None


def duration(seconds: float) -> str:
    """A duration in a readable unit."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def summary(jobs: Sequence[Job]) -> str:
    """One line: the number of jobs in each state, and the time left."""
    counts = Counter(job.state for job in jobs)
    parts = [f"{counts[state]} {state}" for state in reversed(STATES) if counts[state]]
    running = [job for job in jobs if job.state == "running" and job.seconds_left is not None]
    if running:
        of_running = sum(job.seconds_left or 0.0 for job in running)
        whole = statistics.median(job.iterations * (job.seconds_per_iteration or 0.0) for job in running)
        left = (of_running + whole * counts["waiting"]) / len(running)
        parts.append(f"about {duration(max(left, max(job.seconds_left or 0.0 for job in running)))} left")
    return ", ".join(parts) if parts else "no jobs"


def _number(name: str) -> str:
    """The directory of a job, cut after its number."""
    above, slash, own = name.rpartition("/")
    return above + slash + own.split("-")[0] if _by_number(own)[0] >= 0 else name


def _short_keys(label: str) -> str:
    return re.sub(r"(?<!\S)[\w./@+~-]*[./](?=\w+=)", "", label)


def _values(label: str) -> str:
    return re.sub(r"(?<!\S)[\w./@+~-]+=", "", label)


def _names_and_labels(jobs: Sequence[Job], room: int) -> tuple[list[str], list[str]]:
    """The names and labels of jobs, in the longest form that fits into ``room`` columns."""
    names, labels = [job.name for job in jobs], [job.label for job in jobs]
    numbers = [_number(name) for name in names]
    forms = [
        (names, labels),
        (names, [_short_keys(label) for label in labels]),
        (numbers, [_short_keys(label) for label in labels]),
        (numbers, [_values(label) for label in labels]),
    ]
    if len(set(numbers)) < len(numbers):
        forms = forms[:2]
    fits = (form for form in forms if max(len("job"), *map(len, form[0])) + 2 + max(map(len, form[1])) <= room)
    return next(fits, forms[-1])


def table(jobs: Sequence[Job], most: int, width: int) -> Group:
    """A table of at most ``most`` jobs, the most urgent first, and the summary."""
    shown = sorted(jobs, key=lambda job: STATES.index(job.state))[:most]
    left = [job.seconds_left if job.state == "running" else None for job in shown]
    columns = {
        "state": [job.state for job in shown],
        "iteration": [f"{job.iteration}/{job.iterations}" for job in shown],
        "time left": ["" if seconds is None else duration(seconds) for seconds in left],
    }
    if width >= WIDE:
        speeds = [job.env_steps_per_second for job in shown]
        columns["env steps/s"] = ["" if speed is None else f"{speed:,.0f}" for speed in speeds]
    columns = {heading: cells for heading, cells in columns.items() if any(cells)}
    room = width - sum(2 + max(map(len, [heading, *cells])) for heading, cells in columns.items())
    lines: list[Any] = []
    if shown:
        names, labels = _names_and_labels(shown, room)
        longest = max(len("job"), *map(len, names))
        name_room = min(longest, max(room * 4 // 7, 8))
        grid = Table(box=None, pad_edge=False, header_style="bold")
        grid.add_column("job", no_wrap=True, overflow="ellipsis", max_width=name_room)
        grid.add_column("", no_wrap=True, overflow="ellipsis", max_width=max(room - name_room - 2, 6))
        for heading in columns:
            grid.add_column(heading, no_wrap=True)
        for name, label, *cells in zip(names, labels, *columns.values(), strict=True):
            grid.add_row(Text(name), Text(label), *cells)
        lines.append(grid)
    if len(jobs) > len(shown):
        lines.append(f"… and {len(jobs) - len(shown):,} more")
    lines += [Text(f"{job.name}: {job.trouble}") for job in shown if job.trouble]
    return Group(*lines, summary(jobs))


def console_for_output() -> Console:
    """A console as wide as the terminal, or 200 columns wide for a file."""
    return Console(width=None if sys.stdout.isatty() else 200, highlight=False)


def outcome(sweep: Path) -> int:
    """Print how the jobs of a sweep ended; return 0 if all are complete, otherwise 1."""
    jobs = Tree(sweep).jobs()
    console = console_for_output()
    console.print(table(jobs, max(20, sum(job.state != "complete" for job in jobs)), console.width))
    if any(job.state == "complete" for job in jobs):
        print(f"to compare them: seedbed compare {shlex.quote(str(sweep))} --out {shlex.quote(str(sweep / 'figures'))}")
    return int(any(job.state != "complete" for job in jobs))


def study(directory: Path) -> list[Text]:
    """The answers of a planned study and its open questions; nothing for another directory."""
    if not (directory / RECORD).exists():
        return []
    from sweeps.study.status import told  # late: it takes the statistics of the analysis

    return [*map(Text, told(directory)), Text("")]


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(prog="seedbed status", description=__doc__)
    result.add_argument(
        "directory",
        type=Path,
        metavar="DIR",
        help="the directory of a run, a sweep or a study, or a directory above them",
    )
    result.add_argument("--once", action="store_true", help="print once and exit")
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Show the jobs until Ctrl-C, or once."""
    parsed = parser().parse_args(arguments)
    try:
        tree = Tree(parsed.directory)
        if parsed.once or not sys.stdout.isatty():
            jobs, console = tree.jobs(), console_for_output()
            console.print(Group(*study(parsed.directory), table(jobs, len(jobs), console.width)))
            return
        with Live(console=Console(highlight=False), auto_refresh=False, screen=True) as live:
            while True:
                jobs, size = tree.jobs(), live.console.size
                lines = study(parsed.directory)
                room = max(size.height - 4 - len(lines), 1)
                live.update(Group(*lines, table(jobs, room, size.width)), refresh=True)
                time.sleep(REFRESH_SECONDS)
    except KeyboardInterrupt:
        return
    except InputError as error:
        exit_with(error)


if __name__ == "__main__":
    main()
