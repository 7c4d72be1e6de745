"""The prospects of a plan before anything trains: its own test is simulated with normal scores."""

import math
from dataclasses import dataclass

import numpy as np

from analysis import statistics as st
from analysis.statistics.sequential import Looks, Sequential
from analysis.study.plan import Plan

SIMULATIONS = 300
AT_ONCE = 2_000_000
"""Number of sums that are held in memory at once."""


@dataclass(frozen=True)
class Prospect:
    """What happens to one question for a given spread of the seeds and a given true difference.

    Attributes:
        spread: standard deviation of the seeds, as a share of the task's scale.
        difference: true difference, as a share of the task's scale.
        better: probability of the answer "better".
        same: probability of the answer "practically the same".
        seeds: mean number of seeds of each variant.
    """

    spread: float
    difference: float
    better: float
    same: float
    seeds: float


def prospect(plan: Plan, spread: float, difference: float) -> Prospect:
    """The simulated prospect, at the level that each question has while none is answered."""
    level = plan.share
    resamples = max(999, math.ceil(2 * plan.looks / level))
    looks = Looks(plan.group, plan.looks, resamples, 3)
    rng = np.random.default_rng(5)
    number = max(1, min(SIMULATIONS, AT_ONCE // resamples))
    better, same = [], []
    for _ in range(0, SIMULATIONS, number):
        x, y = rng.normal(0.0, spread, (2, number, plan.largest))
        test = Sequential(looks, x + difference, y)
        better.append(test.differs(level).look)
        same.append(test.is_within(level, plan.margin) if plan.margin is not None else np.zeros(number, dtype=int))
    first, alike = (np.where(each == 0, plan.looks + 1, each) for each in map(np.concatenate, (better, same)))
    stop = np.minimum(np.minimum(first, alike), plan.looks)
    says_same = (alike <= first) & (alike <= plan.looks)
    says_better = (first <= plan.looks) & ~says_same
    return Prospect(
        spread, difference, float(says_better.mean()), float(says_same.mean()), float(plan.group * stop.mean())
    )


def differences(plan: Plan, spread: float) -> list[float]:
    """The true differences to plan for: 0, the margin and twice the margin; or multiples of the spread."""
    step = spread if plan.margin is None else plan.margin
    return [0.0, step, 2 * step]


def fixed_seeds(plan: Plan, spread: float) -> int | None:
    """Seeds of each variant with which one test at the end finds a difference of the margin, if there is one."""
    if plan.margin is None:
        return None
    sample = np.array([-1.0, 1.0]) * spread / math.sqrt(2.0)
    return st.seeds_needed([sample], [sample], plan.margin, plan.share, plan.power)
