"""Sensitivity: how much a variant depends on being tuned to each task.

After Adkins et al. 2024, "A method for evaluating hyperparameter sensitivity in reinforcement learning". Scores are
normalised by each task's empirical distribution (winners.normalised_scores). The same settings must have been tried on
every task.
"""

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.tuning.space import Distribution
from analysis.tuning.surrogate import fit, unit_cube, unordered
from analysis.tuning.winners import normalised_scores

KEPT = 0.95
"""Share of the per-task score that the settings of the effective dimension must keep."""


def sensitivity(means: pd.DataFrame, sign: float = 1.0) -> pd.DataFrame:
    """One row per variant: how much tuning to each task gains over one setting for all.

    Columns: `per_task`, the mean over tasks of its best normalised score; `all_tasks`, the mean of the one trial that
    is best over all tasks; `sensitivity`, their difference; `trial`, the number of that trial. `means` has one row per
    trial: variant, env_id, trial, score.
    """
    table = means.assign(share=normalised_scores(means, sign))
    rows = []
    for variant, own in table.groupby("variant", sort=False):
        wide = own.pivot(index="trial", columns="env_id", values="share").dropna()
        if not len(wide):
            continue
        per_task, one = float(wide.max().mean()), wide.mean(axis=1)
        rows.append(
            {
                "variant": variant,
                "per_task": per_task,
                "all_tasks": float(one.max()),
                "sensitivity": per_task - float(one.max()),
                "trial": int(one.index[int(one.to_numpy().argmax())]),
            }
        )
    return pd.DataFrame(rows, columns=["variant", "per_task", "all_tasks", "sensitivity", "trial"])


def effective_dimension(
    means: pd.DataFrame, settings: pd.DataFrame, space: Mapping[str, Distribution], variant: str, sign: float = 1.0
) -> tuple[int, tuple[str, ...], float] | None:
    """How many settings must be tuned to each task to keep 95% of the per-task score.

    The other settings are those of the one trial that is best over all tasks. No trial has such mixed settings, so a
    surrogate of each task's normalised scores predicts their scores.

    Returns:
        The number of settings, their keys, and the least skill of the tasks' models. None where a model explains
            nothing of trials that it has not seen.
    """
    table = means.assign(share=normalised_scores(means, sign))
    wide = table[table["variant"] == variant].pivot(index="trial", columns="env_id", values="share").dropna()
    points = unit_cube(settings.loc[wide.index], space)
    models = {env_id: fit(points, wide[env_id].to_numpy(), unordered(space)) for env_id in wide}
    skill = min(model.skill for model in models.values())
    if skill <= 0:
        return None
    common = points[int(wide.mean(axis=1).to_numpy().argmax())]
    best = {env_id: points[int(wide[env_id].to_numpy().argmax())] for env_id in wide}
    dims = range(len(space))

    def score(tuned: tuple[int, ...]) -> float:
        mixed = {env_id: np.where(np.isin(dims, tuned), own, common) for env_id, own in best.items()}
        return float(np.mean([models[env_id].predict(point[None])[0] for env_id, point in mixed.items()]))

    wanted = KEPT * score(tuple(dims))
    subsets = (max(itertools.combinations(dims, count), key=score) for count in dims)
    chosen = next((subset for subset in subsets if score(subset) >= wanted), tuple(dims))
    return len(chosen), tuple(list(space)[d] for d in chosen), skill
