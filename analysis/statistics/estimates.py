"""Estimates of a mean: the value, its error, and the skewness of that error. Every interval and test of a mean uses
them.

Intervals and tests use Student's t, and beside it t after Hall's transformation (Hall 1992, "On the removal of skewness
by transformation"). On each side they keep the more cautious of the two. Student's t alone misses too often on skewed
scores, and Hall's alone misses too often on small samples. tests/analysis/simulation.csv has the coverage of both
together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.stats

SHRINKAGE = 0.6
"""Factor of the third moment, chosen by simulation. A sample's own third moment varies too much."""


@dataclass(frozen=True)
class Estimate:
    """An estimate [...] and what its limits need.

    Attributes:
        value: the estimate.
        variance: its squared standard error.
        third: the third central moment of its error.
        degrees: the degrees of freedom of its t; NaN where there are none.
    """

    value: np.ndarray
    variance: np.ndarray
    third: np.ndarray
    degrees: np.ndarray

    @property
    def error(self) -> np.ndarray:
        return np.sqrt(self.variance)

    @property
    def skewness(self) -> np.ndarray:
        """Skewness [...] of the error, shrunk. 0 where nothing varies."""
        with np.errstate(divide="ignore", invalid="ignore"):
            skewness = SHRINKAGE * self.third / self.variance**1.5
        return np.nan_to_num(skewness, nan=0.0, posinf=0.0, neginf=0.0)

    def limits(self, confidence: float) -> tuple[np.ndarray, np.ndarray]:
        """Limits (low, high) [...] of the true value. NaN where there are no degrees of freedom."""
        t = scipy.stats.t.isf((1 - confidence) / 2, self.degrees)
        return self.value - farthest(t, self.skewness) * self.error, self.value + farthest(
            t, -self.skewness
        ) * self.error

    def p_above(self, bound: float | np.ndarray = 0.0) -> np.ndarray:
        """One-sided p [...]: the null hypothesis is a true value of at most `bound`, the alternative one above it."""
        return self.tail(np.asarray(self.value) - bound, self.skewness)

    def p_below(self, bound: float | np.ndarray = 0.0) -> np.ndarray:
        """One-sided p [...]: the null hypothesis is a true value of at least `bound`, the alternative one below it."""
        return self.tail(bound - np.asarray(self.value), -self.skewness)

    def p_differs(self, bound: float | np.ndarray = 0.0) -> np.ndarray:
        """Two-sided p [...] of a true value equal to `bound`. It is at most 1 - confidence exactly where `limits`
        exclude `bound`.
        """
        return np.minimum(1.0, 2 * np.minimum(self.p_above(bound), self.p_below(bound)))

    def tail(self, distance: np.ndarray, skewness: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(distance == 0, 0.0, distance / self.error)
        transformed = np.where(np.isfinite(t), hall(np.where(np.isfinite(t), t, 0.0), skewness), t)
        return np.asarray(scipy.stats.t.sf(np.minimum(t, transformed), self.degrees))


def hall(t: np.ndarray, skewness: np.ndarray) -> np.ndarray:
    """Hall's transformation of t: t + s t²/3 + s² t³/27 + s/6. It increases with t."""
    return t + skewness * t**2 / 3 + skewness**2 * t**3 / 27 + skewness / 6


def farthest(t: np.ndarray, skewness: np.ndarray) -> np.ndarray:
    """The larger [...] of `t` and the value that Hall's transformation takes to `t`."""
    s = np.where(np.abs(skewness) < 1e-8, 1.0, skewness)
    inverse = 3 * (np.cbrt(1 + s * (t - s / 6)) - 1) / s
    return np.where(np.abs(skewness) < 1e-8, t, np.maximum(t, inverse))


def of_mean(sample: np.ndarray) -> Estimate:
    """Estimate of the mean of a sample [..., n]."""
    n = sample.shape[-1]
    value = sample.mean(axis=-1)
    deviation = sample - value[..., None]
    flat = (sample == sample[..., :1]).all(axis=-1)
    variance = np.where(flat, 0.0, (deviation**2).sum(axis=-1) / max(n - 1, 1) / n)
    third = (deviation**3).sum(axis=-1) / (n * max((n - 1) * (n - 2), 1))
    third = np.where(flat, 0.0, third)
    return Estimate(value, variance, third, np.full(np.shape(value), np.nan if n < 2 else n - 1.0))


def of_moments(mean: float, deviation: float, n: int) -> Estimate:
    """Estimate of a mean from `mean`, standard `deviation` and size `n` of a sample. Its skewness counts as 0."""
    degrees = n - 1.0 if n > 1 else np.nan
    return Estimate(*map(np.asarray, (mean, deviation**2 / n, 0.0, degrees)))


def of_iqm(sample: np.ndarray) -> Estimate:
    """Estimate of the interquartile mean of [..., n], with a winsorised variance (Tukey and McLaughlin 1963)."""
    ordered = np.sort(sample, axis=-1)
    n = sample.shape[-1]
    cut = n // 4
    kept = n - 2 * cut
    value = ordered[..., cut : n - cut].mean(axis=-1)
    winsorised = np.clip(ordered, ordered[..., cut, None], ordered[..., n - cut - 1, None])
    deviation = winsorised - winsorised.mean(axis=-1, keepdims=True)
    flat = (winsorised == winsorised[..., :1]).all(axis=-1)
    variance = np.where(flat, 0.0, (deviation**2).sum(axis=-1) / (kept * max(kept - 1, 1)))
    third = (deviation**3).sum(axis=-1) / (kept * max((kept - 1) * (kept - 2), 1))
    third = np.where(flat, 0.0, third)
    return Estimate(value, variance, third, np.full(np.shape(value), np.nan if kept < 2 else kept - 1.0))


def weighted(estimates: Sequence[Estimate], weights: Sequence[float]) -> Estimate:
    """Estimate of the weighted sum of independent estimates. Degrees by Satterthwaite 1946 (Welch's, for two)."""
    pairs = list(zip(estimates, weights, strict=True))
    variance = np.sum([w**2 * e.variance for e, w in pairs], axis=0)
    spread = np.sum([(w**2 * e.variance) ** 2 / e.degrees for e, w in pairs], axis=0)
    known = np.isfinite(np.sum([e.degrees for e in estimates], axis=0))
    fewest = np.min([e.degrees for e in estimates], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = np.where(variance > 0, variance**2 / spread, fewest)
    return Estimate(
        np.sum([w * e.value for e, w in pairs], axis=0),
        variance,
        np.sum([w**3 * e.third for e, w in pairs], axis=0),
        np.where(known, degrees, np.nan),
    )


def averaged(estimates: Sequence[Estimate]) -> Estimate:
    """Estimate of the average over strata."""
    return weighted(estimates, [1 / len(estimates)] * len(estimates))
