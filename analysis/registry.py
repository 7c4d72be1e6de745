"""Published folders: whether their files are as they were published, and why two folders do not match.

A published folder holds runs, and studies with their runs, without checkpoints: text files that git keeps well.
`published.json` lists the SHA-256 of each file. `seedbed compare` reads such folders like any runs.
"""

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from analysis.numbers import listed
from analysis.readers import Given, Reading, place
from analysis.run_format import RECORD, InputError, read_json
from analysis.runs import Run
from analysis.runs.dataset import Dataset, load
from analysis.runs.variants import Naming, differing_keys, identity

PUBLISHED = "published.json"

SOFTWARE = ("gymnasium", "envpool", "mujoco", "box2d")
"""Packages with tasks. Another version may be another task."""

RULES = ("metric", "score", "last", "lower_is_better", "margin", "level", "reference")
"""Keys of a plan that define the rule by which a study decides."""


def load_checked(
    paths: Given | Iterable[Given],
    columns: Sequence[str] | None,
    named: Sequence[Naming] = (),
    reading: Reading | None = None,
    choose_metric: bool = False,
) -> Dataset:
    """Loads runs as `load` does, checks published folders, and notes why runs of different paths do not match.

    Raises:
        InputError: A path is a URL, a published folder was changed, or `load` refuses a run.
    """
    given = [paths] if isinstance(paths, (str, os.PathLike, pd.DataFrame)) else list(paths)
    for each in given:
        if isinstance(each, str) and "://" in each:
            raise InputError(f"{each}: a URL; expected: a folder; git clone or download it first")
    folders = [str(path) for path in map(place, given) if path is not None]
    published = {folder.resolve(): folder for path in folders for folder in published_folders(Path(path))}
    for folder in published.values():
        check(folder)
    dataset = load(given, columns, named, reading, choose_metric)
    if len(folders) > 1:
        dataset.warnings.extend(mismatches(folders, dataset))
    return dataset


def check(folder: Path) -> None:
    """Checks that the files of a published folder are as they were published.

    Raises:
        InputError: A file is missing or was changed.
    """
    for name, digest in read_json(folder / PUBLISHED).get("files", {}).items():
        file = folder / name
        if not file.resolve().is_relative_to(folder.resolve()):
            raise InputError(f"{folder / PUBLISHED}: names {name}; expected: files of its own folder")
        if not file.exists():
            raise InputError(f"{file}: missing, though {PUBLISHED} lists it; expected: the folder as published")
        if sha256(file) != digest:
            raise InputError(f"{file}: not as it was published (its SHA-256 differs); expected: the file as it was")


def published_folders(root: Path) -> list[Path]:
    """Published folders at or below a path, and those that contain it."""
    enclosing = {parent for parent in (root, *root.resolve().parents) if (parent / PUBLISHED).is_file()}
    return sorted({each.parent for each in root.rglob(PUBLISHED)} | enclosing)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def mismatches(paths: Sequence[str], dataset: Dataset) -> list[str]:
    """Why runs of different paths are not of one task or of one variant, one sentence each."""
    groups: dict[str, list[Run]] = defaultdict(list)
    roots = [(path, Path(path).resolve()) for path in paths]
    for run in (run for run in dataset.runs.values() if not run.format):
        owner = next((name for name, root in roots if run.path.resolve().is_relative_to(root)), None)
        if owner is not None:
            groups[owner].append(run)
    names = list(groups)
    notes: list[str] = []
    for position, first in enumerate(names):
        for second in names[position + 1 :]:
            notes += between(first, groups[first], second, groups[second])
    return [*notes, *other_rules(paths)]


def between(first: str, some: Sequence[Run], second: str, others: Sequence[Run]) -> list[str]:
    """Why the runs of two paths do not match."""
    tasks = {run.env_id for run in some} & {run.env_id for run in others}
    if not tasks:
        told = " and ".join(", ".join(sorted({run.env_id for run in runs})) for runs in (some, others))
        return [f"{first} and {second} have no task in common ({told}): nothing is compared between them."]
    notes: list[str] = []
    for env_id in sorted(tasks):
        here = [[run for run in runs if run.env_id == env_id] for runs in (some, others)]
        notes += task_notes(env_id, first, here[0], second, here[1])
    return notes


def task_notes(env_id: str, first: str, some: Sequence[Run], second: str, others: Sequence[Run]) -> list[str]:
    """Differences on one task: settings of the task, versions of packages, and variants of one algorithm."""
    notes = []
    where = f"{env_id} of {first} and of {second}"
    env = [sorted({str(sorted(of_env(run).items())) for run in runs}) for runs in (some, others)]
    if env[0] != env[1]:
        keys = differing_keys(of_env(run) for run in (*some, *others))
        notes.append(f"{where} are not the same task: they differ in {listed(keys)}.")
    for package in SOFTWARE:
        versions = [sorted({str(run.info.get("versions", {}).get(package)) for run in runs}) for runs in (some, others)]
        if versions[0] != versions[1]:
            both = " and ".join(", ".join(each) for each in versions)
            notes.append(f"{where} were stepped by different versions of {package} ({both}).")
    for algo in sorted({run.algo for run in some} & {run.algo for run in others}):
        own, theirs = ([identity(run) for run in runs if run.algo == algo] for runs in (some, others))
        if not any(each in theirs for each in own):
            keys = [key for key in differing_keys([*own, *theirs]) if not key.startswith("env.")]
            if keys:
                notes.append(f"{algo} on {where} are two variants: they differ in {listed(keys)}.")
    return notes


def of_env(run: Run) -> dict[str, str]:
    """The settings of the task, among the settings of the run's variant."""
    return {key: value for key, value in identity(run).items() if key.startswith("env.")}


def other_rules(paths: Sequence[str]) -> list[str]:
    """A sentence if studies were decided by different rules. A comparison decides by its own."""
    plans = {}
    for path in paths:
        for file in sorted(Path(path).rglob(RECORD)):
            content = read_json(file)
            plans[str(file.parent)] = content.get("plan_now") or content["plan"]
    differ = [key for key in RULES if len({str(plan.get(key)) for plan in plans.values()}) > 1]
    if not differ:
        return []
    return [f"The studies were decided by different rules ({', '.join(differ)}); all runs are compared by one here."]
