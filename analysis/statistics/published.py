"""Comparison with a published result, of which only a mean, a deviation and a number of runs are known."""

from dataclasses import dataclass, replace

import numpy as np

from analysis.statistics.estimates import Estimate, of_mean, weighted
from analysis.statistics.multiplicity import LEVEL

NOT_WORSE, FALLS_SHORT, UNDECIDED = "not worse", "falls short", "undecided"


@dataclass(frozen=True)
class AgainstPublished:
    """The mean of scores minus a published mean, with its interval and two one-sided tests.

    Attributes:
        p_short: p of the null hypothesis that the scores' mean is at least the published one. Alternative: it is lower.
        p_not_worse: p of the null hypothesis that the scores' mean is lower by at least the margin. Alternative: it is
            closer, or higher (a test of non-inferiority).
    """

    difference: float
    interval: tuple[float, float]
    p_short: float
    p_not_worse: float

    @property
    def outcome(self) -> str:
        """What is shown at 5%. Scores within the margin are not worse, even where they are shown to be lower."""
        if self.p_not_worse <= LEVEL:
            return NOT_WORSE
        return FALLS_SHORT if self.p_short <= LEVEL else UNDECIDED


def against_published(
    scores: np.ndarray, mean: float, margin: float, deviation: float | None = None, n: int = 1
) -> AgainstPublished:
    """Compares scores [n] with a published `mean`; higher is better.

    The interval is the two-sided 90% interval. It excludes what the one-sided tests reject at 5%.

    Args:
        deviation: standard deviation over the `n` published runs. None if it is not known, as for a single run; `mean`
            is then taken as exact.

    Raises:
        ValueError: There are fewer than two scores, or the deviation is of fewer than two runs.
    """
    if len(scores) < 2 or (deviation is not None and n < 2):
        raise ValueError("a comparison needs two runs on each side whose deviation is used")
    ours = of_mean(np.asarray(scores, dtype=float))
    if deviation is None:
        between = replace(ours, value=ours.value - mean)
    else:
        theirs = Estimate(*(np.asarray(part) for part in (mean, deviation**2 / n, 0.0, n - 1.0)))
        between = weighted([ours, theirs], [1.0, -1.0])
    low, high = (float(limit) for limit in between.limits(1 - 2 * LEVEL))
    return AgainstPublished(
        float(between.value), (low, high), float(between.p_below(0.0)), float(between.p_above(-margin))
    )
