"""Limits that hold most of all runs, also of those not made: order statistics, whatever the distribution."""

import numpy as np
import scipy.stats


def tolerance_confidence(n: int, k: int, coverage: float) -> float:
    """How sure one can be that [x_(k), x_(n+1-k)] holds at least `coverage` of all runs, of any distribution."""
    return float(scipy.stats.binom.cdf(n - 2 * k, n, coverage))


def tolerance_rank(n: int, coverage: float, confidence: float) -> tuple[int, float]:
    """(k, its confidence): the largest k whose [x_(k), x_(n+1-k)] has at least `confidence`; k = 1 if none has."""
    k = 1
    while 2 * (k + 1) <= n and tolerance_confidence(n, k + 1, coverage) >= confidence:
        k += 1
    return k, tolerance_confidence(n, k, coverage)


def tolerance_interval(scores: np.ndarray, coverage: float, confidence: float) -> tuple[np.ndarray, np.ndarray, float]:
    """(low, high, confidence): limits [...] that hold at least `coverage` of runs, from order statistics (Wilks 1941).

    With too few seeds for the confidence asked for, the limits are the extremes, at the confidence that they have.
    """
    ordered = np.sort(scores, axis=-1)
    k, attained = tolerance_rank(scores.shape[-1], coverage, confidence)
    return ordered[..., k - 1], ordered[..., -k], attained
