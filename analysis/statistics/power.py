"""Power of `tests.difference_test`: which differences it finds, and how many seeds it needs.

Power is for normal scores with given standard deviations, one per stratum (task) and variant: `sd_x`, `sd_y` [K]. If
paired, `sd_x` are the deviations of the seeds' differences, and `sd_y` is not used. Up to MANY seeds power is simulated
from fixed random numbers; beyond, it follows from the noncentral t.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.optimize
import scipy.stats

from analysis.statistics.effects import Strata
from analysis.statistics.estimates import Estimate, weighted
from analysis.statistics.tests import EXACT, count, sign_patterns, smallest_p, splits

SIMULATIONS = 4000
MANY = 40
MOST_SEEDS_PLANNED = 10_000
ENUMERATED = 1_000
COARSE = 40


@dataclass(frozen=True)
class Draws:
    """Simulated standard normal samples: `scores` [SIMULATIONS, n], and the mean, squared error and third moment of
    each.
    """

    scores: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    third: np.ndarray


@functools.lru_cache(maxsize=64)
def draws(n: int, stream: int) -> Draws:
    scores = np.random.default_rng([n, stream]).standard_normal((SIMULATIONS, n))
    mean = scores.mean(axis=1)
    deviation = scores - mean[:, None]
    third = (deviation**3).sum(axis=1) / (n * max((n - 1) * (n - 2), 1))
    return Draws(scores, mean, (deviation**2).sum(axis=1) / (n - 1) / n, third)


Sizes = Sequence[tuple[int, int]]
Deviations = Sequence[float]


def power_of(
    difference: float, sd_x: Deviations, sd_y: Deviations, sizes: Sizes, level: float = 0.05, paired: bool = False
) -> float:
    """Chance that a two-sided difference_test at `level` finds a `difference` that is the same on every task.

    `sizes` [K] are the seeds of x and of y on each task. 0 where so few seeds cannot reach the level.
    """
    if smallest_p(sizes, paired, resamples=EXACT) > level * (1 + 1e-9):
        return 0.0
    if min(min(pair) for pair in sizes) > MANY:
        return noncentral_power(difference, sd_x, sd_y, sizes, level, paired)
    found = simulated(difference, sd_x, sd_y, sizes, paired).p_differs() <= level
    if permutations_matter(sizes, level, paired):
        n, m = sizes[0]
        enumerated = count(n, m, paired) <= ENUMERATED
        some = 1000 if enumerated else 500
        x = difference + sd_x[0] * draws(n, 0).scores[:some]
        y = np.zeros((some, n)) if paired else sd_y[0] * draws(m, 1).scores[:some]
        found = found[:some]
        labels = None if enumerated else random_labels(n, m, 2500 if level < 0.02 else 500)
        found[found] = permutation_p(x[found], y[found], paired, labels) <= level * (1 + 1e-9)
    return float(found.mean())


def permutations_matter(sizes: Sizes, level: float, paired: bool) -> bool:
    """Whether the permutation test finds less than the t test: few relabellings, or samples of different sizes."""
    if len(sizes) > 1:
        return False
    few = count(*sizes[0], paired) <= ENUMERATED and level < COARSE * smallest_p(sizes, paired)
    return few or (not paired and sizes[0][0] != sizes[0][1])


@functools.lru_cache(maxsize=16)
def random_labels(n: int, m: int, number: int) -> np.ndarray:
    """Labels [number, n + m], 1 for seeds called x. Row 0 is as observed, the others are random."""
    labels = np.zeros((number, n + m))
    labels[:, :n] = 1.0
    labels[1:] = np.random.default_rng([n, m]).permuted(labels[1:], axis=1)
    return labels


def simulated(difference: float, sd_x: Deviations, sd_y: Deviations, sizes: Sizes, paired: bool) -> Estimate:
    """[SIMULATIONS] estimates of a difference, from samples of these sizes."""
    parts, weights = [], []
    for stratum, (n, m) in enumerate(sizes):
        for which, (size, sd) in enumerate(
            [(n, sd_x[stratum])] if paired else [(n, sd_x[stratum]), (m, sd_y[stratum])]
        ):
            drawn = draws(size, 2 * stratum + which)
            value = sd * drawn.mean + (difference if which == 0 else 0.0)
            degrees = np.full(SIMULATIONS, size - 1.0)
            parts.append(Estimate(value, sd**2 * drawn.variance, sd**3 * drawn.third, degrees))
            weights.append((1 - 2 * which) / len(sizes))
    return weighted(parts, weights)


def permutation_p(x: np.ndarray, y: np.ndarray, paired: bool, labels: np.ndarray | None = None) -> np.ndarray:
    """The p values [B] of permutation_test for each row of x [B, n] against y [B, m].

    Over all relabellings, or over these `labels`.
    """
    n, m = x.shape[1], y.shape[1]
    if labels is None:
        labels = sign_patterns(n) if paired else splits(n, m)
    own = np.ones(n) if paired else np.concatenate([np.ones(n), np.zeros(m)])
    if paired:
        delta = x - y
        mean = delta @ labels.T / n
        variance = ((delta**2).mean(axis=1, keepdims=True) - mean**2) / (n - 1)
    else:
        both = np.concatenate([x, y], axis=1)
        both -= both.mean(axis=1, keepdims=True)
        inside, squares = both @ labels.T, both**2 @ labels.T
        first, second = inside / n, -inside / m
        mean = first - second
        variance = (squares / n - first**2) / (n - 1)
        variance += (((both**2).sum(axis=1, keepdims=True) - squares) / m - second**2) / (m - 1)
    t = np.abs(mean) / np.sqrt(np.maximum(variance, 1e-300))
    observed = t[:, [int((labels == own).all(axis=1).argmax())]]
    return np.asarray((t >= observed * (1 - 1e-9)).mean(axis=1))


def noncentral_power(
    difference: float, sd_x: Deviations, sd_y: Deviations, sizes: Sizes, level: float, paired: bool
) -> float:
    """Power of Welch's (or the paired) t test by the noncentral t, with the degrees of the given deviations."""
    variances, degrees = [], []
    for (n, m), sx, sy in zip(sizes, sd_x, sd_y, strict=True):
        variances += [sx**2 / n] if paired else [sx**2 / n, sy**2 / m]
        degrees += [n - 1] if paired else [n - 1, m - 1]
    total = sum(variances)
    if total == 0:
        return float(difference != 0)
    freedom = total**2 / sum(v**2 / d for v, d in zip(variances, degrees, strict=True))
    shift = abs(difference) * len(sizes) / np.sqrt(total)
    critical = scipy.stats.t.isf(level / 2, freedom)
    upper = float(np.nan_to_num(scipy.stats.nct.sf(critical, freedom, shift), nan=1.0))
    return upper if shift > 1 else upper + float(scipy.stats.nct.cdf(-critical, freedom, shift))


def detectable_difference(x: Strata, y: Strata, level: float = 0.05, power: float = 0.8, paired: bool = False) -> float:
    """Smallest difference of means, the same on every stratum, that seeds which vary like these find with `power`.

    Infinite where so few seeds cannot reach the level.
    """
    sizes = [(len(a), len(b)) for a, b in zip(x, y, strict=True)]
    sd_x, sd_y = deviations(x, y, paired)
    if smallest_p(sizes, paired, resamples=EXACT) > level * (1 + 1e-9):
        return float("inf")
    squares = [(sx**2 / n + (0 if paired else sy**2 / m)) for (n, m), sx, sy in zip(sizes, sd_x, sd_y, strict=True)]
    error = float(np.sqrt(sum(squares))) / len(sizes)
    if error == 0:
        return 0.0
    low, high = 0.0, 4 * error
    while power_of(high, sd_x, sd_y, sizes, level, paired) < power:
        low, high = high, 2 * high
        if high > 1e6 * error:
            return float("inf")
    while high - low > 0.01 * high:
        middle = (low + high) / 2
        reached = power_of(middle, sd_x, sd_y, sizes, level, paired) >= power
        low, high = (low, middle) if reached else (middle, high)
    return high


def deviations(x: Strata, y: Strata, paired: bool) -> tuple[list[float], list[float]]:
    """Standard deviations of x and y on each stratum. If paired, those of the differences, and 0."""
    if paired:
        each = [float(np.std(np.asarray(a) - np.asarray(b), ddof=1)) for a, b in zip(x, y, strict=True)]
        return each, [0.0] * len(each)
    return [float(np.std(a, ddof=1)) for a in x], [float(np.std(b, ddof=1)) for b in y]


def seeds_needed(
    x: Strata, y: Strata, difference: float, level: float = 0.05, power: float = 0.8, paired: bool = False
) -> int:
    """Number of seeds per variant (and task) that find a `difference` with `power`, if they vary like these.

    At most MOST_SEEDS_PLANNED.
    """
    sd_x, sd_y = deviations(x, y, paired)
    strata = len(sd_x)

    def enough(n: int) -> bool:
        return power_of(difference, sd_x, sd_y, [(n, n)] * strata, level, paired) >= power

    low = seeds_for_a_result(level, strata, paired) - 1
    high = low + 1
    while not enough(high):
        low, high = high, 2 * high
        if high > MOST_SEEDS_PLANNED:
            return MOST_SEEDS_PLANNED
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def seeds_for_a_result(level: float, strata: int = 1, paired: bool = False) -> int:
    """Fewest seeds per variant (and task) with which a permutation test can reach the level at all."""
    n = 2
    while smallest_p([(n, n)] * strata, paired, resamples=EXACT) > level * (1 + 1e-9):
        n += 1
        if n > 30:  # beyond, resampling sets the smallest p, and grows with the number of tests
            break
    return n


# What a t test finds, for tables and for planning without data


def noncentrality(degrees: int, level: float, power: float) -> float:
    """Standard errors that a difference must measure for a two-sided t test at `level` to find it with `power`."""
    critical = scipy.stats.t.isf(level / 2, degrees)

    def missing(shift: float) -> float:
        return float(scipy.stats.nct.sf(critical, degrees, shift)) - power

    return float(scipy.optimize.brentq(missing, 0.0, 2 * (critical + 3)))


def detectable_effect(n: int, m: int, level: float = 0.05, power: float = 0.8) -> float:
    """Smallest absolute Cohen's d that a t test of n against m seeds finds with `power`, for equal variances."""
    return noncentrality(n + m - 2, level, power) * float(np.sqrt(1 / n + 1 / m))
