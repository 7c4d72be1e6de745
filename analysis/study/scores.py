"""The scores of a study's seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.alignment import Task, align
from analysis.run_format import OK, PROGRESS, STATUS, InputError, read_info
from analysis.runs.progress import read_progress
from analysis.scores import built_in, seed_scores
from analysis.study.plan import Plan, Question

Cell = tuple[str, str]
"""A task and a variant, by their names in the plan."""


def run_directory(task: str, variant: str, look: int) -> str:
    """Directory of the runs of a variant on a task for a look, below the study's directory."""
    return f"runs/{task}/{variant}/look-{look}"


def read_rows(study: Path, plan: Plan, cells: Mapping[Cell, int]) -> pd.DataFrame:
    """The rows of all seeds: variant, task, env_id, run, seed, iteration, env_steps, status and the metric.

    `cells` says how many looks each variant has on each task.

    Raises:
        InputError: A run cannot be read.
    """
    runs = [
        (task, variant, study / run_directory(task, variant, look))
        for (task, variant), looks in cells.items()
        for look in range(1, looks + 1)
    ]
    frame, files = read_progress([(path / PROGRESS, False) for _, _, path in runs], [plan.metric])
    parts = []
    for task, variant, path in runs:
        rows = frame.iloc[files[path / PROGRESS].rows]
        env_id = str(read_info(path)["env_id"])
        parts.append(rows.assign(variant=variant, task=task, env_id=env_id, finished=True))
    return pd.concat(parts, ignore_index=True)


def aligned(plan: Plan, rows: pd.DataFrame, task: str) -> Task:
    """The seeds of one task on a common grid.

    Raises:
        InputError: No seed has a value of the metric.
    """
    found = align(rows[rows["task"] == task], plan.metric, plan.known_references)
    if found is None:
        raise InputError(f"tasks.{task}: no seed has a value of {plan.metric}; expected: a metric that the runs write")
    return found


def scores_of(plan: Plan, rows: pd.DataFrame, task: str) -> dict[str, pd.Series]:
    """Scores of each variant's seeds on a task, sorted by seed. Higher is better.

    Raises:
        InputError: A seed has no score.
    """
    score = plan.scored
    extra = () if plan.score in built_in() else (score,)
    table = seed_scores(aligned(plan, rows, task), plan.last, None, plan.lower_is_better, extra)
    here = rows[rows["task"] == task]
    found = {}
    for variant in plan.variants:
        seeds = np.sort(here.loc[here["variant"] == variant, "seed"].unique())
        own = table[table["variant"] == variant].set_index("seed")[score.name].reindex(seeds)
        if own.isna().any():
            raise InputError(
                f"{variant} on {task}: {int(own.isna().sum())} of {len(seeds)} seeds have no score, since no episode "
                "ended; expected: more iterations"
            )
        found[variant] = plan.sign * own.astype(float)
    return found


def failures(rows: pd.DataFrame) -> dict[Cell, tuple[int, int]]:
    """(failed, all) seeds of each task and variant with failed seeds."""
    seeds = rows.assign(failed=rows[STATUS] != OK).groupby(["task", "variant", "seed"], observed=True)["failed"].any()
    counts = seeds.groupby(["task", "variant"], observed=True).agg(["sum", "size"])
    return {
        (str(task), str(variant)): (int(failed), int(number))
        for (task, variant), failed, number in zip(counts.index, counts["sum"], counts["size"], strict=True)
        if failed
    }


def open_cells(plan: Plan, undecided: Sequence[Question]) -> list[Cell]:
    """The tasks and variants that the undecided questions are about, in the plan's order."""
    asked = {(q.task, name) for q in undecided for name in (q.a, q.b)}
    return [(task, variant) for task in plan.tasks for variant in plan.variants if (task, variant) in asked]
