"""One tidy frame of many runs. A seed counts once."""

import os
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from analysis.readers import Given, Pattern, Reading, find, read_logs
from analysis.readers.names import EVALUATION_RETURN, RETURN
from analysis.run_format import EVALUATED, KEYS, OK, STATUS, InputError
from analysis.runs import Run, RunWarning, read_progress
from analysis.runs.directories import read_runs
from analysis.runs.foreign import ForeignRun, foreign_runs, number_notes, settings_notes
from analysis.runs.progress import header
from analysis.runs.variants import Naming, label_variants, namings, variant_notes

STATES = ("ok", "failed", "unfinished", "no rows")


@dataclass(frozen=True)
class Dataset:
    """The runs below the given paths.

    Attributes:
        frame: one row per seed and iteration: run, variant, algo, env_id, finished (whether the seed has all iterations
            asked for, or failed), status, seed, iteration, env_steps, then the metrics. A value that does not exist is
            NaN.
        seeds: one row per seed: env_id, variant, run, seed, state (one of STATES), its iterations and env_steps, and
            `asked`, the env_steps that it was asked for.
        runs: each run, by the path that `frame.run` has for it.
        variants: the label of each run's variant, by the same path.
        warnings: what the reader of a figure must know, one sentence each.
        rules: how seeds of other programs' logs were brought to common env steps, one sentence each.
        metric: the metric that was asked for, or that the runs have.
        aggregates: tables without seeds: variant, task, n, mean, std, and the file.
    """

    frame: pd.DataFrame
    seeds: pd.DataFrame
    runs: dict[str, Run]
    variants: dict[str, str]
    warnings: list[str]
    rules: list[str] = field(default_factory=list)
    metric: str = RETURN
    aggregates: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def pairings(self) -> dict[str, str]:
        """By variant, a name that its runs share with all runs that begin alike with the same seed.

        Runs of other programs begin alike only if they say so. A variant is left out if one of its runs does not say
        it.
        """
        found: dict[str, set[str]] = defaultdict(set)
        for name, run in self.runs.items():
            found[self.variants[name]].add(str(run.info["pairing"] or "") if run.format else run.algo)
        return {variant: " ".join(sorted(names)) for variant, names in found.items() if all(names)}


@dataclass(frozen=True)
class Loaded:
    """One run with its name, its variant's label and its rows."""

    run: Run
    name: str
    label: str
    table: pd.DataFrame

    @property
    def seeds_asked(self) -> list[int]:
        return [int(seed) for seed in self.run.info["seeds"]]


def load_runs(
    paths: Given | Iterable[Given],
    columns: Sequence[str] | None = None,
    variants: str | Mapping[str, str] | None = None,
    pattern: str | Sequence[str] = (),
    column: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Every row of every run at or below `paths`: Dataset.frame.

    Warns (RunWarning) about what is incomplete.

    Args:
        paths: run directories, directories above them, or logs of other programs.
        columns: metrics to read. None: all; of logs of other programs, the return.
        variants: names of variants: a key of the config, or patterns of runs by name (variants.Naming).
        pattern: as in compare.
        column: as in compare.

    Raises:
        InputError: A run cannot be read.
    """
    dataset = load(paths, columns, namings(variants), reading(pattern, column))
    for sentence in dataset.warnings:
        warnings.warn(sentence, RunWarning, stacklevel=2)
    return dataset.frame


def reading(pattern: str | Sequence[str] = (), column: Mapping[str, str] | None = None) -> Reading:
    """How logs of other programs are read, from the arguments of a notebook.

    Raises:
        InputError: A pattern is wrong.
    """
    return Reading([Pattern(each) for each in ([pattern] if isinstance(pattern, str) else pattern)], column or {})


def load(
    paths: Given | Iterable[Given],
    columns: Sequence[str] | None = None,
    named: Sequence[Naming] = (),
    reading: Reading | None = None,
    choose_metric: bool = False,
) -> Dataset:
    """The same as load_runs, with what each run and each seed is.

    `choose_metric` reads one column, the return: that of training, or that of evaluations where there is no other.

    Raises:
        InputError: A run cannot be read.
    """
    reading = reading or Reading()
    each = [paths] if isinstance(paths, (str, os.PathLike, pd.DataFrame)) else paths
    found = find(each, reading)
    own = read_runs(found.own)
    wanted = [RETURN, EVALUATION_RETURN] if choose_metric else [RETURN] if columns is None else list(columns)
    logs, tables = read_logs(found, wanted, reading)
    if choose_metric:
        there = {name for log in logs for name in log.series}
        columns = wanted = [EVALUATION_RETURN if there == {EVALUATION_RETURN} and not own else RETURN]
    foreign, notes, rules = foreign_runs(logs, wanted)
    aggregates = pd.concat([each.rows.assign(file=each.path.name) for each in tables]) if tables else pd.DataFrame()
    dataset = assembled(own, foreign, columns, named, reading)
    return replace(
        dataset,
        warnings=dataset.warnings + notes,
        rules=rules,
        metric=wanted[0],
        aggregates=aggregates,
    )


def assembled(
    own: Sequence[Run],
    foreign: Sequence[ForeignRun],
    columns: Sequence[str] | None,
    named: Sequence[Naming],
    reading: Reading,
) -> Dataset:
    """Runs of seedbed and of other programs as one dataset."""
    every = sorted([*own, *(each.run for each in foreign)], key=lambda run: run.path.resolve())
    runs = dict(zip(run_names(every), every, strict=True))
    labels = label_variants(runs, named)
    notes = variant_notes(runs, labels) + settings_notes(runs, labels)
    if foreign:
        notes += number_notes(runs, labels, (columns or [RETURN])[0])
    rows, places, told = all_rows(runs, foreign, columns, reading)
    notes += told
    loaded = [Loaded(run, name, labels[name], rows.iloc[places[name]]) for name, run in runs.items()]
    loaded, duplicates = count_seeds_once(loaded)
    frame = assemble(rows, loaded)
    seeds = seed_table(loaded, frame)
    frame.insert(4, "finished", finished(frame, seeds))
    return Dataset(
        frame=frame,
        seeds=seeds,
        runs={item.name: item.run for item in loaded},
        variants={item.name: item.label for item in loaded},
        warnings=notes + duplicates + seed_notes(seeds),
    )


def all_rows(
    runs: Mapping[str, Run], foreign: Sequence[ForeignRun], columns: Sequence[str] | None, reading: Reading
) -> tuple[pd.DataFrame, dict[str, slice], list[str]]:
    """The rows of all runs in one frame, the place of each run's rows in it, and notes on what is incomplete."""
    own = {name: run for name, run in runs.items() if not run.format}
    tables: list[pd.DataFrame] = []
    places: dict[str, slice] = {}
    notes = []
    start = 0
    if own:
        theirs = called(own, columns, reading)
        rows, files = read_progress([(run.progress, run.in_progress) for run in own.values()], theirs)
        if columns is not None:
            rows = rows.rename(columns=dict(zip(theirs or [], columns, strict=True)))
        tables.append(rows)
        start = len(rows)
        for name, run in own.items():
            file = files[run.progress]
            places[name] = file.rows
            if file.torn:
                notes.append(f"{name} is still being written; its last, incomplete row was left out.")
            if file.not_finite:
                notes.append(f"{name} has {file.not_finite} cells of nan or inf; they count as empty.")
    names = {run.path: name for name, run in runs.items() if run.format}
    for each in foreign:
        places[names[each.run.path]] = slice(start, start + len(each.table))
        start += len(each.table)
    if not foreign:
        return (tables[0] if tables else no_rows(columns or [RETURN])), places, notes
    rest = pd.concat([each.table for each in foreign], ignore_index=True)
    order = [STATUS, *KEYS, *rest.columns.difference([STATUS, *KEYS], sort=False)]
    rest = rest[order].astype(dict.fromkeys(KEYS, "int64") | {STATUS: "category"})
    if not tables:
        return rest, places, notes
    statuses = union_categoricals([tables[0][STATUS], rest[STATUS]], sort_categories=True)
    both = pd.concat([table.drop(columns=STATUS) for table in (tables[0], rest)], ignore_index=True)
    both.insert(0, STATUS, pd.Series(statuses))
    return both, places, notes


def no_rows(columns: Sequence[str]) -> pd.DataFrame:
    types = {STATUS: "category"} | dict.fromkeys(KEYS, "int64") | dict.fromkeys(columns, "float64")
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})


def called(own: Mapping[str, Run], columns: Sequence[str] | None, reading: Reading) -> list[str] | None:
    """The names of the columns in progress.csv. --column names those that are not there under our name."""
    if columns is None or not reading.columns:
        return None if columns is None else list(columns)
    first = next((run.progress for run in own.values() if run.progress.is_file()), None)
    names = header(first, first.read_bytes()) if first else []
    return [name if name in names else reading.columns.get(name, name) for name in columns]


def run_names(runs: Sequence[Run]) -> list[str]:
    """Each run's path below the directory that all of them share."""
    if not runs:
        return []
    paths = [run.path.resolve() for run in runs]
    shared = Path(os.path.commonpath([path.parent for path in paths]))
    return [path.relative_to(shared).as_posix() for path in paths]


def seed_table(loaded: Sequence[Loaded], frame: pd.DataFrame) -> pd.DataFrame:
    """The state of each seed: of those that the runs were asked for, and of those with rows in `frame`."""
    asked = pd.DataFrame([(item.name, seed) for item in loaded for seed in item.seeds_asked], columns=["run", "seed"])
    by_seed = frame.groupby(["run", "seed"], observed=True)
    have = by_seed.agg(iterations=("iteration", "size"), env_steps=("env_steps", "max")).reset_index()
    failed = frame.loc[frame[STATUS] != OK, ["run", "seed"]].drop_duplicates().assign(failed=True)
    table = asked.merge(have.astype({"run": str}), how="outer", on=["run", "seed"])
    table = table.merge(failed.astype({"run": str}), how="left", on=["run", "seed"])
    table = table.fillna({"iterations": 0, "env_steps": 0}).astype({"iterations": "int64", "env_steps": "int64"})
    runs = {item.name: item for item in loaded}
    wanted = table["run"].map({name: int(item.run.info["iterations"]) for name, item in runs.items()})
    ended = {(item.name, seed) for item in loaded for seed in item.run.info.get("unfinished", ())}
    going_on = pd.Series([key in ended for key in zip(table["run"], table["seed"], strict=True)], dtype=bool)
    table["state"] = np.select(
        [table["iterations"] == 0, table["failed"].notna(), (table["iterations"] < wanted) | going_on],
        ["no rows", "failed", "unfinished"],
        "ok",
    )
    asked_steps = table["env_steps"] * wanted // table["iterations"].clip(lower=1)
    table["asked"] = asked_steps.where(
        wanted > 0, table["env_steps"]
    )  # what other programs were asked for is not known
    table["env_id"] = table["run"].map({name: item.run.env_id for name, item in runs.items()})
    table["variant"] = table["run"].map({name: item.label for name, item in runs.items()})
    return table[["env_id", "variant", "run", "seed", "state", "iterations", "env_steps", "asked"]]


def seed_notes(seeds: pd.DataFrame) -> list[str]:
    """One sentence for each variant with failed, unfinished or missing seeds, or with only one seed."""
    notes = []
    for (env_id, variant), group in seeds.groupby(["env_id", "variant"], sort=True):
        total = len(group)
        for state, text in (("failed", "failed"), ("unfinished", "have not finished"), ("no rows", "have no rows")):
            which = sorted(group.loc[group["state"] == state, "seed"])
            if which:
                notes.append(f"{len(which)} of {total} seeds of {variant} on {env_id} {text} (seeds {spans(which)}).")
        if total == 1:
            notes.append(f"{variant} on {env_id} has one seed only: nothing can be said about its spread.")
    return notes


def spans(numbers: Sequence[int]) -> str:
    """Sorted whole numbers as a short text: "1, 3-5, 9"."""
    words: list[str] = []
    start = previous = numbers[0]
    for number in [*numbers[1:], None]:
        if number != previous + 1:
            words.append(str(start) if start == previous else f"{start}-{previous}")
            start = number  # type: ignore[assignment]
        previous = number  # type: ignore[assignment]
    return ", ".join(words)


def assemble(rows: pd.DataFrame, loaded: Sequence[Loaded]) -> pd.DataFrame:
    """The rows that the runs have kept, run by run, with the run's facts as categorical columns."""
    counts = [len(item.table) for item in loaded]
    kept = np.concatenate([item.table.index for item in loaded]) if loaded else np.empty(0, dtype=int)
    frame = rows if np.array_equal(kept, rows.index) else rows.take(kept).reset_index(drop=True)
    facts = {
        "run": [item.name for item in loaded],
        "variant": [item.label for item in loaded],
        "algo": [item.run.algo for item in loaded],
        "env_id": [item.run.env_id for item in loaded],
    }
    return pd.concat([pd.DataFrame({name: repeated(each, counts) for name, each in facts.items()}), frame], axis=1)


def finished(frame: pd.DataFrame, seeds: pd.DataFrame) -> np.ndarray:
    """Whether [rows] the seed of each row has all iterations asked for, or failed."""
    unfinished = seeds.loc[seeds["state"] == "unfinished", ["run", "seed"]]
    if not len(unfinished):
        return np.ones(len(frame), dtype=bool)
    code = {name: code for code, name in enumerate(frame["run"].cat.categories)}
    keys = frame["run"].cat.codes.to_numpy().astype(np.int64) * 2**32 + frame["seed"].to_numpy()
    return ~np.isin(keys, unfinished["run"].map(code).to_numpy() * 2**32 + unfinished["seed"].to_numpy())


def repeated(values: Sequence[str], counts: Sequence[int]) -> pd.Categorical:
    """The `values`, each repeated as often as `counts` says."""
    each = pd.Categorical(np.array(values, dtype=object))
    return each.take(np.repeat(np.arange(len(values)), counts))


# A seed counts once: the same seed of the same variant in two runs is one seed trained twice, not two seeds.


def count_seeds_once(loaded: Sequence[Loaded]) -> tuple[list[Loaded], list[str]]:
    """The runs with each seed of a variant and task in one run only, and a note on every change.

    Where runs share seeds with equal rows, the longest run keeps them. Where the rows differ, the runs are different
    variants: their labels get the fact that tells them apart (commit, directory above, directory).
    """
    groups: dict[tuple[str, str], list[Loaded]] = defaultdict(list)
    for item in loaded:
        groups[item.run.env_id, item.label].append(item)
    kept: list[Loaded] = []
    notes: list[str] = []
    for (env_id, label), group in groups.items():
        if any(item.run.format for item in group) and not agree(group):
            raise InputError(twice(group))
        parts = [group] if agree(group) else split(group)
        if len(parts) > 1:
            labels = ", ".join(sorted({part[0].label for part in parts}))
            notes.append(f"{label} on {env_id}: runs with the same config and seeds differ; shown apart as {labels}.")
        for part in parts:
            unique, dropped = without_repeats(part)
            kept += unique
            notes += dropped
    return sorted(kept, key=lambda item: item.name), notes


def twice(group: Sequence[Loaded]) -> str:
    """Names two runs that have the same seed of a variant with different rows."""
    seen: dict[int, Loaded] = {}
    for item in group:
        for seed in item.seeds_asked:
            if seed in seen and not agree([seen[seed], item]):
                return (
                    f"{seen[seed].run.path} and {item.run.path} are both seed {seed} of {item.label} on "
                    f"{item.run.env_id}, with different rows; expected: one run per seed, or a --pattern that tells "
                    "them apart"
                )
            seen[seed] = item
    raise AssertionError("runs that do not agree share a seed")


def rows_by_seed(item: Loaded) -> dict[int, np.ndarray]:
    """Numbers [rows, columns] of each seed of a run. Evaluations are left out: they are only observations."""
    numbers = item.table.select_dtypes("number")
    numbers = numbers[[name for name in numbers if not str(name).startswith(EVALUATED)]]
    seed = item.table["seed"].to_numpy()
    return {int(each): numbers[seed == each].to_numpy() for each in np.unique(seed)}


def agree(group: Sequence[Loaded]) -> bool:
    """Whether runs that share seeds have equal rows for them, up to the end of the shorter one."""
    if sum(len(item.seeds_asked) for item in group) == len({seed for item in group for seed in item.seeds_asked}):
        return True
    first: dict[int, np.ndarray] = {}
    for item in group:
        for seed, rows in rows_by_seed(item).items():
            other = first.setdefault(seed, rows)
            shared = min(len(other), len(rows))
            if not np.array_equal(other[:shared], rows[:shared], equal_nan=True):
                return False
            first[seed] = max(other, rows, key=len)
    return True


def split(group: Sequence[Loaded]) -> list[list[Loaded]]:
    """The runs in parts that agree within themselves, split by the first fact that achieves it."""
    facts: tuple[Callable[[Loaded], str], ...] = (
        lambda item: f"commit {str(item.run.info.get('commit'))[:10]}",
        lambda item: item.name.rsplit("/", 1)[0],
        lambda item: item.name,
    )
    for fact in facts:
        parts: dict[str, list[Loaded]] = defaultdict(list)
        for item in group:
            parts[fact(item)].append(replace(item, label=f"{item.label} ({fact(item)})"))
        if all(agree(part) for part in parts.values()):
            break
    return list(parts.values())


def without_repeats(group: Sequence[Loaded]) -> tuple[list[Loaded], list[str]]:
    """Keeps each seed in the run that has most rows, and notes the runs that lose seeds."""
    taken: set[int] = set()
    kept, notes = [], []
    for item in sorted(group, key=lambda item: (-len(item.table), item.name)):
        repeated = taken & set(item.seeds_asked)
        taken |= set(item.seeds_asked)
        if repeated:
            notes.append(
                f"{len(repeated)} seeds of {item.name} are in another run too, with the same rows; counted once."
            )
            rest = [seed for seed in item.seeds_asked if seed not in repeated]
            table = item.table[item.table["seed"].isin(rest)]
            item = replace(item, table=table, run=replace(item.run, info={**item.run.info, "seeds": rest}))
        kept.append(item)
    return kept, notes
