"""Numbers per seed, and what they say: quantiles, groups, and what each departure from the textbook changes."""

import numpy as np
import pandas as pd

from analysis.alignment import curves_of, floors_of
from analysis.choices import MARGIN
from analysis.pairs import pair_table
from analysis.references import references_for
from sweeps.post.data import Data
from sweeps.post.runs import DEPARTURES_OF

LAST = 10
"""Iterations at the end whose mean is a seed's final return."""

QUANTILES = (0, 10, 50, 90, 100)
ITERATIONS = (0, 5, 10, 20, 30, 60, 128, 255)

GROUPS = {"stuck (below 0)": (-np.inf, 0.0), "middle (0 to 250)": (0.0, 250.0), "solved (above 250)": (250.0, np.inf)}
"""Of a seed's final ``post_return``; the post's A2C ends near −30, between 100 and 200, or near 400."""

ALL_TOGETHER = "all together"
POST = "the post's way"
TASK = "CartPoleSwingUp-v0"

FROM_PAIRS = ["outcome", "paired", "correlation", "p_uncorrected", "adjusted_p", "margin", "equivalence_adjusted_p"]
FROM_PAIRS += ["detectable", "seeds_needed"]


def values_of(frame: pd.DataFrame, metric: str) -> np.ndarray:
    """``[seeds, iterations]``; a seed that failed scores the task's low reference from then on."""
    lines = curves_of(frame, metric, "iteration")
    return lines.filled(floors_of(frame, lines, metric))


def final_returns(frame: pd.DataFrame, metric: str) -> np.ndarray:
    """The mean of each seed's last iterations."""
    return np.nanmean(values_of(frame, metric)[:, -LAST:], axis=1)


def mean_returns(frame: pd.DataFrame, metric: str) -> np.ndarray:
    """Each seed's mean over all of training."""
    return np.nanmean(values_of(frame, metric), axis=1)


SCORES = {"final": final_returns, "over training": mean_returns}


def quantile_table(frame: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Quantiles over seeds, one row per iteration that the run has."""
    values = values_of(frame, metric)
    rows = [number for number in ITERATIONS if number < values.shape[1]]
    table = pd.DataFrame(np.nanpercentile(values[:, rows], QUANTILES, axis=0).T, rows)
    return table.set_axis([f"{q} %" for q in QUANTILES], axis=1).rename_axis("iteration")


def group_shares(frame: pd.DataFrame) -> dict[str, int]:
    """How many seeds end in each group."""
    final = final_returns(frame, "post_return")
    return {name: int(((final >= low) & (final < high)).sum()) for name, (low, high) in GROUPS.items()}


def ablation_runs(algo: str) -> dict[str, str]:
    """The run in which each departure is switched to the textbook's way, and all of them."""
    own = {departure: f"ablation-{algo}-{departure}" for departure in DEPARTURES_OF[algo]}
    return own | {ALL_TOGETHER: f"textbook-{algo}"}


def margins() -> dict[str, float]:
    """The difference of true returns that is still practically the same, by task."""
    return {TASK: MARGIN * references_for("episodic_return")[TASK].width}


def ablation_table(data: Data, algo: str) -> pd.DataFrame:
    """One row per departure and score: what switching it to the textbook's way changes, and what that is worth.

    Scores are true episodic returns, over the iterations and seeds that all runs have. Columns: departure, score, n,
    iterations, post, switched (means), difference (switched - post), low, high, improvement (probability that a
    switched run is better), and of analysis.pairs.pair_table, of which the runs are each compared with the post's way:
    outcome, paired, correlation, p_uncorrected, adjusted_p (Holm over the departures), margin, equivalence_adjusted_p,
    detectable, seeds_needed.
    """
    runs = ablation_runs(algo)
    post = data.frame(f"swingup-36-{algo}")
    switched = {departure: data.frame(run) for departure, run in runs.items()}
    iterations = 1 + min(int(frame["iteration"].max()) for frame in (post, *switched.values()))
    frames = {POST: post, **switched}
    pairings = dict.fromkeys(frames, algo)
    rows = []
    for score, score_of in SCORES.items():
        values = {
            name: score_of(frame[frame["iteration"] < iterations], "episodic_return") for name, frame in frames.items()
        }
        scores = pd.concat(
            pd.DataFrame({"env_id": TASK, "variant": name, "seed": np.unique(frames[name]["seed"]), score: each})
            for name, each in values.items()
        )
        pairs = pair_table([(TASK, scores)], score, reference=POST, margins=margins(), pairings=pairings)
        for departure in runs:
            pair = pairs[(pairs["a"] == departure) | (pairs["b"] == departure)].iloc[0]
            first = pair["a"] == departure
            low, high, chance = pair["difference_low"], pair["difference_high"], pair["probability_of_improvement"]
            rows.append(
                {
                    "departure": departure,
                    "score": score,
                    "n": len(values[departure]),
                    "iterations": iterations,
                    "post": values[POST].mean(),
                    "switched": values[departure].mean(),
                    "difference": pair["difference"] if first else -pair["difference"],
                    "low": low if first else -high,
                    "high": high if first else -low,
                    "improvement": chance if first else 1 - chance,
                    **pair[FROM_PAIRS],
                }
            )
    return pd.DataFrame(rows)
