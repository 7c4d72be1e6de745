"""Comparison with published means: variants of which only mean, deviation and number of seeds are known.

A test over seeds needs seeds, so there is none here. Welch's interval of a difference (Welch 1947) needs only means,
deviations and numbers; but it assumes normal scores, which cannot be checked.
"""

import itertools

import numpy as np
import pandas as pd

from analysis.numbers import interval, number
from analysis.statistics.estimates import of_moments, weighted
from analysis.summary import CONFIDENCE

COLUMNS = ["env_id", "a", "b", "n_a", "n_b", "difference", "difference_low", "difference_high"]

CAVEAT = (
    "Only the mean, the deviation and the number of seeds of these variants are known. The intervals are Welch's: they "
    "hold if scores are normal and the deviation is over seeds. Neither can be checked, so there is no test and no "
    "verdict. The source may compute its scores in another way than this report."
)


def with_scores(aggregates: pd.DataFrame, scores: pd.DataFrame, score: str) -> pd.DataFrame:
    """The tables without seeds, and on the same tasks the variants with seeds: variant, task, n, mean, std, file."""
    here = scores[scores["env_id"].isin(aggregates["task"])] if len(scores) else scores
    rows = [
        {
            "variant": str(variant),
            "task": str(env_id),
            "n": len(group),
            "mean": group[score].mean(),
            "std": group[score].std(ddof=1),
            "file": "",
        }
        for (env_id, variant), group in (here.groupby(["env_id", "variant"], observed=True) if len(here) else ())
    ]
    return pd.concat([aggregates, pd.DataFrame(rows, columns=aggregates.columns)], ignore_index=True)


def differences(table: pd.DataFrame) -> pd.DataFrame:
    """One row per task and pair in which at least one variant has no seeds. `table` is that of with_scores."""
    rows = []
    for env_id, group in table.groupby("task", sort=True):
        ordered = group.sort_values("mean", ascending=False, kind="stable").to_dict("records")
        for a, b in itertools.combinations(ordered, 2):
            if a["file"] or b["file"]:
                apart = weighted([of_moments(each["mean"], each["std"], each["n"]) for each in (a, b)], [1, -1])
                low, high = map(float, apart.limits(CONFIDENCE))
                rows.append((env_id, a["variant"], b["variant"], a["n"], b["n"], float(apart.value), low, high))
    return pd.DataFrame(rows, columns=COLUMNS)


def sentences(pairs: pd.DataFrame) -> list[str]:
    """One sentence per pair."""
    told = []
    for row in pairs.to_dict("records"):
        lead = f"{row['a']} has a mean {number(row['difference'])} higher than {row['b']} on {row['env_id']}"
        limits = f"95% interval {interval(row['difference_low'], row['difference_high'])}, if scores are normal"
        if np.isnan(row["difference_low"]):
            limits = "one seed has no deviation, so there is no interval"
        told.append(f"{lead} ({limits}; {row['n_a']} and {row['n_b']} seeds). No test: single seeds are not known.")
    return told
