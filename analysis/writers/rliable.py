"""Writes the arrays that rliable takes: normalised scores [runs, tasks] by variant."""

import io
import math
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from analysis.alignment import Task, first_values
from analysis.choices import Choices
from analysis.readers.remarks import Remarks
from analysis.results import Scored, scored
from analysis.run_format import InputError
from analysis.runs.dataset import Dataset
from analysis.writers.protocol import remarks


def score_arrays(found: Scored) -> dict[str, np.ndarray]:
    """Normalised scores [runs, tasks] by variant. Tasks are sorted by name, and runs by seed.

    Raises:
        InputError: A task has no scale, or a variant has not as many seeds on each task.
    """
    tasks = sorted(found.tasks)
    if not tasks:
        raise InputError("no seed has a score; expected: finished runs")
    for env_id in tasks:
        if env_id not in found.scales:
            raise InputError(
                f"{env_id} has no reference, and nobody got better than untrained: scores cannot be normalised; "
                "expected: --references FILE"
            )
    arrays = {}
    for variant, rows in found.scores.groupby("variant", sort=True, observed=True):
        counts = {env_id: int((rows["env_id"] == env_id).sum()) for env_id in tasks}
        if len(set(counts.values())) > 1:
            each = ", ".join(f"{count} on {env_id}" for env_id, count in counts.items())
            raise InputError(f"{variant} has scores of {each}; expected for rliable: the same number on each task")
        columns = [rows.loc[rows["env_id"] == env_id].sort_values("seed")["normalised"].to_numpy() for env_id in tasks]
        arrays[str(variant)] = np.stack(columns, axis=1)
    return arrays


class RliableWriter:
    name = "rliable"
    suffix = ".npz"

    def files(self, dataset: Dataset, choices: Choices, out: Path) -> Mapping[Path, bytes]:
        """The arrays (`dict(numpy.load(out))` is for rliable), and beside them the scores before normalisation."""
        found = scored(dataset, choices)
        arrays = score_arrays(found)
        told = remarks(dataset, choices.metric)
        # Seeds that are not scored are not in the arrays.
        beside = replace(told, failed=(), unfinished=(), scores=plain_scores(found, choices.scored.name))
        return {out: npz(arrays), Remarks.path(out): beside.text().encode()}


def npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    """An npz file of the arrays. numpy.savez does not take every name, and writes the time into the file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    return buffer.getvalue()


def plain_scores(found: Scored, score: str) -> dict[str, Any]:
    """Each seed's score before normalisation, its first return and whether it failed; and the tasks' horizons."""
    runs: dict[str, Any] = {}
    for env_id, task in found.tasks.items():
        scores = found.scores[found.scores["env_id"] == env_id]
        for row in scores.to_dict("records"):
            run = {
                "score": float(row[score]),
                "untrained": untrained(task, str(row["variant"]), int(row["seed"])),
                "failed": bool(row["failed"]),
            }
            runs.setdefault(str(row["variant"]), {}).setdefault(env_id, {})[str(row["seed"])] = run
    return {
        "score": score,
        "tasks": sorted(found.tasks),
        "horizons": {env_id: int(task.horizon) for env_id, task in found.tasks.items()},
        "runs": runs,
    }


def untrained(task: Task, variant: str, seed: int) -> float | None:
    aligned = task.variants[variant]
    value = float(first_values(aligned.values[aligned.seeds == seed])[0])
    return value if math.isfinite(value) else None
