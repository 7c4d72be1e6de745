"""Ranks of several variants, and how sure they are."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import scipy.stats


def rank_table(
    samples: Mapping[str, Sequence[np.ndarray]],
    rng: np.random.Generator,
    confidence: float = 0.95,
    n_resamples: int = 2000,
) -> pd.DataFrame:
    """One row per variant: its mean rank over tasks, the limits of that rank, and the probability of being the best.

    Columns: mean_rank (1 is the highest mean), rank_low, rank_high, best. Limits and probability come from seeds drawn
    anew within each task (Agarwal et al. 2021); ties count half a rank. `samples` holds each variant's scores, one
    array per task.
    """
    names = list(samples)
    observed = mean_ranks([[np.asarray(s).mean() for s in samples[name]] for name in names])
    drawn = np.empty((n_resamples, len(names)))
    means = np.empty((n_resamples, len(names), len(next(iter(samples.values())))))
    for i, name in enumerate(names):
        for j, sample in enumerate(samples[name]):
            sample = np.asarray(sample)
            means[:, i, j] = sample[rng.integers(len(sample), size=(n_resamples, len(sample)))].mean(axis=1)
    drawn = mean_ranks(means)
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    leading = drawn == drawn.min(axis=1, keepdims=True)
    best = (leading / leading.sum(axis=1, keepdims=True)).mean(axis=0)
    return pd.DataFrame({"variant": names, "mean_rank": observed, "rank_low": low, "rank_high": high, "best": best})


def mean_ranks(means: np.ndarray | Sequence[Sequence[float]]) -> np.ndarray:
    """Mean ranks [..., variants] from means [..., variants, tasks]."""
    return np.asarray(scipy.stats.rankdata(-np.asarray(means), axis=-2).mean(axis=-1))


def rank_limits(variants: Sequence[str], better: Sequence[tuple[str, str]]) -> dict[str, tuple[int, int]]:
    """The ranks that each variant may truly have.

    From 1 + the number of variants that are told to be better, to the number of all variants that are not told to be
    worse. If the pairs in `better`, (winner, loser) each, hold the family-wise error, all limits hold at once (Mogstad
    et al. 2024).
    """
    return {
        name: (
            1 + sum(loser == name for _, loser in better),
            len(variants) - sum(winner == name for winner, _ in better),
        )
        for name in variants
    }
