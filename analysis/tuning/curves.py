"""Tuning curves: the expected best score over the number of trials, with exact bands (Dodge et al. 2019; Lourie et al.
2023).

The scores must be those of settings drawn at random, independently. Then the best of k settings has the distribution
function F^k, whatever F is. So a band that holds all of F at once gives a band that holds the whole curve at once.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy import stats

from analysis.summary import CONFIDENCE


@lru_cache(maxsize=64)
def distribution_band(n: int, confidence: float = CONFIDENCE) -> tuple[np.ndarray, np.ndarray]:
    """Limits ([n + 1], [n + 1]) of a distribution function after i of n sorted values, for i = 0 … n.

    They hold everywhere at once, with exactly this confidence where the distribution is continuous, and with at least
    this confidence elsewhere. The i-th of n uniform values is Beta(i, n + 1 - i); its equal-tailed limits are widened
    until all hold together (Learned-Miller and DeStefano 2008; Lourie et al. 2023, section 3.2).
    """
    low, high = 0.0, 1 - confidence
    for _ in range(60):  # the share of each value's distribution outside of its limits
        outside = (low + high) / 2
        if probability_inside(*order_limits(n, outside)) >= confidence:
            low = outside
        else:
            high = outside
    first, last = order_limits(n, low)
    return np.append(0.0, first), np.append(last, 1.0)


def order_limits(n: int, outside: float) -> tuple[np.ndarray, np.ndarray]:
    """Equal-tailed limits ([n], [n]) of each of n sorted uniform values, with `outside` in both tails together."""
    rank = np.arange(1, n + 1)
    low, high = (stats.beta.ppf(share, rank, n + 1 - rank) for share in (outside / 2, 1 - outside / 2))
    return low, high


def probability_inside(low: np.ndarray, high: np.ndarray) -> float:
    """Probability that each of n sorted uniform values lies within its own limits; the limits must not decrease.

    Exact: the number of values below t is a Poisson process in t, given that n lie below 1. Its distribution is carried
    from one limit to the next, and what leaves the limits is dropped (Noé 1972; Moscovich and Nadler 2017).
    """
    n = len(low)
    points = np.unique(np.concatenate([low, high, [1.0]]))
    points = points[points > 0]
    at_most = np.searchsorted(low, points, side="left")  # the i-th value is at least its low limit
    at_least = np.searchsorted(high, points, side="right")
    chance = np.zeros(n + 1)
    chance[0] = 1.0
    counts = np.arange(n + 1)
    before = 0.0
    for point, least, most in zip(points, at_least, at_most, strict=True):
        step = stats.poisson.pmf(counts, n * (point - before))
        chance = np.convolve(chance, step)[: n + 1]
        chance[:least] = 0.0
        if point < 1.0:
            chance[most + 1 :] = 0.0
        before = point
    return float(chance[n] / stats.poisson.pmf(n, n))


def expected_best(scores: np.ndarray, trials: np.ndarray) -> np.ndarray:
    """Expected highest score [K] of k draws from the scores [n], with replacement, for each of `trials` [K].

    Dodge et al. 2019, eq. 5. It follows from the empirical distribution, and is a little low for the true one.
    """
    ordered = np.sort(scores)
    share = np.arange(len(ordered) + 1) / len(ordered)
    powers = share[None, :] ** np.asarray(trials)[:, None]
    return np.asarray(np.diff(powers, axis=1) @ ordered)


def expected_best_band(
    scores: np.ndarray, trials: np.ndarray, bounds: tuple[float, float], confidence: float = CONFIDENCE
) -> tuple[np.ndarray, np.ndarray]:
    """Limits ([K], [K]) of the expected highest score of k settings, for all k at once, with exact confidence.

    E[max] is b - ∫ F(y)^k dy from a to b; the band of F takes the place of F. `bounds` are a and b: no score lies
    outside. Without an upper bound a mean has no upper limit.
    """
    lowest, highest = bounds
    values = np.concatenate([[lowest], np.sort(scores), [highest]])
    gaps = np.diff(values)
    under, over = distribution_band(len(scores), confidence)
    power = np.asarray(trials)[:, None]

    def curve(share: np.ndarray) -> np.ndarray:
        weights = share[None, :] ** power
        return np.asarray(highest - (weights * gaps).sum(axis=1))

    return curve(over), curve(under)


def median_best(scores: np.ndarray, trials: np.ndarray) -> np.ndarray:
    """Median [K] of the highest score of k settings: the quantile 2^(-1/k) of the scores."""
    ordered = np.sort(scores)
    share = np.arange(1, len(ordered) + 1) / len(ordered)
    return np.asarray(ordered[np.searchsorted(share, quantiles(trials), side="left").clip(max=len(ordered) - 1)])


def median_best_band(
    scores: np.ndarray, trials: np.ndarray, confidence: float = CONFIDENCE
) -> tuple[np.ndarray, np.ndarray]:
    """Limits ([K], [K]) of the median best score of k settings, for all k at once. They need no bounds of the score.

    Infinite where the trials are too few.
    """
    values = np.concatenate([[-np.inf], np.sort(scores), [np.inf]])
    under, over = distribution_band(len(scores), confidence)
    wanted = quantiles(trials)
    first = np.searchsorted(over, wanted, side="left")
    last = np.searchsorted(under, wanted, side="left")
    return values[first], values[last.clip(max=len(values) - 1)]


def quantiles(trials: np.ndarray) -> np.ndarray:
    """The quantile [K] of F that is the median of the best of k."""
    return np.asarray(0.5 ** (1 / np.asarray(trials, dtype=float)))


def tuning_curve(
    scores: Sequence[float] | np.ndarray,
    bounds: tuple[float, float] | None = None,
    confidence: float = CONFIDENCE,
    sign: float = 1.0,
) -> pd.DataFrame:
    """One row per number of `trials` from 1 to n: `best`, `low`, `high`. The limits hold for all rows at once.

    With `bounds` of the score, `best` is the expected best score; without them, the median best score. `sign` is -1
    where lower is better; `best` is then the lowest.
    """
    values = sign * np.asarray(scores, dtype=float)
    trials = np.arange(1, len(values) + 1)
    if bounds is None:
        best = median_best(values, trials)
        low, high = median_best_band(values, trials, confidence)
    else:
        ends = sorted((sign * bounds[0], sign * bounds[1]))
        ends = [min(ends[0], values.min()), max(ends[1], values.max())]
        best = expected_best(values, trials)
        low, high = expected_best_band(values, trials, (ends[0], ends[1]), confidence)
    limits = (low, high) if sign > 0 else (-high, -low)
    return pd.DataFrame({"trials": trials, "best": sign * best, "low": limits[0], "high": limits[1]})
