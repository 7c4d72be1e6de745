"""Reads Stable-Baselines3's logs: monitor.csv, evaluations.npz, progress.csv, and the folders of rl-baselines3-zoo."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.readers.files import load_arrays, read_numbers, read_text, whole_rows
from analysis.readers.logs import Log, Request, Series, restart_note, series, since_restart
from analysis.readers.names import EVALUATION_RETURN, LENGTH, RETURN, choose
from analysis.readers.settings import facts_of, read_yaml, settings_of
from analysis.run_format import InputError

MONITOR, EVALUATIONS, PROGRESS = "monitor.csv", "evaluations.npz", "progress.csv"
STEPS = "time/total_timesteps"
FILES = f"*.{MONITOR}, {EVALUATIONS} or {PROGRESS} of Stable-Baselines3"


class SB3Reader:
    """Reads Stable-Baselines3's logs. One directory is one run."""

    name = "sb3"
    looks_for = FILES
    whole_directory = True

    def claims(self, directory: Path, names: Sequence[str], request: Request) -> list[list[str]]:
        own = [name for name in names if name.endswith(MONITOR) or name == EVALUATIONS]
        if PROGRESS in names and (request.explicit or is_sb3_progress(directory / PROGRESS)):
            own.append(PROGRESS)
        return [own] if own else []

    def read(self, directory: Path, names: Sequence[str], request: Request) -> Iterable[Log]:
        found: dict[str, Series] = {}
        notes: list[str] = []
        facts, settings = zoo_settings(directory)
        monitors = sorted(name for name in names if name.endswith(MONITOR))
        if monitors:
            env_id, told = read_monitors([directory / name for name in monitors], found)
            notes += told
            if env_id is not None:
                facts = {"task": env_id, **facts}
        if EVALUATIONS in names:
            notes += read_evaluations(directory / EVALUATIONS, found)
        if PROGRESS in names:
            notes += read_sb3_progress(directory / PROGRESS, found)
        reach = max((int(each.env_steps[-1]) for each in found.values() if len(each.env_steps)), default=0)
        wanted = list(found) if request.wanted is None else request.wanted
        chosen = {name: theirs for name in wanted if (theirs := choose(found, name, request))}
        yield Log(
            directory,
            self.name,
            facts,
            {
                name: Series(theirs, found[theirs].env_steps, found[theirs].values, reach)
                for name, theirs in chosen.items()
            },
            list(found),
            settings,
            notes,
        )


def is_sb3_progress(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return STEPS.encode() in file.readline(100_000)
    except OSError:
        return False


def zoo_settings(directory: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Facts and settings from rl-baselines3-zoo's `args.yml` and `config.yml`. Empty where there are none.

    The files lie in the run's folder, or in the folder below it that is named after the environment.
    """
    for folder in (directory, *sorted(path for path in directory.iterdir() if path.is_dir())):
        if (folder / "args.yml").is_file() and (folder / "config.yml").is_file():
            arguments, config = read_yaml(folder / "args.yml"), read_yaml(folder / "config.yml")
            return facts_of(arguments), settings_of({**arguments, **config})
    return {}, {}


def read_monitors(paths: Sequence[Path], found: dict[str, Series]) -> tuple[str | None, list[str]]:
    """Adds returns and lengths of all episodes to `found`, and returns the task and notes.

    Each file is one environment of a vectorised one. These step together, so an episode ends at the env steps of its
    own file times the number of files. Where the files show that environments do not step together, episodes are sorted
    by the time of their end, and env steps are those of all episodes until then.
    """
    tables, tasks, starts, notes = [], [], [], []
    for path in paths:
        header, table, told = read_monitor(path)
        tables.append(table)
        notes += told
        starts.append(float(header.get("t_start", 0.0)))
        tasks.append(str(header.get("env_id")))
    known = sorted({task for task in tasks if task != "None"})
    if len(known) > 1:
        raise InputError(
            f"{paths[0].parent}: its monitor files are of {' and '.join(known)}; expected: one task per run"
        )
    filled = [table for table in tables if len(table)]
    longest = max((int(table["l"].max()) for table in filled), default=0)
    totals = [int(table["l"].sum()) for table in tables]
    together = max(totals) - min(totals) <= longest
    for table, start in zip(tables, starts, strict=True):
        table["end"] = table["t"] + start
        table["env_steps"] = table["l"].cumsum() * len(tables)
    rows = pd.concat(tables, ignore_index=True)
    if not together:
        rows = rows.sort_values("end", kind="stable")
        rows["env_steps"] = rows["l"].cumsum()
        notes.append(
            f"{paths[0].parent}: its monitor files are not of environments that step together; episodes are in the "
            "order of their end."
        )
    for name, column in ((RETURN, "r"), (LENGTH, "l")):
        found[name], told = series(paths[0].parent, name, rows["env_steps"], rows[column])
        notes += told
    return (known[0] if known else None), notes


def read_monitor(path: Path) -> tuple[Mapping[str, Any], pd.DataFrame, list[str]]:
    """The header of one monitor file, its episodes (r, l, t), and notes."""
    text = read_text(path)
    lines = text.splitlines()
    if not lines or not lines[0].startswith("#"):
        raise InputError(f"{path}: its first line is not #{{...}}; expected: a monitor file of Stable-Baselines3")
    try:
        header = json.loads(lines[0][1:])
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise InputError(f"{path}: its first line cannot be read; expected: #{{...}}, in JSON")
    text, notes = whole_rows(path, text)
    lines = text.splitlines()
    if len(lines) < 2:
        return header, pd.DataFrame({"r": [], "l": [], "t": []}), notes
    again = [line for line in lines[2:] if line.startswith("#")]
    if again:
        notes.append(f"{path} was restarted {len(again)} times; its episodes follow one another.")
    body = [lines[1], *(line for line in lines[2:] if not line.startswith("#") and line != lines[1])]
    table = read_numbers(path, "\n".join(body) + "\n", ["r", "l", "t"], "a monitor file")
    if (table["l"] < 1).any() or (table["l"] != np.floor(table["l"])).any():
        wrong = table.loc[(table["l"] < 1) | (table["l"] != np.floor(table["l"])), "l"].iloc[0]
        raise InputError(f"{path}: an episode has length l={wrong:g}; expected: whole numbers from 1")
    return header, table, notes


def read_evaluations(path: Path, found: dict[str, Series]) -> list[str]:
    """Adds the mean return of each evaluation to `found`, and returns notes."""
    arrays = load_arrays(path, ["timesteps", "results"])
    steps, results = arrays["timesteps"], arrays["results"]
    if steps.ndim != 1 or results.ndim != 2 or len(steps) != len(results) or not results.size:
        raise InputError(
            f"{path}: timesteps {list(steps.shape)} and results {list(results.shape)} do not fit; expected: "
            "[evaluations] and [evaluations, episodes]"
        )
    if not (np.issubdtype(steps.dtype, np.number) and np.issubdtype(results.dtype, np.number)):
        raise InputError(f"{path}: timesteps or results are {steps.dtype} and {results.dtype}; expected: numbers")
    kept = since_restart(steps)
    found[EVALUATION_RETURN], notes = series(path, EVALUATION_RETURN, steps[kept], results[kept].mean(axis=1))
    return notes + restart_note(path, kept)


def read_sb3_progress(path: Path, found: dict[str, Series]) -> list[str]:
    """Adds every number column to `found` that is not there already, and returns notes."""
    text, notes = whole_rows(path, read_text(path))
    table = read_numbers(path, text, [STEPS], "a progress.csv of Stable-Baselines3")
    steps = table[STEPS].to_numpy()
    kept = since_restart(steps)
    for name in table.columns.drop(STEPS):
        numbers = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=float)
        there = kept & ~np.isnan(numbers)
        if there.any() and name not in found:
            found[str(name)], told = series(path, str(name), steps[there], numbers[there])
            notes += told
    return notes + restart_note(path, kept)
