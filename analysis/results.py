"""Results of a comparison: aligned tasks, scores, summary, pairs of variants, and the sentences about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import pandas as pd

from analysis.aggregates import differences, sentences, with_scores
from analysis.alignment import Task, align
from analysis.choices import Choices, check
from analysis.numbers import p_value, steps
from analysis.pairs import lead_text, pair_table, verdict
from analysis.runs.dataset import Dataset
from analysis.scores import Scale, built_in, normalised, scales_of, seed_scores
from analysis.summary import ALL_TASKS, Overall, overall_table, summary_table

MOST_SHOWN = 8
"""Largest number of variants that are drawn and tested against each other."""


@dataclass(frozen=True)
class Scored:
    """Scored runs.

    Attributes:
        tasks: the aligned tasks, by env_id.
        scales: the scales of the tasks that have one, by env_id.
        scores: one row per scored seed.
    """

    tasks: dict[str, Task]
    scales: dict[str, Scale]
    scores: pd.DataFrame


def scored(dataset: Dataset, choices: Choices) -> Scored:
    """Aligns and scores the runs.

    Raises:
        InputError: The user's score does not work.
    """
    aligned = {
        str(env_id): align(rows, choices.metric, choices.known_references, choices.include_unfinished)
        for env_id, rows in dataset.frame.groupby("env_id", observed=True)
    }
    tasks = {env_id: task for env_id, task in aligned.items() if task is not None}
    scores = all_scores(tasks, choices)
    scales = scales_of(tasks, scores, choices.scored.name, choices.lower_is_better)
    scores["normalised"] = normalised(scores, scales, choices.scored.name)
    return Scored(tasks, scales, scores)


@dataclass(frozen=True)
class Results:
    """Tables and sentences of a comparison.

    Attributes:
        tasks: the aligned tasks, by env_id.
        scales: their scales, by env_id.
        scores: one row per scored seed.
        summary: one row per task and variant.
        normalised: the scores of variants that have some on every task.
        overall: one row per variant over all tasks.
        pairs: one row per task and pair of the `shown` variants.
        pairs_without_failures: the same without the seeds that failed.
        shown: the variants that are drawn and tested.
        warnings: what a reader must know, one sentence each.
    """

    dataset: Dataset
    choices: Choices
    tasks: dict[str, Task]
    scales: dict[str, Scale]
    scores: pd.DataFrame
    summary: pd.DataFrame
    normalised: pd.DataFrame
    overall: pd.DataFrame
    pairs: pd.DataFrame
    pairs_without_failures: pd.DataFrame
    shown: list[str]
    warnings: list[str]

    @classmethod
    def of(cls, dataset: Dataset, choices: Choices) -> Self:
        """Aligns, scores and compares the runs.

        Raises:
            InputError: A choice is out of range, or a function of the user's does not work.
        """
        own = check(choices, dataset)
        found = scored(dataset, choices)
        tasks, scales, scores = found.tasks, found.scales, found.scores
        warnings = [*dataset.warnings, *empty_tasks(dataset, tasks, choices.metric)]
        score = choices.scored.name
        summary = summary_table(scores, dataset.seeds, score, choices.lower_is_better, own)
        warnings += unscored(summary, tasks)
        shown = shown_variants(summary, choices)
        if len(shown) < (variants := summary["variant"].nunique()) and len(shown) == MOST_SHOWN:
            warnings.append(
                f"{variants} variants: the best {len(shown)} are drawn and tested, all are in summary.csv. The best of "
                "many, tested on the seeds that made them best, look better than they are."
            )
        everywhere, notes = on_all_tasks(scores, tasks, scales, shown)
        warnings += notes
        overall = Overall(pd.DataFrame(), {})
        if len(everywhere):
            first = {env_id: task.first for env_id, task in tasks.items()}
            overall = overall_table(everywhere, scales, first, score, own)
        pairs = compared_pairs(dataset, choices, scores, everywhere, scales, shown)
        pairs = with_observed_scales(pairs, overall)
        without = pd.DataFrame()
        if len(scores) and scores["failed"].any():
            rest, rest_everywhere = scores[~scores["failed"].astype(bool)], everywhere
            if len(everywhere):
                rest_everywhere = complete(everywhere[~everywhere["failed"].astype(bool)])
            without = compared_pairs(dataset, choices, rest, rest_everywhere, scales, shown)
        return cls(
            dataset, choices, tasks, scales, scores, summary, everywhere, overall.table, pairs, without, shown, warnings
        )

    @property
    def ordered_pairs(self) -> pd.DataFrame:
        """The pairs in the order of the report: over all tasks first, then by task; the surest first."""
        if not len(self.pairs):
            return self.pairs
        order = self.pairs.assign(task=self.pairs["env_id"] != ALL_TASKS, p=self.pairs["adjusted_p"])
        return order.sort_values(["task", "env_id", "p"], kind="stable").drop(columns=["task", "p"])

    @property
    def verdicts(self) -> list[str]:
        """One verdict per pair: which variant is better, by how much, and how sure that is. Over all tasks first."""
        return [self.verdict(row) for _, row in self.ordered_pairs.iterrows()]

    def verdict(self, row: pd.Series) -> str:
        """The verdict on one row of `pairs`."""
        sentences = [verdict(row, self.choices.scored.verb), self._horizon(row), self._failures(row)]
        return " ".join(sentence for sentence in sentences if sentence)

    def _horizon(self, row: pd.Series) -> str:
        """The env steps at which the pair was compared, unless both variants end there."""
        parts = []
        for env_id in self.tasks if row["env_id"] == ALL_TASKS else [row["env_id"]]:
            seeds = self.dataset.seeds
            here = seeds[(seeds["env_id"] == env_id) & seeds["variant"].isin([row["a"], row["b"]])]
            longest, horizon = float(here["asked"].max()), self.tasks[env_id].horizon
            if steps(horizon) != steps(longest):
                where = f" on {env_id}" if row["env_id"] == ALL_TASKS else ""
                parts.append(f"{steps(horizon)} of {steps(longest)} env steps{where}")
        return f"Compared at {', '.join(parts)}." if parts else ""

    def _failures(self, row: pd.Series) -> str:
        """How many seeds failed, and the difference without them."""
        scores = self.normalised if row["env_id"] == ALL_TASKS else self.scores[self.scores["env_id"] == row["env_id"]]
        what = "runs" if row["env_id"] == ALL_TASKS else "seeds"
        counts = []
        for variant in (row["a"], row["b"]):
            own = scores[scores["variant"] == variant]
            if failed := int(own["failed"].sum()):
                counts.append(f"{failed} of {len(own)} {what} of {variant}")
        if not counts:
            return ""
        start = f"{' and '.join(counts)} failed"
        same_pair = self.pairs_without_failures
        if len(same_pair):
            names = {row["a"], row["b"]}
            here = (same_pair["env_id"] == row["env_id"]) & same_pair["a"].isin(names) & same_pair["b"].isin(names)
            for _, other in same_pair[here].iterrows():
                p = "" if pd.isna(other["adjusted_p"]) else f", adjusted {p_value(other['adjusted_p'])}"
                return f"{start}; without them {lead_text(other, self.choices.scored.verb)} ({other['outcome']}{p})."
        return f"{start}; without them nothing is left to compare."

    @cached_property
    def with_aggregates(self) -> pd.DataFrame:
        """Means of tables without seeds, beside those of the variants with seeds. Empty if there are no such tables."""
        if not len(self.dataset.aggregates):
            return self.dataset.aggregates
        return with_scores(self.dataset.aggregates, self.scores, self.choices.scored.name)

    @cached_property
    def aggregate_pairs(self) -> pd.DataFrame:
        """One row per task and pair in which a variant has no seeds: difference and interval, without a test."""
        return differences(self.with_aggregates) if len(self.with_aggregates) else pd.DataFrame()

    def __str__(self) -> str:
        told = [*(f"Note: {sentence}" for sentence in self.warnings), *self.verdicts]
        return "\n".join([*told, *(sentences(self.aggregate_pairs) if len(self.aggregate_pairs) else [])])


def compared_pairs(
    dataset: Dataset,
    choices: Choices,
    scores: pd.DataFrame,
    everywhere: pd.DataFrame,
    scales: Mapping[str, Scale],
    shown: Sequence[str],
) -> pd.DataFrame:
    """Every pair of the shown variants, on each task and over all tasks."""
    families = [
        (str(env_id), rows)
        for env_id, rows in scores[scores["variant"].isin(shown)].groupby("env_id", observed=True)
        if rows["variant"].nunique() > 1
    ]
    margins = {env_id: choices.margin * scale.width for env_id, scale in scales.items()}
    if len(everywhere) and everywhere["variant"].nunique() > 1:
        families.append((ALL_TASKS, everywhere))
        margins[ALL_TASKS] = choices.margin
    return pair_table(
        families,
        choices.scored.name,
        reference=choices.reference,
        margins=margins,
        pairings=dataset.pairings,
        lower_is_better=choices.lower_is_better,
    )


def with_observed_scales(pairs: pd.DataFrame, overall: Overall) -> pd.DataFrame:
    """The pairs over all tasks, with intervals that allow for the uncertainty of an observed scale."""
    if not overall.differences or not len(pairs):
        return pairs
    pairs = pairs.copy()
    for index, row in pairs[pairs["env_id"] == ALL_TASKS].iterrows():
        ratio = overall.differences[row["a"], row["b"]]
        for limit in ("difference_low", "difference_high"):
            pairs.loc[index, limit] = row["difference"] + ratio * (row[limit] - row["difference"])
    return pairs


def all_scores(tasks: Mapping[str, Task], choices: Choices) -> pd.DataFrame:
    """The scores of every task."""
    columns = ["env_id", "variant", "seed", "failed", *built_in(), "time", "reached", "threshold"]
    each = [pd.DataFrame(columns=[*columns, *(score.name for score in choices.extra)])]
    for env_id, task in tasks.items():
        threshold = choices.thresholds.get(env_id, choices.thresholds.get(""))
        each.append(seed_scores(task, choices.last, threshold, choices.lower_is_better, choices.extra))
    return pd.concat(each[1:] or each, ignore_index=True)


def empty_tasks(dataset: Dataset, tasks: Mapping[str, Task], metric: str) -> list[str]:
    absent = sorted(set(dataset.seeds["env_id"]) - set(tasks))
    notes = []
    for env_id in absent:
        states = set(dataset.seeds.loc[dataset.seeds["env_id"] == env_id, "state"])
        if states <= {"unfinished", "no rows"}:
            notes.append(f"{env_id}: no seed has finished, so none is scored; --include-unfinished scores them.")
        else:
            notes.append(f"{env_id}: no seed has a value of {metric}; nothing to compare.")
    return notes


def unscored(summary: pd.DataFrame, tasks: Mapping[str, Task]) -> list[str]:
    """A sentence for each variant of which some finished or failed seeds have no score."""
    notes = []
    for row in summary.to_dict("records"):
        left_out = row["seeds"] - row["scored"]
        if left_out and row["env_id"] in tasks:
            horizon = steps(tasks[row["env_id"]].horizon)
            notes.append(
                f"{left_out} of {row['seeds']} seeds of {row['variant']} on {row['env_id']} are not scored: they have "
                f"not finished, did not reach the horizon of {horizon} env steps, or have no value there."
            )
    return notes


def shown_variants(summary: pd.DataFrame, choices: Choices) -> list[str]:
    """The variants to draw and to test against each other, sorted by name: the best MOST_SHOWN.

    Best by their mean rank over tasks. The reference variant is always among them.
    """
    scored = summary.dropna(subset="mean") if "mean" in summary else summary.iloc[:0]
    if not len(scored):
        return []
    ranks = scored.groupby("env_id")["mean"].rank(ascending=choices.lower_is_better)
    order = ranks.groupby(scored["variant"]).mean().sort_values(kind="stable").index.tolist()
    if choices.reference in order:
        order.insert(0, order.pop(order.index(choices.reference)))
    return sorted(order[:MOST_SHOWN])


def on_all_tasks(
    scores: pd.DataFrame, tasks: Mapping[str, Task], scales: Mapping[str, Scale], shown: Sequence[str]
) -> tuple[pd.DataFrame, list[str]]:
    """Scores of the variants that have some on every task with a scale, and notes on what was left out."""
    if len(tasks) < 2:
        return scores.iloc[:0], []
    notes = [
        f"{env_id} has no reference and no variant got better than untrained: it is left out of “all tasks”."
        for env_id in tasks
        if env_id not in scales
    ]
    observed = [env_id for env_id, scale in scales.items() if not scale.fixed]
    if observed:
        notes.append(
            f"{', '.join(observed)}: no reference, so scores are normalised by what was observed here (0: untrained, "
            "1: the best variant's mean). Such a scale depends on the variants in this report; --references FILE "
            "fixes it."
        )
    usable = scores[scores["env_id"].isin(scales) & scores["variant"].isin(shown)]
    if len(scales) < 2:
        return scores.iloc[:0], notes
    everywhere = complete(usable)
    kept = set(everywhere["variant"])
    for variant in shown if kept else []:
        if variant not in kept:
            have = set(usable.loc[usable["variant"] == variant, "env_id"])
            missing = sorted(set(scales) - have)
            notes.append(f"{variant} is not in “all tasks”: it has no scores on {', '.join(missing)}.")
    return everywhere, notes


def complete(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores of the variants that have some on every task."""
    count = scores.groupby("variant")["env_id"].nunique()
    return scores[scores["variant"].isin(count.index[count == scores["env_id"].nunique()])]
