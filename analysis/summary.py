"""Summaries: one row per task and variant, and one row per variant over all tasks, with intervals."""

import itertools
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis import statistics as st
from analysis.extensions import from_outside, one_line
from analysis.run_format import InputError
from analysis.runs.dataset import STATES
from analysis.scores import Scale

ALL_TASKS = "all tasks"
CONFIDENCE = 0.95
COVERAGE = 0.8  # of runs, held by the tolerance limits ...
TOLERANCE_CONFIDENCE = 0.9  # ... with at least this confidence

NAMES = {"mean": "mean", "iqm": "IQM", "median": "median", "lower_tail": "worst quarter"}
"""Names of the aggregates (st.AGGREGATES) in tables."""


@dataclass(frozen=True)
class OwnStatistic:
    """A statistic of the user's: a function of the scores of all seeds [..., n] and `axis` that returns one number."""

    name: str
    function: st.Statistic

    def __call__(self, scores: np.ndarray, axis: int = -1) -> np.ndarray:
        try:
            value = np.asarray(self.function(scores, axis=axis), dtype=float)
        except Exception as error:
            raise InputError(f"statistic {self.name}: {one_line(error)}") from error
        expected = np.delete(scores.shape, axis)
        if value.shape != tuple(expected):
            raise InputError(
                f"statistic {self.name} gave shape {value.shape} for scores of shape {scores.shape} and axis={axis}; "
                f"expected: {tuple(int(n) for n in expected)}"
            )
        return value


def find_statistic(name: str) -> OwnStatistic:
    """The statistic that MODULE:FUNCTION names.

    Raises:
        InputError: There is no such function, or its name is one of seedbed's.
    """
    function = from_outside(name, "statistic")
    label = str(getattr(function, "label", None) or function.__name__.replace("_", " "))
    if label in (*NAMES, *NAMES.values()):
        raise InputError(f"statistic {name!r} is called {label}, as one of seedbed's; expected: a name of its own")
    return OwnStatistic(label, function)


def stream(*words: str) -> np.random.Generator:
    """A random generator for each quantity, so that no number depends on the rest of the report."""
    return np.random.default_rng([zlib.crc32(word.encode()) for word in words])


def samples(scores: pd.DataFrame, score: str) -> dict[str, list[np.ndarray]]:
    """Scores of each variant, one array per task, tasks sorted by name."""
    tasks = sorted(scores["env_id"].unique())
    return {
        str(variant): [rows.loc[rows["env_id"] == task, score].to_numpy(dtype=float) for task in tasks]
        for variant, rows in scores.groupby("variant", observed=True)
    }


def summary_table(
    scores: pd.DataFrame,
    seeds: pd.DataFrame,
    score: str,
    lower_is_better: bool = False,
    own: Sequence[OwnStatistic] = (),
) -> pd.DataFrame:
    """One row per task and variant.

    Columns: seeds by state, aggregates of `score` with 95% intervals, tolerance limits, the optimality gap (of
    normalised scores), the median of every score, and the time to the threshold. `seeds` is Dataset.seeds; `own` are
    the user's statistics.
    """
    rows = []
    states = seeds.groupby(["env_id", "variant", "state"], observed=True).size().unstack(fill_value=0)
    by_variant = dict(iter(scores.groupby(["env_id", "variant"], observed=True)))
    for counts in states.reset_index().to_dict("records"):
        env_id, variant = str(counts.pop("env_id")), str(counts.pop("variant"))
        row: dict[str, object] = {"env_id": env_id, "variant": variant, "seeds": sum(counts.values())}
        group = by_variant.get((env_id, variant), scores.iloc[:0])
        row |= {"scored": len(group)} | {state.replace(" ", "_"): int(counts.get(state, 0)) for state in STATES[1:]}
        if len(group):
            values = group[score].to_numpy(dtype=float)
            row |= aggregates([values], -1.0 if lower_is_better else 1.0)
            row |= own_statistics([values], own, (env_id, variant, score)) | spread(values)
            row["optimality_gap"] = float(st.optimality_gap(group["normalised"].to_numpy(), 1.0))
            row |= {f"median_{name}": group[name].median() for name in dict.fromkeys(("final", "auc", "best", score))}
            time, reached = group["time"].to_numpy(), group["reached"].to_numpy()
            row |= {"threshold": group["threshold"].iloc[0], "reached": int(reached.sum())}
            row["median_time"] = st.median_time(time, reached)
        rows.append(row)
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["env_id", "variant", "seeds", "scored"])


def aggregates(strata: Sequence[np.ndarray], sign: float = 1.0) -> dict[str, object]:
    """Aggregates over seeds, averaged over strata, with intervals.

    `sign` is -1 where lower is better: then the worst quarter is the highest.
    """
    row: dict[str, object] = {}
    turned = [sign * values for values in strata]
    for name, (statistic, interval) in st.AGGREGATES.items():
        value = sign * float(st.over_tasks(statistic)(*turned))
        low, high = sorted(sign * float(limit) for limit in interval(turned, CONFIDENCE))
        row |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return row


def own_statistics(
    strata: Sequence[np.ndarray], own: Sequence[OwnStatistic], words: tuple[str, ...]
) -> dict[str, object]:
    """The user's statistics, averaged over strata, with bootstrap intervals."""
    row: dict[str, object] = {}
    for statistic in own:
        averaged = st.over_tasks(statistic)
        low, high = st.bootstrap_interval(strata, averaged, stream(*words, statistic.name), CONFIDENCE)
        name = statistic.name
        row |= {name: float(averaged(*strata)), f"{name}_low": float(low), f"{name}_high": float(high)}
    return row


def spread(values: np.ndarray) -> dict[str, object]:
    low, high, confidence = st.tolerance_interval(values, COVERAGE, TOLERANCE_CONFIDENCE)
    row = {"min": values.min(), "max": values.max(), "std": values.std(ddof=1) if len(values) > 1 else np.nan}
    return row | {"tolerance_low": low, "tolerance_high": high, "tolerance_confidence": confidence}


# Over all tasks: every task counts the same. Scores are normalised, and then higher is better.


@dataclass(frozen=True)
class Overall:
    """Scores over all tasks, of the variants that were run on every task.

    Attributes:
        table: one row per variant.
        differences: by pair, how much wider the interval of its difference is because a scale was observed. Empty if
            every scale is fixed.
    """

    table: pd.DataFrame
    differences: dict[tuple[str, str], float]


def overall_table(
    scores: pd.DataFrame,
    scales: Mapping[str, Scale],
    first: Mapping[str, np.ndarray],
    score: str,
    own: Sequence[OwnStatistic] = (),
) -> Overall:
    """Aggregates of the column `normalised`, averaged over tasks, and mean ranks.

    `first` holds the untrained returns of each task. Where a scale was observed, intervals are wider by the ratio of
    two bootstrap deviations: with the scale drawn anew, and with the scale fixed.
    """
    by_variant = samples(scores, "normalised")
    rows: list[dict[str, Any]] = []
    for variant, strata in by_variant.items():
        row: dict[str, Any] = {"env_id": ALL_TASKS, "variant": variant, "tasks": len(strata)}
        row |= {"scored": sum(map(len, strata))} | aggregates(strata)
        row |= own_statistics(strata, own, (ALL_TASKS, variant))
        row["optimality_gap"] = float(st.over_tasks(lambda s, axis=-1: st.optimality_gap(s, 1.0, axis))(*strata))
        rows.append(row)
    differences = {}
    if not all(scales[env_id].fixed for env_id in scores["env_id"].unique()):
        drawn, fixed = (draw_overall(scores, scales, first, score, redraw) for redraw in (True, False))
        for index, row in enumerate(rows):
            for name in st.AGGREGATES:
                ratio = widening(drawn[name][:, index], fixed[name][:, index])
                for limit in (f"{name}_low", f"{name}_high"):
                    row[limit] = row[name] + ratio * (row[limit] - row[name])
        names = list(by_variant)
        for (i, a), (j, b) in itertools.permutations(enumerate(names), 2):
            each = [means["mean"][:, i] - means["mean"][:, j] for means in (drawn, fixed)]
            differences[a, b] = widening(*each)
    table = pd.DataFrame(rows)
    if len(by_variant) > 1:
        ranks = st.rank_table(by_variant, stream(ALL_TASKS, "ranks"), CONFIDENCE)
        table = table.merge(ranks, on="variant")
    return Overall(table, differences)


def widening(drawn: np.ndarray, fixed: np.ndarray) -> float:
    """How much wider an interval is because its scale was observed; at least 1."""
    deviation = float(fixed.std())
    return max(1.0, float(drawn.std()) / deviation) if deviation > 0 else 1.0


def draw_overall(
    scores: pd.DataFrame,
    scales: Mapping[str, Scale],
    first: Mapping[str, np.ndarray],
    score: str,
    redraw: bool,
    n_resamples: int = 2000,
) -> dict[str, np.ndarray]:
    """Resamples [n_resamples, variants] of each aggregate over all tasks.

    Seeds are drawn anew within each task and variant; if `redraw`, the observed scales too.
    """
    rng = stream(ALL_TASKS, "scales")
    variants = sorted(scores["variant"].unique())
    tasks = sorted(scores["env_id"].unique())
    total = {name: np.zeros((n_resamples, len(variants))) for name in st.AGGREGATES}
    for env_id in tasks:
        here = scores[scores["env_id"] == env_id]
        drawn = [
            resampled(here.loc[here["variant"] == v, score].to_numpy(dtype=float), rng, n_resamples) for v in variants
        ]
        scale = scales[env_id]
        low, high = np.full(n_resamples, scale.low), np.full(n_resamples, scale.high)
        if redraw and not scale.fixed:
            means = np.array([sample.mean(axis=1) for sample in drawn])
            low = resampled(first[env_id], rng, n_resamples).mean(axis=1)
            high = means.max(axis=0) if scale.high > scale.low else means.min(axis=0)
        for column, sample in enumerate(drawn):
            values = (sample - low[:, None]) / (high - low)[:, None]
            for name, (statistic, _) in st.AGGREGATES.items():
                total[name][:, column] += statistic(values, axis=-1) / len(tasks)
    return total


def resampled(values: np.ndarray, rng: np.random.Generator, n_resamples: int) -> np.ndarray:
    return values[rng.integers(len(values), size=(n_resamples, len(values)))]
