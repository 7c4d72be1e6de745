"""What is said of each variant: one row per task and variant, with intervals."""

import zlib

import numpy as np
import pandas as pd

from analysis import statistics as st
from analysis.dataset import STATES

ALL_TASKS = "all tasks"
CONFIDENCE = 0.95
COVERAGE = 0.8  # of runs, held by the tolerance limits ...
TOLERANCE_CONFIDENCE = 0.9  # ... with at least this confidence

AGGREGATES = {"mean": st.mean, "iqm": st.iqm, "median": st.median}


def stream(*words: str) -> np.random.Generator:
    """A generator of its own for each quantity, so that no number depends on what else is in the report."""
    return np.random.default_rng([zlib.crc32(word.encode()) for word in words])


def samples(scores: pd.DataFrame, score: str) -> dict[str, list[np.ndarray]]:
    """The seeds' scores of each variant, one array per task, tasks in order of their names."""
    tasks = sorted(scores["env_id"].unique())
    return {
        str(variant): [rows.loc[rows["env_id"] == task, score].to_numpy() for task in tasks]
        for variant, rows in scores.groupby("variant", observed=True)
    }


def summary_table(scores: pd.DataFrame, seeds: pd.DataFrame, score: str) -> pd.DataFrame:
    """One row per task and variant: seeds by state, aggregates of `score` with 95% intervals, tolerance limits, the
    optimality gap (of normalised scores), every score's median, and the time to the threshold. `seeds` is
    Dataset.seeds."""
    rows = []
    states = seeds.groupby(["env_id", "variant", "state"], observed=True).size().unstack(fill_value=0)
    by_variant = dict(iter(scores.groupby(["env_id", "variant"], observed=True)))
    for counts in states.reset_index().to_dict("records"):
        env_id, variant = str(counts.pop("env_id")), str(counts.pop("variant"))
        row: dict[str, object] = {"env_id": env_id, "variant": variant, "seeds": sum(counts.values())}
        group = by_variant.get((env_id, variant), scores.iloc[:0])
        row |= {"scored": len(group)} | {state.replace(" ", "_"): int(counts.get(state, 0)) for state in STATES[1:]}
        if len(group):
            row |= aggregates(group[score].to_numpy(), env_id, variant, score)
            row["optimality_gap"] = float(st.optimality_gap(group["normalised"].to_numpy(), 1.0))
            row |= {f"median_{name}": group[name].median() for name in ("final", "auc", "best")}
            time, reached = group["time"].to_numpy(), group["reached"].to_numpy()
            row |= {"threshold": group["threshold"].iloc[0], "reached": int(reached.sum())}
            row["median_time"] = st.median_time(time, reached)
        rows.append(row)
    return pd.DataFrame(rows)


def aggregates(values: np.ndarray, env_id: str, variant: str, score: str) -> dict[str, object]:
    row: dict[str, object] = {}
    for name, statistic in AGGREGATES.items():
        low, high = st.bootstrap_interval([values], statistic, stream(env_id, variant, score, name), CONFIDENCE)
        row |= {name: float(statistic(values)), f"{name}_low": float(low), f"{name}_high": float(high)}
    low, high, confidence = st.tolerance_interval(values, COVERAGE, TOLERANCE_CONFIDENCE)
    row |= {"min": values.min(), "max": values.max(), "std": values.std(ddof=1) if len(values) > 1 else np.nan}
    return row | {"tolerance_low": low, "tolerance_high": high, "tolerance_confidence": confidence}


def overall_table(scores: pd.DataFrame) -> pd.DataFrame:
    """One row per variant that was run on every task: aggregates of the column `normalised` over all tasks."""
    rows = []
    for variant, strata in samples(scores, "normalised").items():
        row: dict[str, object] = {"env_id": ALL_TASKS, "variant": variant, "scored": sum(map(len, strata))}
        for name, statistic in AGGREGATES.items():
            pooled = st.pooled(statistic)
            low, high = st.bootstrap_interval(strata, pooled, stream(ALL_TASKS, variant, name), CONFIDENCE)
            row |= {name: float(pooled(*strata)), f"{name}_low": float(low), f"{name}_high": float(high)}
        row["optimality_gap"] = float(st.optimality_gap(np.concatenate(strata), 1.0))
        rows.append(row)
    return pd.DataFrame(rows)
