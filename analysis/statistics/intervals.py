"""95% intervals of a variant's aggregates. `samples` holds one array [..., n_j] per stratum (task).

tests/analysis/simulation.csv has the simulated coverage of each interval. `reliability` has the warning to print where
the coverage falls short.
"""

import functools
from collections.abc import Callable, Sequence

import numpy as np
import scipy.stats

from analysis.statistics.aggregates import WORST_SHARE, Statistic, iqm, lower_tail, mean, median, tail_weights
from analysis.statistics.estimates import Estimate, averaged, of_iqm, of_mean

Limits = tuple[np.ndarray, np.ndarray]
Interval = Callable[..., Limits]
"""A function of samples and a confidence that returns (low, high)."""


def mean_interval(samples: Sequence[np.ndarray], confidence: float = 0.95) -> Limits:
    """Limits (low, high) [...] of the mean, averaged over strata: Student's t, wider where scores are skewed
    (`estimates`).

    NaN where a sample has fewer than two seeds.
    """
    return averaged([of_mean(np.asarray(sample)) for sample in samples]).limits(confidence)


FEW = 5
"""Fewer seeds are too few for the bootstrap: too few different samples can be drawn."""


def iqm_interval(samples: Sequence[np.ndarray], confidence: float = 0.95) -> Limits:
    """Limits (low, high) [...] of the interquartile mean, averaged over strata: a bootstrap with widened quantiles.

    With fewer than five seeds, t with a winsorised variance. NaN where a sample has fewer than two.
    """
    each = [iqm_limits(np.asarray(sample), confidence) for sample in samples]
    return combined([iqm(np.asarray(sample)) for sample in samples], each)


def iqm_limits(sample: np.ndarray, confidence: float) -> Limits:
    n = sample.shape[-1]
    return of_iqm(sample).limits(confidence) if n < FEW else resampled_limits(sample, iqm_weights(n), confidence)


def iqm_weights(n: int) -> tuple[float, ...]:
    """Weights [n] of the ordered scores in the interquartile mean."""
    cut = n // 4
    return tuple(1 / (n - 2 * cut) if cut <= i < n - cut else 0.0 for i in range(n))


RESAMPLES = 2000
CHUNK = 1000


@functools.lru_cache(maxsize=64)
def resampling(weights: tuple[float, ...]) -> np.ndarray:
    """Weights [RESAMPLES, n] of the ordered scores in the weighted sum of each resample. They are the same at every
    call.
    """
    n = len(weights)
    drawn = np.sort(np.random.default_rng(n).integers(n, size=(RESAMPLES, n)), axis=1)
    counts = np.zeros((RESAMPLES, n))
    np.add.at(counts, (np.arange(RESAMPLES)[:, None], drawn), np.asarray(weights))
    return counts


def resampled_limits(sample: np.ndarray, weights: tuple[float, ...], confidence: float) -> Limits:
    """Percentile bootstrap of a weighted sum of the ordered scores, with the quantiles of `expanded_tail`.

    All samples of n seeds share their resamples, so equal scores have equal limits.
    """
    n = sample.shape[-1]
    tail = expanded_tail([n], confidence)
    ordered = np.sort(sample, axis=-1).reshape(-1, n)
    parts = [
        np.quantile(ordered[start : start + CHUNK] @ resampling(weights).T, [tail, 1 - tail], axis=1)
        for start in range(0, len(ordered), CHUNK)
    ]
    low, high = np.concatenate(parts, axis=1).reshape(2, *sample.shape[:-1])
    return low, high


MEDIAN_REACH = {2: 5.9, 3: 0.81, 4: 0.24, 5: 0.04}
"""How far beyond the extremes the limits lie, in ranges of the sample. Chosen by simulation for normal scores."""


def median_interval(samples: Sequence[np.ndarray], confidence: float = 0.95) -> Limits:
    """Limits (low, high) [...] of the median: interpolated order statistics (Hettmansperger and Sheather 1986).

    Below six seeds even the extremes hold the median too rarely, so the limits lie beyond them. Over several strata
    these are limits of the average of the medians; errors are added as in `combined`.
    """
    each = [median_limits(np.asarray(sample), confidence) for sample in samples]
    return combined([median(np.asarray(sample)) for sample in samples], each)


def median_limits(sample: np.ndarray, confidence: float) -> Limits:
    n = sample.shape[-1]
    ordered = np.sort(sample, axis=-1)
    if n < 2:
        nothing = np.full(sample.shape[:-1], np.nan)
        return nothing, nothing
    if n in MEDIAN_REACH:
        beyond = MEDIAN_REACH[n] * (ordered[..., -1] - ordered[..., 0])
        return ordered[..., 0] - beyond, ordered[..., -1] + beyond
    ranks = np.arange(1, n // 2 + 1)
    held = 1 - 2 * scipy.stats.binom.cdf(ranks - 1, n, 0.5)
    k = int(ranks[held >= confidence].max())
    if k == n // 2:
        return ordered[..., k - 1], ordered[..., n - k]
    outer, inner = held[k - 1], held[k]
    share = (outer - confidence) / (outer - inner)
    mixed = (n - k) * share / (k + (n - 2 * k) * share)
    low = (1 - mixed) * ordered[..., k - 1] + mixed * ordered[..., k]
    high = (1 - mixed) * ordered[..., n - k] + mixed * ordered[..., n - k - 1]
    return low, high


LOWER_TAIL_SEEDS = 8
"""The fewest seeds of which two lie in the worst quarter."""


def lower_tail_interval(samples: Sequence[np.ndarray], confidence: float = 0.95) -> Limits:
    """Limits (low, high) [...] of the mean of the worst quarter, averaged over strata. NaN with fewer than 8 seeds.

    On each side, the wider of two: a bootstrap, and t with the variance of the influences (Trindade et al. 2007) and
    the degrees of the seeds in that quarter. Either alone misses too often.
    """
    each = [lower_tail_limits(np.asarray(sample), confidence) for sample in samples]
    return combined([lower_tail(np.asarray(sample)) for sample in samples], each)


def lower_tail_limits(sample: np.ndarray, confidence: float) -> Limits:
    low, high = of_lower_tail(sample).limits(confidence)
    if sample.shape[-1] < LOWER_TAIL_SEEDS:
        return low, high
    resampled = resampled_limits(sample, tuple(tail_weights(sample.shape[-1])), confidence)
    return np.minimum(low, resampled[0]), np.maximum(high, resampled[1])


def of_lower_tail(sample: np.ndarray) -> Estimate:
    ordered = np.sort(sample, axis=-1)
    n = sample.shape[-1]
    last = int(np.count_nonzero(tail_weights(n))) - 1
    below = np.minimum(ordered, ordered[..., last, None])
    deviation = (below - below.mean(axis=-1, keepdims=True)) / WORST_SHARE
    degrees = WORST_SHARE * n - 1 if n >= LOWER_TAIL_SEEDS else np.nan
    value = np.asarray(lower_tail(sample))
    return Estimate(
        value,
        (deviation**2).sum(axis=-1) / max(n - 1, 1) / n,
        (deviation**3).sum(axis=-1) / (n * max((n - 1) * (n - 2), 1)),
        np.full(value.shape, degrees),
    )


def combined(values: Sequence[np.ndarray], limits: Sequence[Limits]) -> Limits:
    """Limits of the average of independent quantities, from the limits of each (MOVER: Zou and Donner 2008)."""
    value = np.mean(values, axis=0)
    below = np.sqrt(np.sum([(v - low) ** 2 for v, (low, _) in zip(values, limits, strict=True)], axis=0))
    above = np.sqrt(np.sum([(high - v) ** 2 for v, (_, high) in zip(values, limits, strict=True)], axis=0))
    return value - below / len(values), value + above / len(values)


AGGREGATES: dict[str, tuple[Statistic, Interval]] = {
    "mean": (mean, mean_interval),
    "iqm": (iqm, iqm_interval),
    "median": (median, median_interval),
    "lower_tail": (lower_tail, lower_tail_interval),
}
"""The aggregates of a variant's scores, and the interval of each."""


# Fractions of runs


def fraction_interval(count: np.ndarray | int, n: int, confidence: float = 0.95) -> Limits:
    """Limits (low, high) [...] of a fraction, of which `count` of n were seen (Clopper and Pearson 1934).

    The coverage is never below `confidence`, and the limits do not collapse at 0 or n.
    """
    seen = np.asarray(count, dtype=float)
    tail = (1 - confidence) / 2
    low = np.where(seen > 0, scipy.stats.beta.ppf(tail, np.maximum(seen, 0.5), n - seen + 1), 0.0)
    high = np.where(seen < n, scipy.stats.beta.isf(tail, seen + 1, np.maximum(n - seen, 0.5)), 1.0)
    return low, high


def profile_interval(samples: Sequence[np.ndarray], thresholds: np.ndarray, confidence: float = 0.95) -> Limits:
    """Pointwise limits (low, high) [len(thresholds)] of the performance profile, for samples [n_j]."""
    counts = [(sample[:, None] > thresholds).sum(axis=0) for sample in samples]
    sizes = [len(sample) for sample in samples]
    each = [fraction_interval(count, n, confidence) for count, n in zip(counts, sizes, strict=True)]
    return combined([count / n for count, n in zip(counts, sizes, strict=True)], each)


# Curves


def simultaneous_band(
    values: np.ndarray,
    rng: np.random.Generator,
    statistic: str = "iqm",
    confidence: float = 0.95,
    n_resamples: int = 500,
) -> Limits:
    """Limits (low, high) [T] that hold a whole curve at once: the `statistic` ("mean" or "iqm") of `values` [n, T].

    The limits lie the same number of standard errors from the curve at every point. That number is how far the farthest
    point of a normal curve lies from the truth in `confidence` of the cases; normal curves are drawn n at a time with
    the covariance of these curves (Montiel Olea and Plagborg-Møller 2019, with the errors estimated anew each time).
    NaN with fewer than two seeds.
    """
    of = {"mean": of_mean, "iqm": of_iqm}[statistic]
    estimate = of(values.T)
    n = len(values)
    if n < 2:
        return np.full(values.shape[1], np.nan), np.full(values.shape[1], np.nan)
    deviation = (values - values.mean(axis=0)) / np.sqrt(n - 1)
    step = max(1, 2_000_000 // values.size)
    farthest = []
    for start in range(0, n_resamples, step):
        drawn = rng.standard_normal((min(step, n_resamples - start), n, n)) @ deviation
        each = of(np.moveaxis(drawn, 1, -1))
        t = np.divide(np.abs(each.value), each.error, out=np.zeros_like(each.error), where=each.error > 0)
        farthest.append(t.max(axis=-1))
    reach = float(np.quantile(np.concatenate(farthest), confidence))
    return estimate.value - reach * estimate.error, estimate.value + reach * estimate.error


# How many seeds


def interval_widths(
    scores: np.ndarray,
    interval: Interval,
    sizes: Sequence[int] | np.ndarray,
    rng: np.random.Generator,
    confidence: float = 0.95,
    n_resamples: int = 500,
) -> np.ndarray:
    """Widths [len(sizes), 3] of the intervals that other numbers of seeds like these would give.

    Columns: median, 10% and 90% quantile. Samples of each size are drawn from `scores` [n] with replacement.
    """
    rows = []
    for size in sizes:
        drawn = scores[rng.integers(len(scores), size=(n_resamples, int(size)))]
        low, high = interval([drawn], confidence)
        rows.append(np.quantile(high - low, [0.5, 0.1, 0.9]))
    return np.array(rows)


# Anything else


def expanded_tail(sizes: Sequence[int], confidence: float) -> float:
    """The bootstrap quantile to use for (1 - confidence)/2, wider by what small samples need.

    Percentile intervals are too narrow by sqrt((n - 1)/n) and by a normal in place of a t quantile. More extreme
    quantiles mend both (Hesterberg 2015, "What teachers should know about the bootstrap", section 5.3).
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
) -> Limits:
    """Limits (low, high) [...] of any `statistic(*samples, axis=-1)`: stratified, expanded percentile bootstrap over
    seeds.

    For statistics without an interval of their own. The limits cannot leave the sample's range, and they are too narrow
    below about 20 seeds. NaN where a sample has fewer than two seeds.
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
