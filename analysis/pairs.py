"""What is said of each pair of variants: differences with intervals, tests corrected for all pairs, and the verdict."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import statistics as st
from analysis.numbers import interval, number, p_value
from analysis.summary import ALL_TASKS, CONFIDENCE, samples, stream

LEVEL = 0.05
POWER = 0.8
VERBS = {"final": "ends", "auc": "averages", "best": "peaks"}


@dataclass(frozen=True)
class Pair:
    """Two variants on one task (or on all of them): the scores `x` of `a` and `y` of `b`, one array per stratum."""

    env_id: str
    a: str
    b: str
    x: list[np.ndarray]
    y: list[np.ndarray]

    @property
    def testable(self) -> bool:
        """Whether every stratum has the two seeds that a variance takes."""
        return min(len(sample) for sample in (*self.x, *self.y)) >= 2


def pair_table(families: Sequence[tuple[str, pd.DataFrame]], score: str) -> pd.DataFrame:
    """One row per task and pair of variants, the one with the higher mean being `a`. `holm_p` is corrected over all
    rows.

    `families`: the scores of a task under its env_id, and those of all tasks, normalised, under ALL_TASKS.
    """
    pairs: list[Pair] = []
    log_rank: list[float] = []
    for env_id, scores in families:
        by_variant = samples(scores, "normalised" if env_id == ALL_TASKS else score)
        times = {str(variant): rows for variant, rows in scores.groupby("variant", observed=True)}
        for a, b in itertools.combinations(best_first(by_variant), 2):
            pairs.append(Pair(env_id, a, b, by_variant[a], by_variant[b]))
            log_rank.append(np.nan if env_id == ALL_TASKS else log_rank_p(times[a], times[b]))
    tests = sum(pair.testable for pair in pairs)
    rows = [compare(pair, score, tests) for pair in pairs]
    table = pd.DataFrame(rows, columns=COLUMNS).assign(log_rank_p=log_rank, holm_p=np.nan)
    tested = table["permutation_p"].notna()
    table.loc[tested, "holm_p"] = st.holm(table.loc[tested, "permutation_p"].to_numpy())
    return table


def best_first(by_variant: dict[str, list[np.ndarray]]) -> list[str]:
    """Variants by the mean of their scores, averaged over strata."""
    return sorted(by_variant, key=lambda name: (-np.mean([sample.mean() for sample in by_variant[name]]), name))


COLUMNS = ["env_id", "a", "b", "n_a", "n_b", "difference", "difference_low", "difference_high", "cohens_d"]
COLUMNS += ["probability_of_improvement", "probability_low", "probability_high"]
COLUMNS += ["welch_p", "permutation_p", "detectable"]


def compare(pair: Pair, score: str, tests: int) -> dict[str, object]:
    """A row of pair_table; `tests` is the number of tests that share the level."""
    both = [sample for stratum in zip(pair.x, pair.y, strict=True) for sample in stratum]
    words = (pair.env_id, pair.a, pair.b, score)
    row: dict[str, object] = {"env_id": pair.env_id, "a": pair.a, "b": pair.b}
    row |= {"n_a": sum(map(len, pair.x)), "n_b": sum(map(len, pair.y))}
    row["difference"] = float(st.difference(*both))
    row["difference_low"], row["difference_high"] = st.bootstrap_interval(
        both, st.difference, stream(*words, "difference"), CONFIDENCE
    )
    row["probability_of_improvement"] = float(st.probability_of_improvement(*both))
    row["probability_low"], row["probability_high"] = st.bootstrap_interval(
        both, st.probability_of_improvement, stream(*words, "probability"), CONFIDENCE
    )
    if pair.testable:
        row["cohens_d"] = float(np.mean([st.cohens_d(x, y) for x, y in zip(pair.x, pair.y, strict=True)]))
        row["welch_p"] = st.welch_test(pair.x[0], pair.y[0]) if len(pair.x) == 1 else np.nan
        row["permutation_p"] = st.permutation_test(pair.x, pair.y, stream(*words, "permutation"))
        row["detectable"] = st.detectable_difference(pair.x, pair.y, LEVEL / tests, POWER)
    return row


def log_rank_p(a: pd.DataFrame, b: pd.DataFrame) -> float:
    x, y = ((rows["time"].to_numpy(), rows["reached"].to_numpy()) for rows in (a, b))
    return st.log_rank_test(x, y)


def verdict(row: pd.Series, score: str) -> str:
    """One sentence: which of two variants is better by how much and how sure, or that these seeds cannot tell."""
    better, worse = row["a"], row["b"]
    n = f"n = {row['n_a']} each" if row["n_a"] == row["n_b"] else f"n = {row['n_a']} and {row['n_b']}"
    where = f"over {ALL_TASKS} (normalised)" if row["env_id"] == ALL_TASKS else f"on {row['env_id']}"
    lead = f"{better} {VERBS[score]} {number(row['difference'])} higher than {worse}"
    if not np.isfinite(row["permutation_p"]):
        return f"{lead} {where}, but one seed is no evidence: {n}."
    chance = row["probability_of_improvement"]
    between = interval(row["difference_low"], row["difference_high"])
    evidence = f"95% interval {between}, Holm {p_value(row['holm_p'])}"
    if row["holm_p"] <= LEVEL:
        return f"{lead} {where}: {evidence}, P({better} > {worse}) = {chance:.2f}, {n}."
    found = f"a difference of {number(row['detectable'])} would have been found with probability {POWER:.0%}"
    seeds = f"{row['n_a']} seeds" if row["n_a"] == row["n_b"] else f"{row['n_a']} and {row['n_b']} seeds"
    return f"{seeds} cannot tell {better} and {worse} apart {where}: {lead} ({evidence}); {found}."
