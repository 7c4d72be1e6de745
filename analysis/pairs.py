"""Pairs of variants: differences with intervals, tests, and the verdict.

Every pair has one of three outcomes: one variant is better; both are practically the same (closer than a margin); or
these seeds leave it undecided. The chance of any false "better" on a page is at most 5%, and so is that of any false
"practically the same".
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import statistics as st
from analysis.numbers import interval, number, p_value
from analysis.statistics.multiplicity import LEVEL
from analysis.summary import ALL_TASKS, CONFIDENCE, stream

POWER = 0.8
BETTER, SAME, UNDECIDED = "better", "practically the same", "undecided"

PAIRED_FROM = 8
"""From this number of shared seeds on, a paired test is worth the degrees of freedom that it costs: see simulation.csv.
"""


@dataclass(frozen=True)
class Pair:
    """Two variants on one task (or on all tasks).

    Attributes:
        x: scores of `a`, one array per stratum.
        y: scores of `b`, one array per stratum.
        shared: whether both have the same seeds, in the same order, and runs of one seed began alike.
    """

    env_id: str
    a: str
    b: str
    x: list[np.ndarray]
    y: list[np.ndarray]
    shared: bool

    @property
    def testable(self) -> bool:
        """Whether every stratum has two seeds, the fewest that have a variance."""
        return min(len(sample) for sample in (*self.x, *self.y)) >= 2

    @property
    def sizes(self) -> list[tuple[int, int]]:
        return [(len(x), len(y)) for x, y in zip(self.x, self.y, strict=True)]

    def pairable(self, level: float) -> bool:
        """Whether the variants are compared seed by seed. The rule looks at no score.

        Runs that begin alike share the first networks and the first states of each seed. Their differences are tested
        if there are enough seeds for that to pay, and for a test of signs to reach the `level`.
        """
        fewest = min(len(sample) for sample in self.x)
        return self.shared and fewest >= PAIRED_FROM and st.smallest_p(self.sizes, paired=True) <= level


def pair_table(
    families: Sequence[tuple[str, pd.DataFrame]],
    score: str,
    *,
    reference: str | None = None,
    margins: Mapping[str, float] | None = None,
    pairings: Mapping[str, str] | None = None,
    lower_is_better: bool = False,
) -> pd.DataFrame:
    """One row per task and pair of variants; `a` is the better one. The columns are COLUMNS.

    Args:
        families: scores of each task, under its env_id. Those of all tasks, normalised (higher is better), are under
            ALL_TASKS.
        score: column of the score.
        reference: the variant that the others are compared with. None: every two variants are compared.
        margins: by env_id and ALL_TASKS, the difference within which two variants are practically the same.
        pairings: by variant, the name of a group whose runs of one seed begin alike. Two variants of one group with the
            same seeds are tested seed by seed (Pair.pairable).
        lower_is_better: whether lower scores are better.
    """
    known = pairings or {}
    pairs: list[Pair] = []
    log_rank: list[float] = []
    for env_id, scores in families:
        column = "normalised" if env_id == ALL_TASKS else score
        lower = lower_is_better and env_id != ALL_TASKS
        by_variant = {str(variant): rows for variant, rows in scores.groupby("variant", observed=True)}
        seeds, values = seeds_and_values(by_variant, column)
        for a, b in itertools.combinations(best_first(values, lower), 2):
            if reference in (None, a, b):
                shared = seeds[a] == seeds[b] and a in known and known[a] == known.get(b)
                pairs.append(Pair(env_id, a, b, values[a], values[b], shared))
                timed = env_id != ALL_TASKS and "time" in scores
                log_rank.append(log_rank_p(by_variant[a], by_variant[b]) if timed else np.nan)
    tested = [pair for pair in pairs if pair.testable]
    weights, transitions = level_shares(tested)
    share = dict(zip(map(id, tested), weights, strict=True))
    rows = []
    for pair in pairs:
        margin = (margins or {}).get(pair.env_id, np.nan)
        sign = -1.0 if lower_is_better and pair.env_id != ALL_TASKS else 1.0
        paired = id(pair) in share and pair.pairable(LEVEL * share[id(pair)])
        rows.append(compare(pair, score, paired, len(tested), margin, sign))
    table = pd.DataFrame(rows, columns=COLUMNS).assign(log_rank_p_uncorrected=log_rank)
    where = table["p_uncorrected"].notna().to_numpy()
    table.loc[where, "adjusted_p"], shares = st.adjusted(
        table.loc[where, "p_uncorrected"].to_numpy(), weights, transitions
    )
    table.loc[where, "level"] = LEVEL * shares
    if margins:
        equivalence = table.loc[where, "equivalence_p_uncorrected"].fillna(1.0).to_numpy()
        table.loc[where, "equivalence_adjusted_p"] = st.adjusted(equivalence, weights, transitions)[0]
    chance = table["probability_p_uncorrected"].notna()
    table.loc[chance, "probability_adjusted_p"] = st.adjusted(
        table.loc[chance, "probability_p_uncorrected"].to_numpy(), weights, transitions
    )[0]
    return decide(table, pairs)


def seeds_and_values(
    by_variant: Mapping[str, pd.DataFrame], column: str
) -> tuple[dict[str, list[list[int]]], dict[str, list[np.ndarray]]]:
    """Seeds and scores of each variant, in the order of the seeds: one list per task, tasks sorted by name."""
    tasks = sorted({env_id for rows in by_variant.values() for env_id in rows["env_id"]})
    seeds: dict[str, list[list[int]]] = {}
    values: dict[str, list[np.ndarray]] = {}
    for variant, rows in by_variant.items():
        each = [rows[rows["env_id"] == env_id].sort_values("seed", kind="stable") for env_id in tasks]
        seeds[variant] = [part["seed"].tolist() for part in each]
        values[variant] = [part[column].to_numpy(dtype=float) for part in each]
    return seeds, values


def best_first(by_variant: Mapping[str, Sequence[np.ndarray]], lower_is_better: bool = False) -> list[str]:
    """Variants sorted by their mean score, averaged over strata."""
    sign = 1 if lower_is_better else -1
    return sorted(by_variant, key=lambda name: (sign * np.mean([s.mean() for s in by_variant[name]]), name))


def level_shares(pairs: Sequence[Pair]) -> tuple[np.ndarray, np.ndarray]:
    """How the tests share the level: those over all tasks first, then each pair on each task (st.all_tasks_first)."""
    names = sorted({frozenset((pair.a, pair.b)) for pair in pairs}, key=sorted)
    return st.all_tasks_first(
        [names.index(frozenset((pair.a, pair.b))) for pair in pairs], [pair.env_id == ALL_TASKS for pair in pairs]
    )


COLUMNS = ["env_id", "a", "b", "outcome", "tasks", "n_a", "n_b", "n_each", "paired", "correlation"]
COLUMNS += ["difference", "difference_low", "difference_high", "hedges_g", "hedges_g_low", "hedges_g_high"]
COLUMNS += ["p_uncorrected", "adjusted_p", "level", "permutation_p_uncorrected", "t_p_uncorrected"]
COLUMNS += ["margin", "equivalence_low", "equivalence_high", "equivalence_p_uncorrected", "equivalence_adjusted_p"]
COLUMNS += ["possible", "seeds_for_a_result", "detectable", "seeds_needed"]
COLUMNS += ["probability_of_improvement", "probability_low", "probability_high"]
COLUMNS += ["probability_p_uncorrected", "probability_adjusted_p", "log_rank_p_uncorrected"]
"""`n_a` and `n_b` are runs, over all `tasks`, `n_each` the seeds of each variant on each task where these are equal.
`level` is the share of 5% at which the pair was decided. `detectable` is the difference that these seeds find
with 80% power, `seeds_needed` the seeds per variant (and task) that find one of `margin`; both at `level`, and empty
where the pair is decided. The equivalence test at 5% asks for the 90% interval to lie within the margin.
P is filled in figures by `probability_adjusted_p`."""


def compare(pair: Pair, score: str, paired: bool, tests: int, margin: float, sign: float) -> dict[str, object]:
    """A row of pair_table without the values that depend on other rows. `sign` is -1 where lower is better."""
    x, y = pair.x, pair.y
    words = (pair.env_id, pair.a, pair.b, score)
    both = [sample for stratum in zip(x, y, strict=True) for sample in stratum]
    row: dict[str, object] = {"env_id": pair.env_id, "a": pair.a, "b": pair.b, "paired": paired}
    row |= {"tasks": len(x), "n_a": sum(map(len, x)), "n_b": sum(map(len, y))}
    row["n_each"] = len(x[0]) if len({len(sample) for sample in (*x, *y)}) == 1 else np.nan
    row["correlation"] = st.correlation(x, y) if pair.shared else np.nan
    row["difference"] = float(st.difference(*both))
    for_x, for_y = ([sign * sample for sample in strata] for strata in (x, y))
    ordered = [sample for stratum in zip(for_x, for_y, strict=True) for sample in stratum]
    row["probability_of_improvement"] = float(st.probability_of_improvement(*ordered))
    if not pair.testable:
        return row
    row["difference_low"], row["difference_high"] = map(float, st.difference_interval(x, y, CONFIDENCE, paired))
    row["probability_low"], row["probability_high"] = map(float, st.probability_interval(for_x, for_y, CONFIDENCE))
    row["probability_p_uncorrected"] = float(st.probability_test(for_x, for_y))
    row["hedges_g"] = float(np.mean([st.hedges_g(a, b) for a, b in zip(x, y, strict=True)]))
    if len(x) == 1:
        row["hedges_g_low"], row["hedges_g_high"] = st.hedges_g_interval(x[0], y[0], CONFIDENCE)
    t_p = st.t_test(x, y, paired)
    permutation_p = st.permutation_test(x, y, stream(*words, "permutation"), st.resamples_for(tests), paired)
    row |= {
        "t_p_uncorrected": t_p,
        "permutation_p_uncorrected": permutation_p,
        "p_uncorrected": max(t_p, permutation_p),
    }
    if np.isfinite(margin):
        row["margin"] = margin
        limits = st.difference_interval(x, y, 1 - 2 * LEVEL, paired)
        row["equivalence_low"], row["equivalence_high"] = map(float, limits)
        row["equivalence_p_uncorrected"] = st.equivalence_test(x, y, margin, stream(*words, "equivalence"), paired)
    return row


def decide(table: pd.DataFrame, pairs: Sequence[Pair]) -> pd.DataFrame:
    """Adds the outcomes, and for undecided pairs what their seeds could have found."""
    rows = []
    for row, pair in zip(table.to_dict("records"), pairs, strict=True):
        same = row["equivalence_adjusted_p"] <= LEVEL
        row["outcome"] = SAME if same else BETTER if row["adjusted_p"] <= LEVEL else UNDECIDED
        if pair.testable:
            level, paired = row["level"], row["paired"]
            row["possible"] = bool(
                st.smallest_p(pair.sizes, paired, st.resamples_for(len(pairs))) <= level * (1 + 1e-9)
            )
            if not row["possible"]:
                row["seeds_for_a_result"] = st.seeds_for_a_result(level, len(pair.x), paired)
            elif row["outcome"] == UNDECIDED:
                row["detectable"] = st.detectable_difference(pair.x, pair.y, level, POWER, paired)
            if row["outcome"] == UNDECIDED and row["margin"] > 0:
                row["seeds_needed"] = st.seeds_needed(pair.x, pair.y, row["margin"], level, POWER, paired)
        rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS)


def log_rank_p(a: pd.DataFrame, b: pd.DataFrame) -> float:
    x, y = ((rows["time"].to_numpy(), rows["reached"].to_numpy()) for rows in (a, b))
    return st.log_rank_test(x, y)


def ranks(pairs: pd.DataFrame, variants: Sequence[str]) -> dict[str, tuple[int, int]]:
    """The ranks that each variant may truly have, by the pairs that are told apart.

    Pairs over all tasks, if there are several tasks.
    """
    env_id = ALL_TASKS if (pairs["env_id"] == ALL_TASKS).any() else pairs["env_id"].iloc[0]
    found = pairs[(pairs["env_id"] == env_id) & (pairs["adjusted_p"] <= LEVEL)]
    return st.rank_limits(variants, list(zip(found["a"], found["b"], strict=True)))


def seeds_text(row: pd.Series) -> str:
    """The number of seeds in words: "5 seeds each", "36 and 6 seeds", "5 seeds each on 2 tasks"."""
    tasks = "" if row["tasks"] == 1 else f" on {row['tasks']} tasks"
    if np.isfinite(row["n_each"]):
        each = int(row["n_each"])
        return f"{each} seed{'s' * (each != 1)} each{tasks}"
    what = "seeds" if row["tasks"] == 1 else "runs"
    return f"{row['n_a']} and {row['n_b']} {what}{tasks}"


def lead_text(row: pd.Series, verb: str) -> str:
    """The observed difference in words: "ppo ends 12.3 higher than trpo"."""
    size = abs(row["difference"])
    if size == 0:
        return f"{row['a']} and {row['b']} score the same"
    direction = "higher" if row["difference"] > 0 else "lower"
    return f"{row['a']} {verb} {number(size)} {direction} than {row['b']}"


def verdict(row: pd.Series, verb: str) -> str:
    """One or two sentences: which variant is better, that both are practically the same, or what it would take to tell.

    `verb` is what a variant does with its score (scores.Score).
    """
    a, b = row["a"], row["b"]
    where = f"over {ALL_TASKS} (normalised)" if row["env_id"] == ALL_TASKS else f"on {row['env_id']}"
    lead, seeds = lead_text(row, verb), seeds_text(row)
    if not np.isfinite(row["p_uncorrected"]):
        return f"{lead} {where}, but one seed is no evidence: {seeds}."
    if row["paired"]:
        seeds += f", compared seed by seed (correlation {row['correlation']:.2f})"
    between = f"95% interval {interval(row['difference_low'], row['difference_high'])}"
    p = f"adjusted {p_value(row['adjusted_p'])}"
    if row["outcome"] == BETTER:
        chance = f"P({a} beats {b}) = {row['probability_of_improvement']:.2f}"
        return f"{lead} {where}: {between}, {p}, {chance}; {seeds}."
    if row["outcome"] == SAME:
        equal = f"equivalence test, adjusted {p_value(row['equivalence_adjusted_p'])}"
        same = f"{a} and {b} are practically the same {where}, within {number(row['margin'])} ({equal})"
        within = f"90% interval {interval(row['equivalence_low'], row['equivalence_high'])}"
        return f"{same}: {lead} ({within}); {seeds}."
    start = f"Undecided between {a} and {b} {where}: {lead} ({between}, {p}; {seeds})."
    if not row["possible"]:
        per = "seed each" if row["tasks"] == 1 else "seed each and task"
        needed = f"{row['seeds_for_a_result']:.0f} {per.replace('seed', 'seeds', 1)}"
        return (
            f"{start} No difference, however large, could have been found with so few seeds; {needed} could find one."
        )
    found = f"A difference of {number(row['detectable'])} would have been found with probability {POWER:.0%}"
    if row["difference_low"] == row["difference_high"]:
        found = "No seed differs"
    if np.isfinite(row["seeds_needed"]):
        more = "more than " * bool(row["seeds_needed"] >= st.MOST_SEEDS_PLANNED)
        found += f"; {more}{row['seeds_needed']:.0f} seeds each would find one of {number(row['margin'])}, the margin"
    return f"{start} {found}."
