"""One row per seed: the numbers that variants are compared on."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from analysis import statistics as st
from analysis.alignment import Task

SCORES = {
    "final": "mean of the last {last} grid points",
    "auc": "mean over training (area under the curve per env step)",
    "best": "highest grid point",
}

THRESHOLD_SHARE = 0.9


def seed_scores(task: Task, last: int, threshold: float | None = None) -> pd.DataFrame:
    """One row per scored seed: env_id, variant, seed, final, auc, best, time, reached, threshold.

    `last` points make a final score. `time` is the env steps to `threshold` (None: see default_threshold), censored
    where `reached` is False; seeds that are not scored are left out. A failed seed's final score is the task's floor.
    """
    frames = []
    for variant, aligned in task.variants.items():
        values = aligned.values[aligned.scored]
        failed = aligned.failed[aligned.scored]
        frames.append(
            pd.DataFrame(
                {
                    "env_id": task.env_id,
                    "variant": variant,
                    "seed": aligned.seeds[aligned.scored],
                    "final": np.where(failed, task.floor, st.final(values, last)),
                    "auc": st.area_under_curve(values, task.grid),
                    "best": st.best(values),
                }
            )
        )
    scores = pd.concat(frames, ignore_index=True)
    threshold = default_threshold(task, scores) if threshold is None else threshold
    times = [st.time_to_threshold(a.values[a.scored], task.grid, threshold) for a in task.variants.values()]
    return scores.assign(
        time=np.concatenate([time for time, _ in times]),
        reached=np.concatenate([reached for _, reached in times]),
        threshold=threshold,
    )


def default_threshold(task: Task, scores: pd.DataFrame) -> float:
    """Nine tenths of the way from the untrained return to the best variant's median final score."""
    top = float(scores.groupby("variant")["final"].median().max())
    return task.untrained + THRESHOLD_SHARE * (top - task.untrained)


def normalised(scores: pd.DataFrame, tasks: Iterable[Task], score: str) -> pd.Series:
    """`score` with 0 for the task's untrained return and 1 for its best seed, as in table 1 of the PPO paper.

    NaN on a task where no seed is better than untrained.
    """
    untrained = scores["env_id"].map({task.env_id: task.untrained for task in tasks}).astype(float)
    top = scores.groupby("env_id")[score].transform("max")
    return ((scores[score] - untrained) / (top - untrained)).where(top > untrained)
