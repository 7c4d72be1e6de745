"""Tolerance limits: they hold most of all runs, also of runs not made. Order statistics, for any distribution."""

import numpy as np
import scipy.stats


def tolerance_confidence(n: int, k: int, coverage: float) -> float:
    """Confidence that [x_(k), x_(n+1-k)] holds at least `coverage` of all runs, for any distribution."""
    return float(scipy.stats.binom.cdf(n - 2 * k, n, coverage))


def tolerance_rank(n: int, coverage: float, confidence: float) -> tuple[int, float]:
    """(k, its confidence): the largest k whose [x_(k), x_(n+1-k)] has at least `confidence`. k = 1 if none has."""
    k = 1
    while 2 * (k + 1) <= n and tolerance_confidence(n, k + 1, coverage) >= confidence:
        k += 1
    return k, tolerance_confidence(n, k, coverage)


def tolerance_interval(scores: np.ndarray, coverage: float, confidence: float) -> tuple[np.ndarray, np.ndarray, float]:
    """(low, high, confidence): limits [...] that hold at least `coverage` of runs (Wilks 1941).

    With too few seeds for the wanted confidence, the limits are the extremes, with the confidence that these have.
    """
    ordered = np.sort(scores, axis=-1)
    k, attained = tolerance_rank(scores.shape[-1], coverage, confidence)
    return ordered[..., k - 1], ordered[..., -k], attained
