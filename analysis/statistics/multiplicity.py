"""Multiple tests: p values adjusted so that the chance of any false finding stays at the level."""

from collections.abc import Sequence

import numpy as np

LEVEL = 0.05


def holm(p: Sequence[float] | np.ndarray) -> np.ndarray:
    """Adjusted p values (Holm 1979). A test rejects where its adjusted p is at most the level."""
    values = np.asarray(p, dtype=float)
    return adjusted(values, *equal_shares(len(values)))[0]


def equal_shares(tests: int) -> tuple[np.ndarray, np.ndarray]:
    """(weights, transitions) of Holm's procedure: all tests alike."""
    transitions = np.full((tests, tests), 1 / max(tests - 1, 1))
    np.fill_diagonal(transitions, 0.0)
    return np.full(tests, 1 / max(tests, 1)), transitions


def adjusted(p: np.ndarray, weights: np.ndarray, transitions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Adjusted p values [m], and the share of the level [m] at which each test was decided.

    A graphical procedure (Bretz et al. 2009, algorithms 1 and 2). It holds the family-wise error if the weights sum to
    at most 1 and so does each row of the transitions. The share of a test that does not reject is its share after all
    tests that reject at 5%.

    Args:
        p: p values [m].
        weights: shares of the level [m] at the start.
        transitions: [m, m]. Row i says where the share of test i goes once it has rejected.
    """
    weights, transitions = weights.copy(), transitions.copy()
    result, shares = np.ones(len(p)), weights.copy()
    left = list(range(len(p)))
    highest = 0.0
    while left:
        ratio = [p[j] / weights[j] if weights[j] > 0 else np.inf for j in left]
        first = left[int(np.argmin(ratio))]
        highest = max(highest, min(ratio))
        result[first] = min(highest, 1.0)
        if highest <= LEVEL:
            shares[first] = weights[first]
        left.remove(first)
        weights, transitions = passed_on(first, left, weights, transitions)
        if highest <= LEVEL:
            shares[left] = weights[left]
    return result, shares


def passed_on(
    i: int, left: Sequence[int], weights: np.ndarray, transitions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weights and transitions of the tests `left`, once test i has rejected."""
    new_weights, new = np.zeros_like(weights), np.zeros_like(transitions)
    for j in left:
        new_weights[j] = weights[j] + weights[i] * transitions[i, j]
        through = transitions[j, i]
        if through * transitions[i, j] < 1:
            for k in left:
                if k != j:
                    new[j, k] = (transitions[j, k] + through * transitions[i, k]) / (1 - through * transitions[i, j])
    return new_weights, new


OVERALL_SHARE = 0.8
"""Share of the level for the tests over all tasks. The tests on each task share the rest."""
ELSEWHERE = 1e-6


def all_tasks_first(pair: Sequence[int], overall: Sequence[bool]) -> tuple[np.ndarray, np.ndarray]:
    """(weights, transitions) for `adjusted` that spend the level over all tasks first, and then on each task.

    A pair that is told apart over all tasks hands its share to its tests on each task. Once all of those are decided,
    the share goes to the other pairs. Without tests over all tasks, or with nothing else, this is Holm's procedure.

    Args:
        pair: number [m] of the pair of variants of each test.
        overall: whether [m] each test is over all tasks.
    """
    pairs, is_overall = np.asarray(pair), np.asarray(overall, dtype=bool)
    tests = len(pairs)
    if not is_overall.any() or is_overall.all():
        return equal_shares(tests)
    weights = np.where(is_overall, OVERALL_SHARE / is_overall.sum(), (1 - OVERALL_SHARE) / (~is_overall).sum())
    transitions = np.zeros((tests, tests))
    for i in range(tests):
        near = (pairs == pairs[i]) & (np.arange(tests) != i)
        far = is_overall & (pairs != pairs[i])
        shares = [(group, share) for group, share in ((near, 1 - ELSEWHERE), (far, ELSEWHERE)) if group.any()]
        total = sum(share for _, share in shares)
        for group, share in shares:
            transitions[i, group] += share / total / group.sum()
    return weights, transitions
