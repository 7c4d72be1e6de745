"""Which runs are the same variant, and what to call it: the algorithm and the config keys in which it differs."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd

from analysis.runs import Run

# What chooses seeds, the task, the machine or what is kept; runs that differ only here are the same variant.
NOT_A_VARIANT = (
    *("seed", "num_seeds", "env.id", "env.module", "env.vectorization", "device", "threads", "resume"),
    *("checkpoint", "checkpoint_interval", "logger"),
)

ABSENT = "none"
LONGEST_LABEL = 32


def identity(run: Run) -> dict[str, str]:
    """The settings that make `run` the variant it is."""
    return {key: text(value) for key, value in run.config.items() if not apart_from_variant(key)}


@cache
def apart_from_variant(key: str) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in NOT_A_VARIANT)


def text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(text, value)) + "]"
    return str(value)


def label_variants(runs: Sequence[Run]) -> list[str]:
    """One label per run. Runs of one task share a label exactly if they share every setting but seeds and machine.

    The label is the algorithm's name and the settings in which runs of this algorithm on this task differ; where that
    is long, a number in the order of those settings (settings_table says which is which).
    """
    settings = [identity(run) for run in runs]
    labels = [run.algo for run in runs]
    members: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, run in enumerate(runs):
        members[run.env_id, run.algo].append(index)
    for (_, algo), indices in members.items():
        keys = differing_keys(settings[index] for index in indices)
        values = {index: tuple(settings[index].get(key, ABSENT) for key in keys) for index in indices}
        suffixes = name_settings(short_names(keys).values(), set(values.values()))
        for index in indices:
            labels[index] = f"{algo} {suffixes[values[index]]}".strip()
    return labels


def name_settings(names: Iterable[str], settings: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """A text for each of `settings`, the values of the keys called `names`: the values, or numbers if that is long."""
    ordered = sorted(settings, key=lambda values: tuple(map(natural, values)))
    named = {values: settings_text(names, values) for values in ordered}
    if max(map(len, named.values())) <= LONGEST_LABEL:
        return named
    width = len(str(len(ordered)))
    return {values: f"{number:0{width}d}" for number, values in enumerate(ordered, start=1)}


def settings_text(names: Iterable[str], values: Iterable[str]) -> str:
    return " ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))


def natural(setting: str) -> tuple[bool, float, str]:
    """Sorts numbers by size, before words."""
    try:
        return False, float(setting), ""
    except ValueError:
        return True, 0.0, setting


def differing_keys(settings: Iterable[Mapping[str, str]]) -> list[str]:
    """Keys, sorted, that do not have one value in all of `settings`; a key that is absent counts as a value."""
    unique = {tuple(sorted(mapping.items())) for mapping in settings}
    if len(unique) == 1:
        return []
    mappings = [dict(items) for items in unique]
    keys = {key for mapping in mappings for key in mapping}
    return sorted(key for key in keys if len({mapping.get(key) for mapping in mappings}) > 1)


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """The last part of each dotted key where that tells the keys apart, else the whole key."""
    last = {key: key.rsplit(".", 1)[-1] for key in keys}
    count = Counter(last.values())
    return {key: name if count[name] == 1 else key for key, name in last.items()}


def settings_table(runs: Mapping[str, Run], labels: Mapping[str, str]) -> pd.DataFrame:
    """One row per task and variant (`labels` of `runs`, both by the run's name): env_id, variant, algo, then every
    setting that is not the same in all runs of the table, as text; NaN where a variant does not have it."""
    first = {(run.env_id, labels[name]): run for name, run in reversed(list(runs.items()))}
    settings = {key: identity(run) for key, run in first.items()}
    keys = differing_keys(settings.values())
    table = pd.DataFrame(
        [(env_id, variant, first[env_id, variant].algo) for env_id, variant in sorted(first)],
        columns=["env_id", "variant", "algo"],
    )
    for key in keys:
        table[key] = [settings[where].get(key) for where in sorted(first)]
    return table


def numbered_variants(runs: Mapping[str, Run], labels: Mapping[str, str]) -> dict[str, str]:
    """What the variants that have a number for a name are: their settings by their label."""
    legend = {}
    for env_id, algo in sorted({(run.env_id, run.algo) for run in runs.values()}):
        table = settings_table({k: run for k, run in runs.items() if (run.env_id, run.algo) == (env_id, algo)}, labels)
        names = short_names([str(key) for key in table.columns[3:]])
        for variant, *values in table[["variant", *names]].fillna(ABSENT).to_numpy():
            if values and "=" not in variant:
                legend[variant] = settings_text(names.values(), values)
    return legend
