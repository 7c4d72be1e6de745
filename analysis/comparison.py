"""Everything that is known about a set of runs once they are compared: aligned tasks, scores, summary, pairs."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.alignment import Task, align
from analysis.dataset import Dataset
from analysis.numbers import steps
from analysis.pairs import pair_table
from analysis.plots.style import COLORS
from analysis.scores import SCORES, normalised, seed_scores
from analysis.summary import ALL_TASKS, overall_table, summary_table


@dataclass(frozen=True)
class Choices:
    """What to compare: a `metric` of progress.csv, the `score` made of it (scores.SCORES), how many grid points a
    final score takes, the x axis of the curves, and thresholds by task (or for every task, under "")."""

    metric: str
    score: str
    last: int
    x: str
    thresholds: Mapping[str, float]

    @property
    def score_text(self) -> str:
        return SCORES[self.score].format(last=self.last)


@dataclass(frozen=True)
class Comparison:
    """`tasks` by env_id; `scores`, one row per scored seed; `summary`, one row per task and variant; `overall`, one
    row per variant over all tasks, and `normalised`, the scores it is made of; `pairs`, one row per task and pair of
    the `shown` variants."""

    dataset: Dataset
    choices: Choices
    tasks: dict[str, Task]
    scores: pd.DataFrame
    summary: pd.DataFrame
    normalised: pd.DataFrame
    overall: pd.DataFrame
    pairs: pd.DataFrame
    shown: list[str]
    warnings: list[str]


def build(dataset: Dataset, choices: Choices) -> Comparison:
    """Aligns, scores and compares what was loaded."""
    aligned = {
        str(env_id): align(rows, choices.metric) for env_id, rows in dataset.frame.groupby("env_id", observed=True)
    }
    tasks = {env_id: task for env_id, task in aligned.items() if task is not None}
    warnings = [*dataset.warnings, *empty_tasks(dataset, tasks, choices.metric)]
    scores = all_scores(tasks, choices)
    summary = summary_table(scores, dataset.seeds, choices.score)
    warnings += unscored(summary, tasks)
    shown = shown_variants(summary)
    if len(shown) < (variants := summary["variant"].nunique()):
        warnings.append(
            f"{variants} variants: the best {len(shown)} are drawn and tested, all are in summary.csv. The best of "
            "many, tested on the seeds that made them best, look better than they are."
        )
    families = [(env_id, scores[(scores["env_id"] == env_id) & scores["variant"].isin(shown)]) for env_id in tasks]
    overall = pd.DataFrame()
    everywhere = on_all_tasks(scores, shown)
    if len(tasks) > 1 and len(everywhere):
        families.append((ALL_TASKS, everywhere))
        overall = overall_table(everywhere)
    pairs = pair_table(families, choices.score)
    return Comparison(dataset, choices, tasks, scores, summary, everywhere, overall, pairs, shown, warnings)


def all_scores(tasks: Mapping[str, Task], choices: Choices) -> pd.DataFrame:
    """The scores of every task, with the column `normalised`."""
    columns = ["env_id", "variant", "seed", *SCORES, "time", "reached", "threshold"]
    each = [pd.DataFrame(columns=columns)]
    for env_id, task in tasks.items():
        threshold = choices.thresholds.get(env_id, choices.thresholds.get(""))
        each.append(seed_scores(task, choices.last, threshold))
    scores = pd.concat(each[1:] or each, ignore_index=True)
    return scores.assign(normalised=normalised(scores, tasks.values(), choices.score))


def empty_tasks(dataset: Dataset, tasks: Mapping[str, Task], metric: str) -> list[str]:
    absent = sorted(set(dataset.seeds["env_id"]) - set(tasks))
    return [f"{env_id}: no seed has a value of {metric}; nothing to compare." for env_id in absent]


def unscored(summary: pd.DataFrame, tasks: Mapping[str, Task]) -> list[str]:
    """A sentence for each variant whose seeds do not all have a score."""
    notes = []
    for row in summary.to_dict("records"):
        left_out = row["seeds"] - row["scored"]
        if left_out and row["env_id"] in tasks:
            horizon = steps(tasks[row["env_id"]].grid[-1])
            notes.append(
                f"{left_out} of {row['seeds']} seeds of {row['variant']} on {row['env_id']} are not scored: they did "
                f"not reach the {horizon} env steps compared at, or have no value."
            )
    return notes


def shown_variants(summary: pd.DataFrame) -> list[str]:
    """The variants to draw and to test against each other, sorted: all, or as many of the best as there are colours.

    Best by their mean rank over tasks.
    """
    scored = summary.dropna(subset="mean") if "mean" in summary else summary.iloc[:0]
    if not len(scored):
        return []
    ranks = scored.groupby("env_id")["mean"].rank(ascending=False).groupby(scored["variant"]).mean()
    return sorted(ranks.sort_values(kind="stable").index[: len(COLORS)])


def on_all_tasks(scores: pd.DataFrame, shown: list[str]) -> pd.DataFrame:
    """The scores of the variants that have normalised ones on every task."""
    usable = scores[scores["normalised"].notna() & scores["variant"].isin(shown)]
    count = usable.groupby("variant")["env_id"].nunique()
    return usable[usable["variant"].isin(count.index[count == usable["env_id"].nunique()])]
