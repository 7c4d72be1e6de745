"""What every interval and every test of a mean rests on: an estimate, its error, and how skewed that error is.

Intervals and tests use Student's t and, beside it, t after Hall's transformation (Hall 1992, "On the removal of
skewness by transformation"), and keep the more cautious of the two on each side. Student alone misses too often on
skewed scores, and Hall alone on small samples; tests/analysis/simulation.csv has both judged together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.stats

SHRINKAGE = 0.6
"""Of the third moment: a sample's own is too variable to be taken at its word. Chosen by simulation."""


@dataclass(frozen=True)
class Estimate:
    """`value` [...], its squared standard error `variance`, its third central moment `third`, its t `degrees`."""

    value: np.ndarray
    variance: np.ndarray
    third: np.ndarray
    degrees: np.ndarray

    @property
    def error(self) -> np.ndarray:
        return np.sqrt(self.variance)

    @property
    def skewness(self) -> np.ndarray:
        """[...], of the error, shrunk; 0 where nothing varies."""
        with np.errstate(divide="ignore", invalid="ignore"):
            skewness = SHRINKAGE * self.third / self.variance**1.5
        return np.nan_to_num(skewness, nan=0.0, posinf=0.0, neginf=0.0)

    def limits(self, confidence: float) -> tuple[np.ndarray, np.ndarray]:
        """(low, high) [...]; NaN where there are no degrees of freedom."""
        t = scipy.stats.t.isf((1 - confidence) / 2, self.degrees)
        return self.value - farthest(t, self.skewness) * self.error, self.value + farthest(
            t, -self.skewness
        ) * self.error

    def p_above(self, bound: float | np.ndarray = 0.0) -> np.ndarray:
        """[...], one-sided p of the true value being at most `bound`, against being above it."""
        return self.tail(np.asarray(self.value) - bound, self.skewness)

    def p_below(self, bound: float | np.ndarray = 0.0) -> np.ndarray:
        """[...], one-sided p of the true value being at least `bound`, against being below it."""
        return self.tail(bound - np.asarray(self.value), -self.skewness)

    def p_differs(self, bound: float | np.ndarray = 0.0) -> np.ndarray:
        """[...], two-sided p of the true value being `bound`: at most 1 - confidence just where limits exclude it."""
        return np.minimum(1.0, 2 * np.minimum(self.p_above(bound), self.p_below(bound)))

    def tail(self, distance: np.ndarray, skewness: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(distance == 0, 0.0, distance / self.error)
        transformed = np.where(np.isfinite(t), hall(np.where(np.isfinite(t), t, 0.0), skewness), t)
        return np.asarray(scipy.stats.t.sf(np.minimum(t, transformed), self.degrees))


def hall(t: np.ndarray, skewness: np.ndarray) -> np.ndarray:
    """t + s t²/3 + s² t³/27 + s/6, monotone in t."""
    return t + skewness * t**2 / 3 + skewness**2 * t**3 / 27 + skewness / 6


def farthest(t: np.ndarray, skewness: np.ndarray) -> np.ndarray:
    """[...], the larger of `t` and the value that Hall's transformation takes to `t`."""
    s = np.where(np.abs(skewness) < 1e-8, 1.0, skewness)
    inverse = 3 * (np.cbrt(1 + s * (t - s / 6)) - 1) / s
    return np.where(np.abs(skewness) < 1e-8, t, np.maximum(t, inverse))


def of_mean(sample: np.ndarray) -> Estimate:
    """Of the mean of [..., n]."""
    n = sample.shape[-1]
    value = sample.mean(axis=-1)
    deviation = sample - value[..., None]
    flat = (sample == sample[..., :1]).all(axis=-1)
    variance = np.where(flat, 0.0, (deviation**2).sum(axis=-1) / max(n - 1, 1) / n)
    third = (deviation**3).sum(axis=-1) / (n * max((n - 1) * (n - 2), 1))
    third = np.where(flat, 0.0, third)
    return Estimate(value, variance, third, np.full(np.shape(value), np.nan if n < 2 else n - 1.0))


def of_moments(mean: float, deviation: float, n: int) -> Estimate:
    """The estimate of a mean, from the sample's `mean`, standard `deviation` and size `n` alone; no skewness."""
    degrees = n - 1.0 if n > 1 else np.nan
    return Estimate(*map(np.asarray, (mean, deviation**2 / n, 0.0, degrees)))


def of_iqm(sample: np.ndarray) -> Estimate:
    """Of the interquartile mean of [..., n]: winsorised variance (Tukey and McLaughlin 1963)."""
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
    """Of the sum of independent estimates, each times its weight; degrees by Satterthwaite 1946 (Welch's, for two)."""
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
    """Of the average over strata."""
    return weighted(estimates, [1 / len(estimates)] * len(estimates))
