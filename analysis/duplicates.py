"""A seed counts once: the same seed of the same variant in two runs is one seed trained twice, not two seeds."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.runs import Run


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


def count_seeds_once(loaded: Sequence[Loaded]) -> tuple[list[Loaded], list[str]]:
    """`loaded` with each seed of a variant and task in one run only, and a note on everything that was changed.

    Where runs share seeds with equal rows, the longest run keeps them. Where the rows differ, the runs are not the
    same variant after all: their labels get what tells them apart (commit, directory above, directory).
    """
    groups: dict[tuple[str, str], list[Loaded]] = defaultdict(list)
    for item in loaded:
        groups[item.run.env_id, item.label].append(item)
    kept: list[Loaded] = []
    notes: list[str] = []
    for (env_id, label), group in groups.items():
        parts = [group] if agree(group) else split(group)
        if len(parts) > 1:
            labels = ", ".join(sorted({part[0].label for part in parts}))
            notes.append(f"{label} on {env_id}: runs with the same config and seeds differ; shown apart as {labels}.")
        for part in parts:
            unique, dropped = without_repeats(part)
            kept += unique
            notes += dropped
    return sorted(kept, key=lambda item: item.name), notes


def rows_by_seed(item: Loaded) -> dict[int, np.ndarray]:
    """[rows, columns] of numbers for each seed of a run."""
    numbers = item.table.select_dtypes("number")
    seed = item.table["seed"].to_numpy()
    return {int(each): numbers[seed == each].to_numpy() for each in np.unique(seed)}


def agree(group: Sequence[Loaded]) -> bool:
    """Whether runs that share seeds have equal rows for them, as far as both go."""
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
    """The runs in parts that agree within themselves, by the first fact about the runs that does it."""
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
    """Each seed in the run that has most rows, and a note for each run that loses seeds."""
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
