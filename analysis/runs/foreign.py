"""Logs of other programs as runs, with their seeds on common env steps, and notes for the reader of the report."""

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.numbers import listed
from analysis.numbers import steps as shortened
from analysis.readers.logs import Log, Series
from analysis.readers.names import AVERAGED, EVALUATION, EVALUATION_RETURN, RETURN, TRAINING, kind
from analysis.run_format import OK, STATUS, InputError
from analysis.runs.directories import Run

INTERVALS = 100
"""Largest number of intervals for the values of seeds that do not share their env steps."""

ROUND = (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


@dataclass(frozen=True)
class ForeignRun:
    """A run of another program and its rows: status, seed, iteration, env_steps and the metrics."""

    run: Run
    table: pd.DataFrame


def foreign_runs(logs: Sequence[Log], wanted: Sequence[str]) -> tuple[list[ForeignRun], list[str], list[str]]:
    """The runs in `logs`, notes for the reader, and the rules by which env steps were made common, one sentence each.

    Raises:
        InputError: A log does not have a metric, or two logs are of one seed.
    """
    logs = with_metrics(logs, wanted)
    notes = list(dict.fromkeys(note for log in logs for note in log.notes))
    tables: dict[int, pd.DataFrame] = {}
    rules = []
    for (variant, task), group in grouped(logs, lambda log: (log.facts["variant"], log.facts["task"])).items():
        columns: list[list[pd.DataFrame]] = [[] for _ in group]
        for metric in wanted:
            given = [log.series[metric] for log in group]
            common, rule, note = on_common_steps(given)
            if rule:
                rules.append(f"{variant} on {task}, from logs of {group[0].format}: {rule}")
            if note:
                notes.append(f"{variant} on {task}: {note}")
            for column, each in zip(columns, common, strict=True):
                column.append(frame_of(each, metric))
        tables |= {id(log): joined(column) for log, column in zip(group, columns, strict=True)}
    runs = []
    for members in grouped(logs, lambda log: (log.path, log.facts["variant"], log.facts["task"])).values():
        runs.append(run_of(members, [tables[id(log)] for log in members]))
    return runs, notes, list(dict.fromkeys(rules))


def grouped(logs: Iterable[Log], key: Callable[[Log], Hashable]) -> dict[Any, list[Log]]:
    groups: dict[Any, list[Log]] = defaultdict(list)
    for log in logs:
        groups[key(log)].append(log)
    return groups


def with_metrics(logs: Sequence[Log], wanted: Sequence[str]) -> list[Log]:
    """The logs that have every metric. Other logs must be of seeds that one of these covers."""
    whole = [log for log in logs if all(metric in log.series for metric in wanted)]
    told = {tuple(log.facts.values()) for log in whole}
    for log in logs:
        if tuple(log.facts.values()) not in told:
            metric = next(metric for metric in wanted if metric not in log.series)
            raise InputError(f"{log.path}: {without(log, metric)}")
    return whole


def without(log: Log, metric: str) -> str:
    """Why a log cannot be compared on `metric`, and what to do."""
    names = listed(log.names, 12)
    if metric == RETURN and any(kind(name) == EVALUATION for name in log.names):
        return (
            f"has returns of evaluations, and none of training ({names}); expected: --metric {EVALUATION_RETURN}, with "
            f"--column {EVALUATION_RETURN}=NAME where others call it NAME"
        )
    return f"has no {metric} but {names}; expected: --metric NAME, or --column {metric}=NAME"


# Common env steps.


def on_common_steps(given: Sequence[Series]) -> tuple[list[Series], str, str]:
    """The seeds of one variant on one task at common env steps, with a rule and a note.

    Env steps are common if those of every seed are the first ones of the longest seed. Otherwise they are put into
    intervals of one width; the value of an interval is the mean of its values, and the rule says so. The note says if a
    seed has several values at one step.
    """
    several = sum(int((np.diff(each.env_steps) == 0).sum()) for each in given)
    once = [mean_at_each_step(each) for each in given]
    longest = max(once, key=lambda each: len(each.env_steps)).env_steps
    if all(np.array_equal(each.env_steps, longest[: len(each.env_steps)]) for each in once):
        note = f"{several:,} values share an env step with another value of their seed; their mean counts."
        return once, "", note if several else ""
    ends = edges([each.env_steps for each in once])
    rule = (
        f"its seeds have values at different env steps; they are averaged in {len(ends)} intervals of "
        f"{shortened(float(ends[0]))} env steps, the last up to {ends[-1]:,}. An interval without a value is empty. "
        "After its last value, a seed counts as training for as long as its longest gap between two values."
    )
    return [in_intervals(each, whole, ends) for each, whole in zip(given, once, strict=True)], rule, ""


def mean_at_each_step(given: Series) -> Series:
    """A series with each env step once. The status is the worst."""
    where, index = np.unique(given.env_steps, return_inverse=True)
    if len(where) == len(given.env_steps):
        return given
    statuses = None
    if given.statuses is not None:
        statuses = np.full(len(where), OK, dtype=object)
        for place, status in zip(index, given.statuses, strict=True):
            if status != OK:
                statuses[place] = status
    return Series(given.name, where, mean_by(index, given.values, len(where)), given.reach, statuses)


def mean_by(index: np.ndarray, values: np.ndarray, length: int) -> np.ndarray:
    """Mean [length] of the values of each index. NaN where there is none."""
    known = np.isfinite(values)
    count = np.bincount(index[known], minlength=length)
    total = np.bincount(index[known], weights=values[known], minlength=length)
    return np.divide(total, count, out=np.full(length, np.nan), where=count > 0)


def edges(all_steps: Sequence[np.ndarray]) -> np.ndarray:
    """Ends of the intervals. The last interval ends with the longest seed.

    There are as many intervals as a seed has values (the median of the seeds), at most INTERVALS, and their width is a
    round number.
    """
    end = max(int(steps[-1]) for steps in all_steps if len(steps))
    count = int(np.clip(np.median([len(steps) for steps in all_steps]), 1, INTERVALS))
    size = max(1, math.ceil(end / count))
    power = 10 ** (len(str(size)) - 1)
    width = next(int(m * power) for m in ROUND if m * power >= size and m * power == int(m * power))
    return np.unique(np.append(np.arange(width, end, width), max(end, 1)))


def in_intervals(given: Series, once: Series, ends: np.ndarray) -> Series:
    """A seed's values averaged in the intervals up to its last env step."""
    if not len(given.env_steps):
        return given
    last = int(given.env_steps[-1])
    longest_gap = int(np.diff(once.env_steps, prepend=0).max())
    reached = min(max(given.reach, last + longest_gap), int(ends[-1]))
    failed = given.statuses is not None and given.statuses[-1] != OK
    count = int(np.searchsorted(ends, last if failed else reached)) + 1
    index = np.searchsorted(ends, given.env_steps)
    statuses = None
    if failed and given.statuses is not None:
        statuses = np.full(count, OK, dtype=object)
        statuses[-1] = given.statuses[-1]
    return Series(given.name, ends[:count], mean_by(index, given.values, count), given.reach, statuses)


# Tables and runs.


def frame_of(each: Series, metric: str) -> pd.DataFrame:
    statuses = np.full(len(each.env_steps), OK, dtype=object) if each.statuses is None else each.statuses
    return pd.DataFrame({"env_steps": each.env_steps, metric: each.values, STATUS: statuses})


def joined(columns: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The metrics of one seed side by side, by env steps."""
    table = columns[0]
    for other in columns[1:]:
        table = table.merge(other.drop(columns=STATUS), how="outer", on="env_steps")
    return table.fillna({STATUS: OK})


def run_of(members: Sequence[Log], tables: Sequence[pd.DataFrame]) -> ForeignRun:
    """The run of the seeds that lie at one path."""
    first = members[0]
    info = {
        "algo": first.facts["variant"],
        "env_id": first.facts["task"],
        "status": "running" if any(log.unfinished for log in members) else "complete",
        "seeds": [log.facts["seed"] for log in members],
        "iterations": 0,
        "unfinished": [log.facts["seed"] for log in members if log.unfinished],
        "pairing": first.pairing,
        "series": sorted({series.name for log in members for series in log.series.values()}),
    }
    rows = [
        table.assign(seed=log.facts["seed"], iteration=np.arange(len(table)))
        for log, table in zip(members, tables, strict=True)
    ]
    return ForeignRun(Run(first.path, info, dict(first.settings), first.format), pd.concat(rows, ignore_index=True))


# What a reader has to know.


def number_notes(runs: Mapping[str, Run], labels: Mapping[str, str], metric: str) -> list[str]:
    """Notes on the numbers of the variants, where they are not all of one kind."""
    names: dict[str, set[str]] = defaultdict(set)
    for path, run in runs.items():
        names[labels[path]] |= set(run.info["series"]) if run.format else {metric}
    notes = []
    kinds: dict[str | None, list[str]] = defaultdict(list)
    for label, series in sorted(names.items()):
        for each in sorted(series):
            kinds[kind(each)].append(f"{label} ({each})")
    if kinds[TRAINING] and kinds[EVALUATION]:
        notes.append(
            f"Returns of training ({', '.join(kinds[TRAINING])}) are compared with returns of evaluations "
            f"({', '.join(kinds[EVALUATION])}). A difference may come from exploration, which only training has."
        )
    elif kinds[None] and (kinds[TRAINING] or kinds[EVALUATION]):
        known = TRAINING if kinds[TRAINING] else EVALUATION
        notes.append(
            f"Nothing says whether the values of {', '.join(kinds[None])} are of training or of evaluations; those of "
            f"{', '.join(kinds[known])} are of {known}."
        )
    averaged = {label: series & AVERAGED.keys() for label, series in names.items() if series & AVERAGED.keys()}
    for label, series in sorted(averaged.items()):
        each = sorted(series)[0]
        notes.append(averaged_note(label, each, mixed=len(averaged) < len(names)))
    return notes


def averaged_note(label: str, name: str, mixed: bool) -> str:
    text = (
        f"{label}: {name} is a mean over {AVERAGED[name]}. So a final score may include episodes from before its share "
        "of training, and peaks are lower. Tests are valid for the averaged numbers"
    )
    return text + ("; but other variants are not averaged, and a difference may come from that." if mixed else ".")


def settings_notes(runs: Mapping[str, Run], labels: Mapping[str, str]) -> list[str]:
    unknown = sorted({labels[path] for path, run in runs.items() if run.format and not run.config})
    if not unknown:
        return []
    return [
        f"No settings are recorded of {', '.join(unknown)}, so this report cannot know whether variants differ in "
        "anything else than their name."
    ]
