"""Verdicts on fresh seeds: which tuned variant is better, by the statistics of every comparison."""

import pandas as pd

from analysis.choices import MARGIN
from analysis.numbers import steps
from analysis.pairs import pair_table
from analysis.pairs import verdict as told
from analysis.references import references_for
from analysis.scores import Scale, find_score, normalised
from analysis.summary import ALL_TASKS
from analysis.tuning.study import PRESET, TUNED, Study
from analysis.tuning.winners import PER_TASK


def names(fresh: pd.DataFrame) -> pd.Series:
    """The name of each fresh run's variant: "ppo (tuned)", "ppo (preset)"."""
    return fresh["variant"] + " (" + fresh["origin"] + ")"


def fresh_pairs(study: Study) -> pd.DataFrame:
    """One row per task and pair of tuned variants, and over all tasks if each has fixed ends of its scale."""
    tuned = study.fresh[study.fresh["origin"] == TUNED]
    return pairs(study, tuned.assign(variant=names(tuned)))


def preset_pairs(study: Study) -> pd.DataFrame:
    """One row per task and variant: tuned against preset."""
    tables = [
        pairs(study, rows.assign(variant=names(rows)))
        for _, rows in study.fresh.groupby("variant", sort=False)
        if PRESET in set(rows["origin"])
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def pairs(study: Study, scores: pd.DataFrame) -> pd.DataFrame:
    """Every pair of the variants in `scores`."""
    plan = study.plan
    known = references_for(plan["metric"], {}, plan["lower_is_better"])
    families = [
        (str(env_id), rows) for env_id, rows in scores.groupby("env_id", sort=False) if rows["variant"].nunique() > 1
    ]
    scales = {env_id: Scale.of(known[env_id]) for env_id in scores["env_id"].unique() if env_id in known}
    margins = {env_id: MARGIN * scale.width for env_id, scale in scales.items()}
    if len(families) > 1 and all(env_id in scales for env_id, _ in families):
        families.append((ALL_TASKS, scores.assign(normalised=normalised(scores, scales, "score"))))
        margins[ALL_TASKS] = MARGIN
    if not families:
        return pd.DataFrame()
    return pair_table(families, "score", margins=margins or None, lower_is_better=plan["lower_is_better"])


def verdicts(study: Study, table: pd.DataFrame) -> list[str]:
    """One verdict per row, those over all tasks first."""
    if not len(table):
        return []
    verb = find_score(study.plan["score"]).verb
    order = table.assign(task=table["env_id"] != ALL_TASKS).sort_values(["task", "env_id"], kind="stable")
    return [told(row, verb) for _, row in order.iterrows()]


def tuned_by(study: Study) -> str:
    """One sentence about the tuning of all variants: the method and the budget, which is the same for each."""
    plan = study.plan
    budgets = sorted(set(plan["budgets"].values()))
    each = steps(budgets[0]) if len(budgets) == 1 else f"{steps(budgets[0])} to {steps(budgets[-1])} (by task)"
    how = "a grid" if plan["sampler"] == "grid" else f"{plan['sampler']} search"
    where = "on each task" if plan["scope"] == PER_TASK else "for all tasks together"
    return (
        f"Every variant was tuned {where}, by {how}: {plan['trials']} trials of {plan['seeds']} seeds, with {each} "
        "env steps per seed. No test seed was used for tuning."
    )
