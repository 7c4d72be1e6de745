"""Times to a threshold. x and y are (time [n], reached [n]); a seed that never reaches it is censored."""

import warnings
from fractions import Fraction

import numpy as np
import scipy.stats

Times = tuple[np.ndarray, np.ndarray]


def remaining(time: np.ndarray, reached: np.ndarray) -> tuple[np.ndarray, list[Fraction]]:
    """The times that occur, and the exact fraction of seeds not there yet after each (Kaplan and Meier 1958)."""
    x = np.unique(time)
    fractions = []
    left = Fraction(1)
    for each in x:
        at_risk = int((time >= each).sum())
        left *= Fraction(at_risk - int((reached & (time == each)).sum()), at_risk)
        fractions.append(left)
    return x, fractions


def kaplan_meier(time: np.ndarray, reached: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(x, not yet): the times that occur, and the Kaplan-Meier estimate of the fraction not there yet after each."""
    x, left = remaining(np.asarray(time), np.asarray(reached, dtype=bool))
    return x, np.array([float(fraction) for fraction in left])


def kaplan_meier_band(
    time: np.ndarray, reached: np.ndarray, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x, low, high): pointwise log-log Greenwood limits of `kaplan_meier`. NaN where they do not exist."""
    result = scipy.stats.ecdf(censored(time, reached)).sf
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # undefined where nobody is left
        limits = result.confidence_interval(confidence, method="log-log")
    return result.quantiles, limits.low.probabilities, limits.high.probabilities


def median_time(time: np.ndarray, reached: np.ndarray) -> float:
    """First time by which half of the seeds are there (Kaplan-Meier). NaN if that never happens."""
    x, left = remaining(np.asarray(time), np.asarray(reached, dtype=bool))
    there = [each for each, fraction in zip(x, left, strict=True) if fraction <= Fraction(1, 2)]
    return float(there[0]) if there else float("nan")


def censored(time: np.ndarray, reached: np.ndarray) -> scipy.stats.CensoredData:
    return scipy.stats.CensoredData.right_censored(time, ~np.asarray(reached))


def log_rank_test(x: Times, y: Times) -> float:
    """Two-sided p of equal times to the threshold. 1 if no seed of either variant got there."""
    if not (x[1].any() or y[1].any()):
        return 1.0
    with np.errstate(all="ignore"):
        p = scipy.stats.logrank(censored(*x), censored(*y)).pvalue
    return 1.0 if np.isnan(p) else float(p)
