"""Statistics over seeds: pure functions, arrays in, numbers out; whatever draws at random takes a Generator.

Scores are [..., n], one number per seed on the last axis. Where several tasks are involved, `samples` holds one array
per stratum (task), resampled independently, as in Agarwal et al. 2021 (rliable).
"""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import scipy.optimize
import scipy.stats

Statistic = Callable[..., np.ndarray]
"""Takes one or more samples [..., n] and `axis`, and gives numbers [...]: what scipy.stats.bootstrap expects."""


# One number per seed, from curves [S, T] on a grid x [T]


def final(values: np.ndarray, k: int) -> np.ndarray:
    """[S], the mean over the last k points."""
    return values[..., -k:].mean(axis=-1)


def area_under_curve(values: np.ndarray, x: np.ndarray) -> np.ndarray:
    """[S], the trapezoidal area divided by the length of x: the mean over training, in units of the values."""
    if len(x) == 1:
        return values[..., 0]
    return np.trapezoid(values, x, axis=-1) / (x[-1] - x[0])


def best(values: np.ndarray) -> np.ndarray:
    """[S], the highest value."""
    return values.max(axis=-1)


def time_to_threshold(values: np.ndarray, x: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """([S], [S]): the first x at which a curve is at or above `threshold`, and whether it ever was.

    Where it never was, the time is that of the seed's last known value: right-censored there.
    """
    above = values >= threshold
    reached = np.asarray(above.any(axis=-1))
    last = values.shape[-1] - 1 - np.isfinite(values)[..., ::-1].argmax(axis=-1)
    return x[np.where(reached, above.argmax(axis=-1), last)], reached


# Aggregates over seeds


def mean(scores: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.mean(scores, axis=axis)


def median(scores: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.median(scores, axis=axis)


def iqm(scores: np.ndarray, axis: int = -1) -> np.ndarray:
    """Interquartile mean: of the middle half, floor(n/4) scores cut on each side."""
    return scipy.stats.trim_mean(scores, 0.25, axis=axis)


def optimality_gap(scores: np.ndarray, target: float, axis: int = -1) -> np.ndarray:
    """Mean shortfall below `target`; what is above it does not make up for what is below."""
    return np.maximum(target - np.asarray(scores), 0.0).mean(axis=axis)


def pooled(statistic: Statistic) -> Statistic:
    """`statistic` of the scores of all strata taken together."""

    def of_all(*samples: np.ndarray, axis: int = -1) -> np.ndarray:
        return statistic(np.concatenate(samples, axis=axis), axis=axis)

    return of_all


# Intervals


def expanded_tail(sizes: Sequence[int], confidence: float) -> float:
    """The bootstrap quantile to use for (1 - confidence)/2, wider by what small samples need.

    Percentile intervals are too narrow by sqrt((n - 1)/n) and by a normal in place of a t quantile; taking more
    extreme quantiles mends both (Hesterberg 2015, "What teachers should know about the bootstrap", section 5.3).
    """
    n = min(sizes)
    degrees = sum(sizes) - len(sizes)
    t = scipy.stats.t.ppf((1 + confidence) / 2, degrees)
    return float(scipy.stats.norm.sf(t * np.sqrt(n / (n - 1))))


def bootstrap_interval(
    samples: Sequence[np.ndarray],
    statistic: Statistic,
    rng: np.random.Generator,
    confidence: float = 0.95,
    n_resamples: int = 2000,
) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) [...] of `statistic(*samples, axis=-1)`: stratified, expanded percentile bootstrap over seeds.

    `samples`: arrays [..., n_j], each resampled on its own. NaN where a sample has fewer than two seeds.
    """
    if min(sample.shape[-1] for sample in samples) < 2:
        nothing = np.full(np.shape(statistic(*samples, axis=-1)), np.nan)
        return nothing, nothing
    tail = expanded_tail([sample.shape[-1] for sample in samples], confidence)
    result = scipy.stats.bootstrap(
        samples,
        statistic,
        n_resamples=n_resamples,
        batch=max(1, 4_000_000 // sum(sample.size for sample in samples)),
        vectorized=True,
        axis=-1,
        confidence_level=1 - 2 * tail,
        method="percentile",
        rng=rng,
    )
    return result.confidence_interval.low, result.confidence_interval.high


def interval_width(
    scores: np.ndarray,
    statistic: Statistic,
    sizes: Sequence[int] | np.ndarray,
    rng: np.random.Generator,
    confidence: float = 0.95,
    n_resamples: int = 2000,
) -> np.ndarray:
    """[len(sizes)], the width of the interval that so many seeds like these `scores` [n] would have given.

    Samples of each size are drawn from the scores; at the size n this is the width of bootstrap_interval.
    """
    widths = []
    correction = np.sqrt(len(scores) / (len(scores) - 1))
    for size in sizes:
        t = scipy.stats.t.ppf((1 + confidence) / 2, size - 1)
        tail = scipy.stats.norm.sf(t * correction)
        drawn = statistic(scores[rng.integers(len(scores), size=(n_resamples, size))], axis=-1)
        low, high = np.quantile(drawn, [tail, 1 - tail])
        widths.append(high - low)
    return np.array(widths)


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


# Whole distributions


def performance_profile(*samples: np.ndarray, thresholds: np.ndarray, axis: int = -1) -> np.ndarray:
    """[len(thresholds), ...], the fraction of runs that score above each threshold, averaged over strata."""
    each = [np.array([(sample > threshold).mean(axis=axis) for threshold in thresholds]) for sample in samples]
    return np.mean(each, axis=0)


def kaplan_meier(time: np.ndarray, reached: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(x, not yet): the times that occur, and the Kaplan-Meier estimate of the fraction not there yet after each."""
    result = scipy.stats.ecdf(censored(time, reached)).sf
    return result.quantiles, result.probabilities


def kaplan_meier_band(
    time: np.ndarray, reached: np.ndarray, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x, low, high): pointwise log-log Greenwood limits of kaplan_meier; NaN where they do not exist."""
    result = scipy.stats.ecdf(censored(time, reached)).sf
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # undefined where nobody is left
        limits = result.confidence_interval(confidence, method="log-log")
    return result.quantiles, limits.low.probabilities, limits.high.probabilities


def median_time(time: np.ndarray, reached: np.ndarray) -> float:
    """The first time by which half the seeds are there (Kaplan-Meier); NaN if that never happens."""
    x, not_yet = kaplan_meier(time, reached)
    return float(x[(not_yet <= 0.5).argmax()]) if (not_yet <= 0.5).any() else float("nan")


def censored(time: np.ndarray, reached: np.ndarray) -> scipy.stats.CensoredData:
    return scipy.stats.CensoredData.right_censored(time, ~np.asarray(reached))


# Two variants


def difference(*samples: np.ndarray, axis: int = -1) -> np.ndarray:
    """Mean of x minus mean of y, averaged over strata; `samples` is x_1, y_1, x_2, y_2, ..."""
    pairs = zip(samples[::2], samples[1::2], strict=True)
    return np.mean([x.mean(axis=axis) - y.mean(axis=axis) for x, y in pairs], axis=0)


def probability_of_improvement(*samples: np.ndarray, axis: int = -1) -> np.ndarray:
    """P(X > Y) + P(X = Y)/2, Mann-Whitney's U/(n m), averaged over strata; `samples` is x_1, y_1, x_2, y_2, ..."""
    each = []
    for x, y in zip(samples[::2], samples[1::2], strict=True):
        x, y = np.moveaxis(x, axis, -1)[..., :, None], np.moveaxis(y, axis, -1)[..., None, :]
        each.append(((x > y).mean(axis=(-2, -1)) + (x >= y).mean(axis=(-2, -1))) / 2)
    return np.mean(each, axis=0)


def cohens_d(x: np.ndarray, y: np.ndarray) -> float:
    """Difference of the means in pooled standard deviations; infinite where they differ and neither varies."""
    if constant(x) and constant(y):
        return float(np.sign(x[0] - y[0]) * np.inf) if x[0] != y[0] else 0.0
    return float((np.mean(x) - np.mean(y)) / pooled_deviation(x, y))


def pooled_deviation(x: np.ndarray, y: np.ndarray) -> float:
    """The standard deviation within both samples."""
    squares = (len(x) - 1) * np.var(x, ddof=1) + (len(y) - 1) * np.var(y, ddof=1)
    return float(np.sqrt(squares / (len(x) + len(y) - 2)))


def constant(sample: np.ndarray) -> bool:
    return bool((sample == sample[0]).all())


def welch_test(x: np.ndarray, y: np.ndarray) -> float:
    """Two-sided p of Welch's t; where neither sample varies, 1 if they are equal and else 0."""
    if constant(x) and constant(y):
        return float(x[0] == y[0])
    moments = [moment for sample in (x, y) for moment in (np.mean(sample), np.std(sample, ddof=1), len(sample))]
    return float(scipy.stats.ttest_ind_from_stats(*moments, equal_var=False).pvalue)


def permutation_test(
    x: Sequence[np.ndarray], y: Sequence[np.ndarray], rng: np.random.Generator, n_resamples: int = 9999
) -> float:
    """Two-sided p, (1 + #{T* >= T})/(n_resamples + 1), of equal means, by permuting labels within strata.

    `x[j]` [n_j] and `y[j]` [m_j] are stratum j. T is the absolute difference of the means, summed over strata, in
    standard errors that allow unequal variances (Janssen 1997): exact when the distributions are equal, and
    asymptotically valid when only the means are.
    """
    observed = studentised(x, y)
    permuted_x, permuted_y = [], []
    for a, b in zip(x, y, strict=True):
        both = rng.permuted(np.tile(np.concatenate([a, b]), (n_resamples, 1)), axis=1)
        permuted_x.append(both[:, : len(a)])
        permuted_y.append(both[:, len(a) :])
    # Equal partitions summed in another order may differ in the last bits, and count as ties.
    extreme = studentised(permuted_x, permuted_y) >= observed * (1 - 1e-9)
    return float((1 + extreme.sum()) / (n_resamples + 1))


def studentised(x: Sequence[np.ndarray], y: Sequence[np.ndarray]) -> np.ndarray:
    """[...], Welch's statistic |mean x - mean y|/SE over strata of [..., n_j] and [..., m_j]."""
    strata = list(zip(x, y, strict=True))
    distance = np.sum([a.mean(axis=-1) - b.mean(axis=-1) for a, b in strata], axis=0)
    variance = np.sum([squared_error(a) + squared_error(b) for a, b in strata], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(distance == 0, 0.0, np.abs(distance) / np.sqrt(variance))


def squared_error(sample: np.ndarray) -> np.ndarray:
    """Squared standard error of the mean over the last axis."""
    return sample.var(axis=-1, ddof=1) / sample.shape[-1]


def log_rank_test(x: tuple[np.ndarray, np.ndarray], y: tuple[np.ndarray, np.ndarray]) -> float:
    """Two-sided p of equal times to the threshold; x and y are (time, reached). 1 if no seed of either got there."""
    if not (x[1].any() or y[1].any()):
        return 1.0
    with np.errstate(all="ignore"):
        p = scipy.stats.logrank(censored(*x), censored(*y)).pvalue
    return 1.0 if np.isnan(p) else float(p)


def holm(p: Sequence[float] | np.ndarray) -> np.ndarray:
    """p values adjusted for all being looked at (Holm 1979): reject where the result is at most the level."""
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted


def noncentrality(degrees: int, level: float, power: float) -> float:
    """How many standard errors a difference must measure for a two-sided t test at `level` to find it with `power`."""
    critical = scipy.stats.t.isf(level / 2, degrees)

    def missing(shift: float) -> float:
        return float(scipy.stats.nct.sf(critical, degrees, shift)) - power

    return float(scipy.optimize.brentq(missing, 0.0, 2 * (critical + 3)))


def detectable_effect(n: int, m: int, level: float = 0.05, power: float = 0.8) -> float:
    """The smallest |Cohen's d| that a t test of n against m seeds finds with `power`, for equal variances."""
    return noncentrality(n + m - 2, level, power) * float(np.sqrt(1 / n + 1 / m))


def detectable_difference(
    x: Sequence[np.ndarray], y: Sequence[np.ndarray], level: float = 0.05, power: float = 0.8
) -> float:
    """The smallest difference of means, averaged over strata, that seeds which vary like these find with `power`."""
    strata = list(zip(x, y, strict=True))
    errors = [pooled_deviation(a, b) ** 2 * (1 / len(a) + 1 / len(b)) for a, b in strata]
    degrees = sum(len(a) + len(b) - 2 for a, b in strata)
    return noncentrality(degrees, level, power) * float(np.sqrt(sum(errors))) / len(strata)
