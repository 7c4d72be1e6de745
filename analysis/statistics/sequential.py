"""Group-sequential tests of two variants: they are made after each group of seeds, and stop as soon as they know.

A permutation test as AdaStop's (Mathieu et al., TMLR 2024). After each group, the labels of x and y are permuted within
every group. A labelling that crossed an earlier boundary is out. Of the others, as many may cross the boundary of this
look as the level released so far allows. The observed labelling is one of them. So a true null hypothesis is rejected
at any look with at most the probability `level`, whatever the distribution. Every group has as many seeds of x as of y.
The statistic is then equivalent to the studentised one at each look, so the test holds asymptotically where only the
means are equal (Janssen 1997).

Scores are [..., N], groups of `group` seeds one after the other. Leading axes are data sets that are tested alike.
Looks count from 1; 0 means that no boundary was crossed.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.statistics.tests import EXACT, RESAMPLES, splits

TOO_CLOSE = 1e-9
"""Relative to the largest statistic: equal sums differ by less if they are added in another order, and count as ties.
"""

BISECTIONS = 34
REACH = 64.0
"""Limits are searched within this many ranges of the scores. Beyond, they count as infinite."""


@dataclass(frozen=True)
class Looks:
    """The times at which two variants are tested: after each of `number` groups of `group` seeds of each.

    Attributes:
        resamples: number of random labellings, where there are more than EXACT. The observed one comes on top.
        seed: seed of the random labellings.
    """

    group: int
    number: int
    resamples: int = RESAMPLES
    seed: int | tuple[int, ...] = 0

    def released(self, level: float) -> np.ndarray:
        """Share of the level [number] that may be spent by each look, in proportion to the seeds."""
        return level * np.arange(1, self.number + 1) / self.number

    @cached_property
    def drawn(self) -> list[np.ndarray]:
        """Random labellings, [resamples + 1, 2 group] per group: 1 for seeds called x, -1 for others. Row 0 is as
        observed.
        """
        rng = np.random.default_rng(self.seed)
        observed = np.repeat([1.0, -1.0], self.group)
        each = []
        for _ in range(self.number):
            signs = np.tile(observed, (self.resamples + 1, 1))
            signs[1:] = rng.permuted(signs[1:], axis=1)
            each.append(signs)
        return each

    def is_exact(self, look: int) -> bool:
        """Whether all labellings of the first `look` groups are enumerated."""
        return math.comb(2 * self.group, self.group) ** look <= EXACT

    def sums(self, blocks: Sequence[np.ndarray]) -> "Paths":
        """Sum of x minus sum of y up to each look, for every labelling. The first labelling is the observed one.

        `blocks` holds an array [..., 2 group] per group, x before y.
        """
        found: Paths = []
        drawn: list[np.ndarray] = []
        for look in range(1, len(blocks) + 1):
            if self.is_exact(look):
                signs = 2 * splits(self.group, self.group) - 1
                ways = np.indices((len(signs),) * look).reshape(look, -1)
                parts = [(block @ signs.T)[..., way] for block, way in zip(blocks, ways, strict=False)]
                found.append(list(itertools.accumulate(parts)))
            else:
                for part in (blocks[i] @ self.drawn[i].T for i in range(len(drawn), look)):
                    drawn.append(part + drawn[-1] if drawn else part)
                found.append(drawn[:look])
        return found

    def blocks(self, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        """Scores of each group, [..., 2 group]: those of x, then those of y."""
        n = self.group
        return [
            np.concatenate([x[..., start : start + n], y[..., start : start + n]], axis=-1)
            for start in range(0, x.shape[-1] - n + 1, n)
        ]


@dataclass(frozen=True)
class Crossed:
    """Where a boundary was crossed.

    Attributes:
        look: first look [...] at which it was crossed; 0 for none.
        bounds: the boundaries [..., looks].
    """

    look: np.ndarray
    bounds: np.ndarray


Paths = list[list[np.ndarray]]
"""Per look k, the statistics up to each of looks 1 to k, [..., labellings]. Random labellings continue from look to
look.
"""


def mapped(paths: Paths, function: Callable[[np.ndarray, int, int], np.ndarray]) -> Paths:
    """Applies `function` to each array and its two places. Arrays that looks share stay shared."""
    done: dict[int, np.ndarray] = {}
    for i, row in enumerate(paths):
        for j, each in enumerate(row):
            if id(each) not in done:
                done[id(each)] = function(each, i, j)
    return [[done[id(each)] for each in row] for row in paths]


def crossing(statistics: Paths, released: Sequence[float] | np.ndarray) -> Crossed:
    """The look at which the observed statistic crosses its boundary. Large `statistics` speak against the hypothesis.

    `released` is the share of the level that may be spent by each look.
    """
    shape = statistics[0][0].shape[:-1]
    look, spent = np.zeros(shape, dtype=int), np.zeros(shape)
    bounds: list[np.ndarray] = []
    alive = np.ones(0, dtype=bool)
    for position, path in enumerate(statistics):
        now = path[-1]
        goes_on = position > 0 and path[-2] is statistics[position - 1][-1]
        alive = alive if goes_on else np.ones(now.shape, dtype=bool)
        for before in range(position - 1 if goes_on else 0, position):
            alive = alive & (path[before] <= bounds[before][..., None])
        values = np.where(alive, now, -np.inf)
        ways = now.shape[-1]
        allowed = np.floor((released[position] - spent) * ways * (1 + TOO_CLOSE) + TOO_CLOSE).astype(int)
        bound = kth_largest(values, np.minimum(allowed, ways - 1))
        bound = bound + TOO_CLOSE * np.abs(np.where(np.isfinite(bound), bound, 0.0))
        above = values > bound[..., None]
        spent = spent + above.mean(axis=-1)
        look = np.where((look == 0) & above[..., 0], position + 1, look)
        bounds.append(bound)
    return Crossed(look, np.stack(bounds, axis=-1))


def kth_largest(values: np.ndarray, k: np.ndarray) -> np.ndarray:
    """The value [...] of `values` [..., labellings] that k [...] others are at least as large as."""
    most = int(k.max(initial=0))
    ways = values.shape[-1]
    top = np.sort(np.partition(values, ways - 1 - most, axis=-1)[..., ways - 1 - most :], axis=-1)
    return np.take_along_axis(top, (most - k)[..., None], axis=-1)[..., 0]


@dataclass(frozen=True)
class Sequential:
    """Tests of x [..., N] against y [..., N] with the seeds of the first N / group looks."""

    looks: Looks
    x: np.ndarray
    y: np.ndarray

    @cached_property
    def sums(self) -> Paths:
        return self.looks.sums(self.looks.blocks(self.x, self.y))

    @cached_property
    def shifts(self) -> Paths:
        """The `sums` of scores that are 1 for x and 0 for y. If every x falls by 1, `sums` fall by this much."""
        number = self.x.shape[-1] // self.looks.group
        block = np.repeat([1.0, 0.0], self.looks.group)
        return self.looks.sums([block] * number)

    def shifted(self, by: np.ndarray | float, sign: float = 1.0) -> Paths:
        """The `sums` of x - `by` and y, times `sign`."""
        by = np.asarray(by, dtype=float)[..., None]
        return mapped(self.sums, lambda sums, i, j: sign * (sums - by * self.shifts[i][j]))

    def distance(self, by: np.ndarray | float) -> Paths:
        """Absolute values of the `sums` of x - `by` and y."""
        return mapped(self.shifted(by), lambda sums, i, j: np.abs(sums))

    def differs(self, level: float, by: np.ndarray | float = 0.0) -> Crossed:
        """Two-sided test of equal distributions of x - `by` and y: the look at which a difference is found."""
        return crossing(self.distance(by), self.looks.released(level))

    def is_within(self, level: float, margin: float) -> np.ndarray:
        """The look [...] by which the difference is known to be smaller than `margin` on both sides.

        Two one-sided tests (Schuirmann 1987), each at `level` over all looks. A difference of `margin` or more is
        called smaller with at most this probability.
        """
        released = self.looks.released(level)
        not_above = crossing(self.shifted(margin, -1.0), released).look
        not_below = crossing(self.shifted(-margin), released).look
        return np.where((not_above > 0) & (not_below > 0), np.maximum(not_above, not_below), 0)

    def interval(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Limits (low, high) [...] of the mean of x minus that of y: the shifts that `differs` has not excluded so far.

        A repeated confidence interval (Jennison and Turnbull 1989). It holds the true shift at all looks at once, with
        probability 1 - `level`; so it also holds where the scores themselves decided when to stop. Infinite while there
        are too few labellings.
        """
        both = np.concatenate([self.x, self.y], axis=-1)
        reach = REACH * (np.ptp(both, axis=-1) + TOO_CLOSE * np.abs(both).max(axis=-1))
        middle = self.x.mean(axis=-1) - self.y.mean(axis=-1)
        low, high = (self._limit(level, middle, reach, side) for side in (-1.0, 1.0))
        return np.minimum(low, high), np.maximum(low, high)

    def _limit(self, level: float, middle: np.ndarray, reach: np.ndarray, side: float) -> np.ndarray:
        def excluded(shift: np.ndarray) -> np.ndarray:
            bounds = crossing(self.distance(shift), self.looks.released(level)).bounds
            observed = np.stack([path[-1][..., 0] for path in self.shifted(shift, -side)], axis=-1)
            return np.asarray((observed > bounds).any(axis=-1))

        inside, outside = middle - side * reach, middle + side * reach
        unknown = ~excluded(outside)
        for _ in range(BISECTIONS):
            half = (inside + outside) / 2
            out = excluded(half)
            inside, outside = np.where(out, inside, half), np.where(out, half, outside)
        return np.where(unknown, side * np.inf, inside)


def resamples_for(level: float, looks: int) -> int:
    """Number of random labellings that is enough for a test at `level`, of which each look gets a part."""
    return max(RESAMPLES, math.ceil(20 * looks / level))


def first_look(looks: Looks, level: float) -> int:
    """First look at which a difference, however large, can be found at `level`. 0 if there is none."""
    for look, released in enumerate(looks.released(level), start=1):
        ways = math.comb(2 * looks.group, looks.group) ** look
        if released >= 2 / ways * (1 - TOO_CLOSE):
            return look
    return 0
