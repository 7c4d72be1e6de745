"""Tests of two variants. x and y hold one array [n_j] per stratum (task); paired ones share their seeds, in order."""

import functools
import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
import scipy.stats

from analysis.statistics.effects import Strata, constant, of_difference
from analysis.statistics.multiplicity import LEVEL

EXACT = 70_000
"""Largest number of relabellings that are enumerated. More are drawn at random."""

RESAMPLES = 9_999
CHUNK = 4_000_000


def difference_test(x: Strata, y: Strata, rng: np.random.Generator, paired: bool = False, tests: int = 1) -> float:
    """Two-sided p of equal means, averaged over strata: the larger p of t_test and permutation_test.

    The permutation test is exact for equal distributions of any shape. The t test holds for equal means of different
    spread. Two variants are called different where both tests find a difference; the interval of the difference then
    excludes 0. `tests` is how many tests share the level: it decides how many permutations are drawn.
    """
    p = t_test(x, y, paired)
    resamples = resamples_for(tests) if p <= LEVEL else RESAMPLES
    return p if np.isnan(p) else max(p, permutation_test(x, y, rng, resamples, paired))


def equivalence_test(x: Strata, y: Strata, margin: float, rng: np.random.Generator, paired: bool = False) -> float:
    """p of means at least `margin` apart, against means closer than that: two one-sided tests (Schuirmann 1987).

    Each side has the larger of a t and a permutation p, as in difference_test. The result is the larger of the two
    sides.
    """
    estimate = of_difference(x, y, paired)
    far = max(float(estimate.p_above(-margin)), float(estimate.p_below(margin)))
    if far > LEVEL or np.isnan(far):  # as is what is not close by t
        return far
    for a, b in ((x, [sample - margin for sample in y]), (y, [sample - margin for sample in x])):
        far = max(far, permutation_test(a, b, rng, RESAMPLES, paired, two_sided=False))
    return far


def t_test(x: Strata, y: Strata, paired: bool = False) -> float:
    """Two-sided p of equal means by Welch's (or the paired) t test, more cautious where scores are skewed.

    It is at most 1 - confidence exactly where effects.difference_interval excludes 0.
    """
    return float(of_difference(x, y, paired).p_differs())


def welch_test(x: np.ndarray, y: np.ndarray) -> float:
    """Two-sided p of Welch's t test. Where neither sample varies: 1 if they are equal, else 0."""
    if constant(x) and constant(y):
        return float(x[0] == y[0])
    moments = [moment for sample in (x, y) for moment in (np.mean(sample), np.std(sample, ddof=1), len(sample))]
    return float(scipy.stats.ttest_ind_from_stats(*moments, equal_var=False).pvalue)


def resamples_for(tests: int) -> int:
    """Number of permutations with which the strictest step of a correction for `tests` tests is within reach."""
    return max(RESAMPLES, math.ceil(20 * tests / LEVEL) - 1)


def smallest_p(sizes: Sequence[tuple[int, int]], paired: bool = False, resamples: int = RESAMPLES) -> float:
    """Smallest two-sided p that permutation_test can give for strata of these `sizes` (seeds of x, seeds of y).

    2/C(2n, n) for n against n seeds; 2/2^n if paired.
    """
    relabellings = math.prod(count(n, m, paired) for n, m in sizes)
    if relabellings > EXACT:
        return 1 / (resamples + 1)
    return (2 if all(n == m for n, m in sizes) else 1) / relabellings


def count(n: int, m: int, paired: bool) -> int:
    return 2**n if paired else math.comb(n + m, n)


def permutation_test(
    x: Strata,
    y: Strata,
    rng: np.random.Generator,
    n_resamples: int = RESAMPLES,
    paired: bool = False,
    two_sided: bool = True,
) -> float:
    """p of equal means. Labels are permuted within strata; if `paired`, the signs of the seeds' differences are.

    The statistic is the difference of the means, summed over strata, in standard errors that allow unequal variances
    (Janssen 1997). The test is exact where the distributions are equal, and asymptotically valid where only the means
    are. Up to EXACT relabellings are enumerated; otherwise p = (1 + #{T* >= T})/(n_resamples + 1). One-sided, the
    alternative is a higher mean of x.
    """
    strata = [(np.asarray(a, dtype=float), np.asarray(b, dtype=float)) for a, b in zip(x, y, strict=True)]
    total = math.prod(count(len(a), len(b), paired) for a, b in strata)
    observed = statistic(*zip(*(moments(a, b, identity(a, b, paired), paired) for a, b in strata), strict=True))[0]
    if two_sided:
        observed = abs(observed)
    # Equal partitions summed in another order may differ in the last bits, and count as ties.
    bound = observed - 1e-9 * abs(observed) if np.isfinite(observed) else observed
    extreme = seen = 0
    parts = exactly(strata, paired) if total <= EXACT else at_random(strata, rng, n_resamples, paired)
    for each in parts:
        values = statistic(*each)
        extreme += int(((np.abs(values) if two_sided else values) >= bound).sum())
        seen += len(values)
    return extreme / seen if total <= EXACT else (1 + extreme) / (seen + 1)


Moments = tuple[Sequence[np.ndarray], Sequence[np.ndarray]]


def exactly(strata: Sequence[tuple[np.ndarray, np.ndarray]], paired: bool) -> Iterator[Moments]:
    """Differences and squared errors of every relabelling, over all combinations of strata."""
    distance, variance = np.zeros(1), np.zeros(1)
    for a, b in strata:
        labels = sign_patterns(len(a)) if paired else splits(len(a), len(b))
        d, v = moments(a, b, labels, paired)
        distance, variance = np.add.outer(distance, d).ravel(), np.add.outer(variance, v).ravel()
    yield [distance], [variance]


def at_random(
    strata: Sequence[tuple[np.ndarray, np.ndarray]], rng: np.random.Generator, n_resamples: int, paired: bool
) -> Iterator[Moments]:
    """Differences and squared errors of random relabellings, in parts that fit the memory."""
    widest = sum(len(a) + len(b) for a, b in strata)
    step = max(1, CHUNK // widest)
    for start in range(0, n_resamples, step):
        size = min(step, n_resamples - start)
        each = []
        for a, b in strata:
            if paired:
                labels = rng.integers(0, 2, (size, len(a))) * 2.0 - 1.0
            else:
                labels = np.zeros((size, len(a) + len(b)))
                labels[:, : len(a)] = 1.0
                labels = rng.permuted(labels, axis=1, out=labels)
            each.append(moments(a, b, labels, paired))
        distances, variances = zip(*each, strict=True)
        yield distances, variances


def identity(a: np.ndarray, b: np.ndarray, paired: bool) -> np.ndarray:
    """The observed labels, [1, ...]."""
    return np.ones((1, len(a))) if paired else np.concatenate([np.ones(len(a)), np.zeros(len(b))])[None]


def moments(a: np.ndarray, b: np.ndarray, labels: np.ndarray, paired: bool) -> tuple[np.ndarray, np.ndarray]:
    """([B], [B]): the difference of means and its squared error under each row of `labels`.

    Labels are 1 for x and 0 for y [B, n + m], or signs [B, n] if paired.
    """
    if paired:
        delta = a - b
        n = len(delta)
        mean = labels @ delta / n
        variance = ((delta**2).sum() / n - mean**2) / (n - 1)
        scale = (delta**2).mean()
    else:
        both = np.concatenate([a, b])
        both = both - both.mean()
        n, m = len(a), len(b)
        inside, squares = labels @ both, labels @ both**2
        first, second = inside / n, (both.sum() - inside) / m
        mean = first - second
        variance = (squares / n - first**2) / (n - 1) + (((both**2).sum() - squares) / m - second**2) / (m - 1)
        scale = (both**2).mean()
    return mean, np.where(variance > 1e-13 * scale, variance, 0.0)


def statistic(distances: Sequence[np.ndarray], variances: Sequence[np.ndarray]) -> np.ndarray:
    """The difference [B], summed over strata, in its standard errors. Infinite where nothing varies within groups."""
    distance, variance = np.sum(distances, axis=0), np.sum(variances, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(distance == 0, 0.0, distance / np.sqrt(variance))


@functools.lru_cache(maxsize=8)
def splits(n: int, m: int) -> np.ndarray:
    """[C(n + m, n), n + m]: every way to choose n of n + m seeds, 1 for the chosen ones."""
    chosen = np.fromiter(
        itertools.chain.from_iterable(itertools.combinations(range(n + m), n)),
        dtype=np.int64,
        count=math.comb(n + m, n) * n,
    ).reshape(-1, n)
    labels = np.zeros((len(chosen), n + m))
    np.put_along_axis(labels, chosen, 1.0, axis=1)
    return labels


@functools.lru_cache(maxsize=8)
def sign_patterns(n: int) -> np.ndarray:
    """[2^n, n]: every pattern of signs."""
    return ((np.arange(2**n)[:, None] >> np.arange(n)) & 1) * 2.0 - 1.0
