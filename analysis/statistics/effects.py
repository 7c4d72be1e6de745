"""Effect sizes: how two variants differ. x and y hold one array [..., n_j] per stratum (task); paired ones share their
seeds.
"""

from collections.abc import Sequence

import numpy as np
import scipy.optimize
import scipy.special
import scipy.stats

from analysis.statistics.estimates import Estimate, averaged, of_mean, weighted
from analysis.statistics.intervals import Limits

Strata = Sequence[np.ndarray]


def difference(*samples: np.ndarray, axis: int = -1) -> np.ndarray:
    """Mean of x minus mean of y, averaged over strata. `samples` is x_1, y_1, x_2, y_2, ..."""
    pairs = zip(samples[::2], samples[1::2], strict=True)
    return np.mean([x.mean(axis=axis) - y.mean(axis=axis) for x, y in pairs], axis=0)


def of_difference(x: Strata, y: Strata, paired: bool = False) -> Estimate:
    """Estimate of the difference of means, averaged over strata.

    Welch's, or that of the seeds' own differences if `paired`.
    """
    strata = [(np.asarray(a), np.asarray(b)) for a, b in zip(x, y, strict=True)]
    if paired:
        return averaged([of_mean(a - b) for a, b in strata])
    each = [estimate for a, b in strata for estimate in (of_mean(a), of_mean(b))]
    return weighted(each, [1 / len(strata), -1 / len(strata)] * len(strata))


def difference_interval(x: Strata, y: Strata, confidence: float = 0.95, paired: bool = False) -> Limits:
    """Limits (low, high) [...] of the difference of means, averaged over strata.

    They agree with `tests.difference_test`. NaN where a sample has fewer than two seeds.
    """
    return of_difference(x, y, paired).limits(confidence)


def probability_of_improvement(*samples: np.ndarray, axis: int = -1) -> np.ndarray:
    """P(X > Y) + P(X = Y)/2, averaged over strata: Mann-Whitney's U/(n m). `samples` is x_1, y_1, x_2, y_2, ..."""
    each = []
    for x, y in zip(samples[::2], samples[1::2], strict=True):
        x, y = np.moveaxis(x, axis, -1)[..., :, None], np.moveaxis(y, axis, -1)[..., None, :]
        each.append(((x > y).mean(axis=(-2, -1)) + (x >= y).mean(axis=(-2, -1))) / 2)
    return np.mean(each, axis=0)


MOST_SEEDS = 4.0
"""If U is neither 0 nor n m, a comparison of n with m seeds is worth at most 4/(1/n + 1/m) runs of a fraction."""


def probability_estimate(x: Strata, y: Strata) -> tuple[np.ndarray, np.ndarray, int]:
    """P(X > Y), averaged over strata, as the fraction of a number of independent runs.

    The number is P (1 - P)/variance with the variance of Brunner and Munzel 2000. That variance vanishes where all of x
    are above all of y, so the number is at most what the exponential model of Hanley and McNeil 1982 gives.

    Returns:
        (P, number, degrees).
    """
    values, variances, most, degrees = [], [], [], 0
    for a, b in zip(x, y, strict=True):
        a, b = np.asarray(a)[..., :, None], np.asarray(b)[..., None, :]
        n, m = a.shape[-2], b.shape[-1]
        wins = ((a > b) + (a >= b).astype(float)) / 2
        values.append(wins.mean(axis=(-2, -1)))
        above, below = wins.mean(axis=-1), wins.mean(axis=-2)
        variances.append(above.var(axis=-1, ddof=1) / n + below.var(axis=-1, ddof=1) / m)
        most.append(MOST_SEEDS / (1 / n + 1 / m))
        degrees += n + m - 2
    value = np.mean(values, axis=0)
    variance = np.sum(variances, axis=0) / len(values) ** 2
    cap = len(most) ** 2 / sum(1 / each for each in most)
    with np.errstate(divide="ignore", invalid="ignore"):
        number = np.where(variance > 0, value * (1 - value) / variance, cap)
    return value, np.clip(number, 1.0, cap), degrees


def probability_interval(x: Strata, y: Strata, confidence: float = 0.95) -> Limits:
    """Limits (low, high) [...] of P(X > Y).

    Wilson's limits of a fraction, with t, for as many runs as the comparison is worth (`probability_estimate`). The
    limits do not collapse where every run of x is above every run of y. NaN with fewer than two seeds.
    """
    if min(np.shape(sample)[-1] for sample in (*x, *y)) < 2:
        nothing = np.full(np.shape(x[0])[:-1], np.nan)
        return nothing, nothing
    value, number, degrees = probability_estimate(x, y)
    t = scipy.stats.t.isf((1 - confidence) / 2, degrees)
    centre = (value + t**2 / (2 * number)) / (1 + t**2 / number)
    half = t / (1 + t**2 / number) * np.sqrt(value * (1 - value) / number + t**2 / (4 * number**2))
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def probability_test(x: Strata, y: Strata) -> np.ndarray:
    """Two-sided p [...] of P(X > Y) = 1/2. It is at most 1 - confidence exactly where `probability_interval` excludes
    1/2.
    """
    value, number, degrees = probability_estimate(x, y)
    return np.asarray(2 * scipy.stats.t.sf(np.abs(value - 0.5) * 2 * np.sqrt(number), degrees))


def correlation(x: Strata, y: Strata) -> float:
    """Pearson's correlation over shared seeds, averaged over strata. NaN where a sample does not vary."""
    each = []
    for a, b in zip(x, y, strict=True):
        if len(a) < 3 or constant(a) or constant(b):
            return float("nan")
        each.append(np.corrcoef(a, b)[0, 1])
    return float(np.mean(each))


def cohens_d(x: np.ndarray, y: np.ndarray) -> float:
    """Difference of the means in pooled standard deviations. Infinite for different means that do not vary."""
    if constant(x) and constant(y):
        return float(np.sign(x[0] - y[0]) * np.inf) if x[0] != y[0] else 0.0
    return float((np.mean(x) - np.mean(y)) / pooled_deviation(x, y))


def small_sample_factor(degrees: int) -> float:
    """Factor that removes the bias of Cohen's d (Hedges 1981)."""
    return float(np.exp(scipy.special.gammaln(degrees / 2) - scipy.special.gammaln((degrees - 1) / 2))) * float(
        np.sqrt(2 / degrees)
    )


def hedges_g(x: np.ndarray, y: np.ndarray) -> float:
    """Cohen's d of samples [n] and [m] without its bias. NaN with fewer than two seeds."""
    if min(len(x), len(y)) < 2:
        return float("nan")
    degrees = len(x) + len(y) - 2
    return cohens_d(x, y) * small_sample_factor(degrees)


def hedges_g_interval(x: np.ndarray, y: np.ndarray, confidence: float = 0.95) -> tuple[float, float]:
    """Limits (low, high) of Hedges' g, by the noncentral t (Hedges and Olkin 1985).

    Exact for normal scores of equal variance. NaN with fewer than two seeds, or where neither sample varies.
    """
    if min(len(x), len(y)) < 2 or (constant(x) and constant(y)):
        return float("nan"), float("nan")
    d = cohens_d(x, y)
    degrees = len(x) + len(y) - 2
    root = np.sqrt(1 / len(x) + 1 / len(y))
    t = d / root

    def shift(tail: float) -> float:
        reach = abs(t) * 2 + 10
        return float(scipy.optimize.brentq(lambda nc: scipy.stats.nct.sf(t, degrees, nc) - tail, t - reach, t + reach))

    factor = small_sample_factor(degrees) * root
    return float(shift((1 - confidence) / 2) * factor), float(shift((1 + confidence) / 2) * factor)


def pooled_deviation(x: np.ndarray, y: np.ndarray) -> float:
    """Pooled standard deviation within both samples."""
    squares = (len(x) - 1) * np.var(x, ddof=1) + (len(y) - 1) * np.var(y, ddof=1)
    return float(np.sqrt(squares / (len(x) + len(y) - 2)))


def constant(sample: np.ndarray) -> bool:
    return bool((sample == sample[0]).all())
