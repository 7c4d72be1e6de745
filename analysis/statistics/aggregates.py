"""Aggregates: one number for all seeds. Scores are [..., n], one number per seed on the last axis."""

from collections.abc import Callable

import numpy as np
import scipy.stats

Statistic = Callable[..., np.ndarray]
"""A function of one or more samples [..., n] and `axis` that returns [...], as scipy.stats.bootstrap expects."""

WORST_SHARE = 0.25


def mean(scores: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.mean(scores, axis=axis)


def median(scores: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.median(scores, axis=axis)


def iqm(scores: np.ndarray, axis: int = -1) -> np.ndarray:
    """Interquartile mean: the mean of the middle half. floor(n/4) scores are cut on each side."""
    return scipy.stats.trim_mean(scores, 0.25, axis=axis)


def lower_tail(scores: np.ndarray, axis: int = -1) -> np.ndarray:
    """Mean of the worst quarter of the scores: the conditional value at risk (Rockafellar and Uryasev 2000).

    Where a quarter of n is not a whole number, the last score of the quarter counts in part. Below four seeds this is
    the lowest score.
    """
    ordered = np.sort(np.moveaxis(np.asarray(scores, dtype=float), axis, -1), axis=-1)
    return ordered @ tail_weights(ordered.shape[-1])


def tail_weights(n: int) -> np.ndarray:
    """Weights [n] of the ordered scores in the mean of the worst quarter."""
    size = max(WORST_SHARE * n, 1.0)
    return np.clip(size - np.arange(n), 0.0, 1.0) / size


def optimality_gap(scores: np.ndarray, target: float, axis: int = -1) -> np.ndarray:
    """Mean shortfall below `target`. Scores above the target do not make up for scores below it."""
    return np.maximum(target - np.asarray(scores), 0.0).mean(axis=axis)


def over_tasks(statistic: Statistic) -> Statistic:
    """Averages `statistic` over strata (tasks). Every task counts the same, however many seeds it has."""

    def averaged(*samples: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.mean([statistic(sample, axis=axis) for sample in samples], axis=0)

    return averaged


def performance_profile(*samples: np.ndarray, thresholds: np.ndarray, axis: int = -1) -> np.ndarray:
    """Fraction of runs [len(thresholds), ...] that score above each threshold, averaged over strata."""
    each = [np.array([(sample > threshold).mean(axis=axis) for threshold in thresholds]) for sample in samples]
    return np.mean(each, axis=0)
