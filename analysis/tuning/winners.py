"""The winning trial: on each task, or over all tasks by normalised scores."""

import numpy as np
import pandas as pd

PER_TASK, ALL_TASKS = "per_task", "all_tasks"


def normalised_scores(means: pd.DataFrame, sign: float = 1.0) -> pd.Series:
    """Each trial's normalised score: the share of all trials on its task, of any variant, that it is no worse than.

    The empirical distribution function of the task (Patterson et al. 2024, "Cross-environment hyperparameter setting
    benchmark"); ties count half. No task counts more because its returns are larger. `sign` is -1 where lower is
    better.
    """
    ranks = (sign * means["score"]).groupby(means["env_id"]).rank(method="average")
    counts = means.groupby("env_id")["score"].transform("size")
    return (ranks - 0.5) / counts


def winning_trials(means: pd.DataFrame, scope: str, sign: float = 1.0) -> pd.DataFrame:
    """One row per task and variant: env_id, variant, the winning `trial` and its `score`, the mean over seeds.

    Of equal trials the first wins. With `scope` all_tasks, the trial with the highest mean of normalised scores wins on
    every task; it must have a score on every task.
    """
    table = means.assign(merit=sign * means["score"])
    if scope == ALL_TASKS:
        share = table.assign(merit=normalised_scores(means, sign)).groupby(["variant", "trial"])["merit"]
        everywhere = share.mean().where(share.size() == means["env_id"].nunique(), -np.inf).rename("merit")
        table = table.drop(columns="merit").merge(everywhere.reset_index(), on=["variant", "trial"])
    ordered = table.sort_values(["merit", "trial"], ascending=[False, True], kind="stable")
    first = ordered.groupby(["env_id", "variant"], sort=False).head(1)
    return first[["env_id", "variant", "trial", "score"]].sort_values(["env_id", "variant"], ignore_index=True)
