"""Variants: which runs are the same variant, and its label: the algorithm, and the settings in which it differs.

A variant is one set of settings on every task. Where settings differ between tasks on purpose, as those of presets do,
the user names the variant (`Naming`). `run_format.variant_settings` says which settings count.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import pandas as pd

from analysis.numbers import listed
from analysis.run_format import TUNING, InputError
from analysis.runs import Run

ABSENT = "none"
LONGEST_LABEL = 60


@dataclass(frozen=True)
class Naming:
    """The user's name of a variant: runs that match `pattern` are called `name`, whatever their settings.

    `pattern` holds conditions with commas between them, which must all hold: KEY=VALUE of the config (`algo.name=ppo`;
    VALUE may hold `*`), or a path as the report lists it (`ppo-*`, `*/ppo/*`). Without a name, `pattern` is a key of
    the config, and every run is called by its value.
    """

    name: str | None
    pattern: str

    def __str__(self) -> str:
        return self.pattern if self.name is None else f"{self.name}={self.pattern}"

    def name_of(self, run: Run, path: str) -> str | None:
        """The name of `run`. None if it does not match."""
        if self.name is None:
            return text(run.config[self.pattern]) if self.pattern in run.config else None
        return self.name if all(self._holds(each, run, path) for each in self.pattern.split(",")) else None

    def _holds(self, condition: str, run: Run, path: str) -> bool:
        key, equals, value = condition.partition("=")
        if equals and key in run.config:
            return fnmatchcase(text(run.config[key]), value)
        return fnmatchcase(path, condition)


def naming(argument: str) -> Naming:
    """The Naming of the command line: KEY or NAME=PATTERN.

    Raises:
        InputError: The argument is neither.
    """
    name, equals, pattern = (part.strip() for part in argument.partition("="))
    if not name or (equals and not pattern):
        raise InputError(
            f"--variant {argument}: expected: KEY, as in algo.name, or NAME=PATTERN, as in ppo=algo.name=ppo or "
            "mine=ppo-*"
        )
    return Naming(name, pattern) if equals else Naming(None, name)


def namings(variants: str | Mapping[str, str] | None) -> list[Naming]:
    """The Namings of a notebook: a KEY, or patterns by name."""
    if isinstance(variants, str):
        return [naming(variants)]
    return [Naming(name, pattern) for name, pattern in (variants or {}).items()]


def identity(run: Run) -> dict[str, str]:
    """The settings that define the variant of `run`."""
    return {key: text(value) for key, value in run.settings.items()}


def text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(text, value)) + "]"
    return str(value)


def label_variants(runs: Mapping[str, Run], named: Sequence[Naming] = ()) -> dict[str, str]:
    """A label for each run. `runs` are by the path that the report lists.

    Runs share a label exactly if they share every setting but seeds, task and machine, or if the user has named them
    alike. The label is the algorithm's name and the settings in which its runs differ, on any task. A label that would
    be long has a number instead, in the order of those settings (see `numbered_variants`).

    Raises:
        InputError: No run matches a pattern, or two names match a run.
    """
    labels = user_labels(runs, named)
    foreign = {path: run for path, run in runs.items() if path not in labels and run.format}
    others = {path: run for path, run in runs.items() if path not in labels and not run.format}
    settings = identities(others)
    by_algo: dict[str, list[str]] = defaultdict(list)
    for path, run in others.items():
        by_algo[run.algo].append(path)
    for algo, paths in by_algo.items():
        keys = differing_keys(settings[path] for path in paths)
        values = {path: tuple(settings[path].get(key, ABSENT) for key in keys) for path in paths}
        suffixes = name_settings(short_names(keys).values(), set(values.values()))
        labels |= {path: f"{algo} {suffixes[values[path]]}".strip() for path in paths}
    if clash := {labels[path] for path in others} & {label for path, label in labels.items() if path not in others}:
        name = sorted(clash)[0]
        raise InputError(f"--variant {name}: other runs are called {name} too; expected: a name of its own")
    return labels | foreign_labels(foreign, {*labels.values(), *by_algo})


def foreign_labels(runs: Mapping[str, Run], taken: set[str]) -> dict[str, str]:
    """Labels of runs of other programs: their variant, with its format where others have a variant of that name."""
    formats: dict[str, set[str]] = defaultdict(set)
    for run in runs.values():
        formats[run.algo].add(run.format)
    shared = {name for name, own in formats.items() if len(own) > 1 or name in taken}
    return {path: f"{run.algo} ({run.format})" if run.algo in shared else run.algo for path, run in runs.items()}


def identities(runs: Mapping[str, Run]) -> dict[str, dict[str, str]]:
    return {path: identity(run) for path, run in runs.items()}


def user_labels(runs: Mapping[str, Run], named: Sequence[Naming]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for each in named:
        found = {path: each.name_of(run, path) for path, run in runs.items()}
        matched = {path: name for path, name in found.items() if name is not None}
        if not matched:
            raise InputError(
                f"--variant {each}: no run matches; expected: a key or KEY=VALUE of a run's config, or a path such as "
                f"{next(iter(runs))}"
            )
        for path, name in matched.items():
            if labels.setdefault(path, name) != name:
                raise InputError(f"--variant: {path} matches {labels[path]} and {name}; expected: one name per run")
    return without_tuning(runs, labels)


def without_tuning(runs: Mapping[str, Run], labels: Mapping[str, str]) -> dict[str, str]:
    """The user's names. Where a name covers tests and tuning, its runs of tuning get a label of their own."""
    tested = {label for path, label in labels.items() if runs[path].purpose != TUNING}
    return {
        path: f"{label} ({TUNING})" if runs[path].purpose == TUNING and label in tested else label
        for path, label in labels.items()
    }


def name_settings(names: Iterable[str], settings: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """A text for each of `settings`: the values of the keys called `names`, or a number if that is long."""
    ordered = sorted(settings, key=lambda values: tuple(map(natural, values)))
    named = {values: settings_text(names, values) for values in ordered}
    if max(map(len, named.values())) <= LONGEST_LABEL:
        return named
    width = len(str(len(ordered)))
    return {values: f"{number:0{width}d}" for number, values in enumerate(ordered, start=1)}


def settings_text(names: Iterable[str], values: Iterable[str]) -> str:
    return " ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))


def natural(setting: str) -> tuple[bool, float, str]:
    """Sort key of settings: numbers by size, before words."""
    try:
        return False, float(setting), ""
    except ValueError:
        return True, 0.0, setting


def differing_keys(settings: Iterable[Mapping[str, str]]) -> list[str]:
    """Sorted keys that differ among `settings`. A missing key counts as a value."""
    unique = {tuple(sorted(mapping.items())) for mapping in settings}
    if len(unique) <= 1:
        return []
    mappings = [dict(items) for items in unique]
    keys = {key for mapping in mappings for key in mapping}
    return sorted(key for key in keys if len({mapping.get(key) for mapping in mappings}) > 1)


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """The last part of each dotted key if that tells the keys apart, else the whole key."""
    last = {key: key.rsplit(".", 1)[-1] for key in keys}
    count = Counter(last.values())
    return {key: name if count[name] == 1 else key for key, name in last.items()}


def settings_table(runs: Mapping[str, Run], labels: Mapping[str, str]) -> pd.DataFrame:
    """One row per task and variant: env_id, variant, algo, then every setting that differs in the table, as text.

    NaN where a variant does not have a setting. Different values of one variant on one task stand side by side, with
    `|` between them. `labels` of `runs`, both by the run's path.
    """
    groups: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for path, run in runs.items():
        groups[run.env_id, labels[path]].append(run)
    settings = {key: [identity(run) for run in group] for key, group in groups.items()}
    keys = differing_keys(each for group in settings.values() for each in group)
    where = sorted(groups)
    table = pd.DataFrame(
        [(env_id, variant, algorithms(groups[env_id, variant])) for env_id, variant in where],
        columns=["env_id", "variant", "algo"],
    )
    for key in keys:
        table[key] = [joined(mapping.get(key) for mapping in settings[each]) for each in where]
    return table


def algorithms(runs: Iterable[Run]) -> str:
    return " | ".join(sorted({run.algo for run in runs}))


def joined(values: Iterable[str | None]) -> str | None:
    unique = dict.fromkeys(values)
    return next(iter(unique)) if len(unique) == 1 else " | ".join(ABSENT if v is None else v for v in unique)


def numbered_variants(runs: Mapping[str, Run], labels: Mapping[str, str]) -> dict[str, str]:
    """The settings of the variants that have a number for a name, by label."""
    legend = {}
    for algo in sorted({run.algo for run in runs.values()}):
        own = {path: run for path, run in runs.items() if run.algo == algo and is_numbered(labels[path], algo)}
        table = settings_table(own, labels).drop_duplicates("variant")
        names = short_names([str(key) for key in table.columns[3:]])
        for variant, *values in table[["variant", *names]].fillna(ABSENT).to_numpy():
            if values:
                legend[str(variant)] = settings_text(names.values(), values)
    return legend


def is_numbered(label: str, algo: str) -> bool:
    return label.removeprefix(f"{algo} ").split(" ")[0].isdigit()


def variant_notes(runs: Mapping[str, Run], labels: Mapping[str, str]) -> list[str]:
    """A sentence if no variant of an algorithm is on every task, and one for each name that covers several settings."""
    tasks_of: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    settings_of: dict[str, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for path, run in runs.items():
        tasks_of[f"{run.format} {run.algo}".strip()][labels[path]].add(run.env_id)
        settings_of[labels[path]][run.env_id].append(identity(run))
    apart = [
        algo
        for algo, labelled in sorted(tasks_of.items())
        if len(everywhere := set().union(*labelled.values())) > 1
        and not any(tasks == everywhere for tasks in labelled.values())
    ]
    notes = []
    if apart:
        notes.append(
            f"No variant of {', '.join(apart)} has the same settings on every task, so none of them is compared over "
            "all tasks. If settings differ between tasks on purpose, call variants by their algorithm: --variant "
            "algo.name"
        )
    if len({run.purpose for run in runs.values()}) > 1:
        notes.append(
            "Some of these runs are of tuning. They chose settings, so the scores of the chosen settings are too high. "
            "They are kept apart from the test runs."
        )
    for label, by_task in sorted(settings_of.items()):
        notes += named_notes(label, by_task)
    return notes


def named_notes(label: str, by_task: Mapping[str, Sequence[Mapping[str, str]]]) -> list[str]:
    """What the name `label` pools: settings that differ on one task, and settings that differ between tasks."""
    notes = []
    for env_id, settings in sorted(by_task.items()):
        if keys := differing_keys(settings):
            notes.append(f"{label} on {env_id} pools runs that differ in {listed(keys)}: that is how it was named.")
    first = [settings[0] for settings in by_task.values()]
    if keys := differing_keys(first):
        notes.append(f"{label} differs between tasks in {listed(keys)}: that is how it was named.")
    return notes
