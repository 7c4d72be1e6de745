"""Tests of two variants, corrections for many, and power: against SciPy and cases worked by hand."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as some

from analysis import statistics as st
from analysis.statistics.tests import EXACT


def studentised(a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
    return np.abs(scipy.stats.ttest_ind(a, b, equal_var=False, axis=axis).statistic)


def test_few_relabellings_are_enumerated_exactly(rng):
    for n, m in ((3, 3), (5, 6), (4, 9)):
        x, y = rng.normal(0, 1, n), rng.normal(1.0, 3.0, m)
        exact = scipy.stats.permutation_test(
            (x, y), studentised, n_resamples=np.inf, alternative="greater", vectorized=True
        )
        expected = exact.pvalue
        assert st.permutation_test([x], [y], rng) == pytest.approx(expected, abs=1e-12)


def test_signs_of_pairs_are_enumerated_exactly(rng):
    x, y = rng.normal(0, 1, 9), rng.normal(0.5, 1, 9)

    def one_sample(delta: np.ndarray, axis: int) -> np.ndarray:
        return np.abs(scipy.stats.ttest_1samp(delta, 0, axis=axis).statistic)

    exact = scipy.stats.permutation_test(
        (x - y,), one_sample, permutation_type="samples", n_resamples=np.inf, alternative="greater", vectorized=True
    )
    assert st.permutation_test([x], [y], rng, paired=True) == pytest.approx(exact.pvalue, abs=1e-12)


def test_no_p_is_smaller_than_the_relabellings_allow(rng):
    for sizes in ([(3, 3)], [(5, 5)], [(4, 6)], [(4, 4), (3, 3)]):
        x = [np.arange(n) + 1000.0 * (1 + i) for i, (n, _) in enumerate(sizes)]
        y = [np.arange(m) * 1.1 for _, m in sizes]
        p = st.permutation_test(x, y, rng)
        assert p == pytest.approx(st.smallest_p(sizes), abs=1e-12)
    assert st.smallest_p([(5, 5)]) == 2 / math.comb(10, 5)
    assert st.smallest_p([(5, 5), (5, 5)]) == 2 / 252**2
    assert st.smallest_p([(6, 6)], paired=True) == 2 / 2**6
    assert math.comb(20, 10) > EXACT
    assert st.smallest_p([(10, 10)]) == 1 / 10_000


def test_many_tests_are_given_resamples_enough_for_holms_strictest_step(rng):
    tests = 600
    x, y = rng.normal(0, 1, 30), rng.normal(5, 1, 30)
    assert st.difference_test([x], [y], rng, tests=tests) <= 0.05 / tests
    assert st.resamples_for(1) == 9_999


def test_what_is_called_different_satisfies_both_tests(rng):
    """Permutation alone is misled by unequal spreads, t alone by two clusters of few seeds."""
    stuck, solved = np.array([0.0, 1.0, 2.0]), np.array([350.0, 351.0, 352.0])
    assert st.t_test([stuck], [solved]) < 1e-3
    assert st.difference_test([stuck], [solved], rng) == pytest.approx(0.1)
    x, y = rng.normal(0, 1, 40), rng.normal(3, 10, 6)
    assert st.difference_test([x], [y], rng) >= max(st.t_test([x], [y]), st.permutation_test([x], [y], rng) - 0.02)


def test_equivalence_is_two_one_sided_tests():
    x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0] * 3)
    y = x + 0.25
    rng = np.random.default_rng(0)
    error = np.sqrt(2 * x.var(ddof=1) / 15)
    expected = scipy.stats.t.sf((1.75 - 0.25) / error, 28)
    assert st.equivalence_test([x], [y], 1.75, rng) == pytest.approx(expected, abs=0.004)
    assert st.equivalence_test([x], [y], 0.2, rng) > 0.5
    assert st.equivalence_test([x], [x], 1.75, rng) < expected


def test_few_seeds_of_two_clusters_are_not_called_equal():
    """Three seeds each that happen to have all solved the task say little; 1/20 is the best that they can do."""
    x, y = np.array([350.0, 350.5, 351.0]), np.array([350.2, 350.6, 350.9])
    assert st.equivalence_test([x], [y], 50.0, np.random.default_rng(0)) == pytest.approx(1 / 20)


def test_probability_test_is_of_the_probability(rng):
    x, y = rng.normal(0, 1, 30), rng.normal(0, 1, 30)
    expected = scipy.stats.brunnermunzel(x, y).pvalue
    assert st.probability_test([x], [y]) == pytest.approx(expected, abs=0.05)
    assert st.probability_test([np.arange(3.0) + 10], [np.arange(3.0)]) > 0.05
    assert st.probability_test([np.arange(12.0) + 20], [np.arange(12.0)]) < 1e-3


def test_correlation_over_shared_seeds(rng):
    x, y = rng.normal(size=12), rng.normal(size=12)
    assert st.correlation([x], [y]) == pytest.approx(scipy.stats.pearsonr(x, y).statistic)
    assert np.isnan(st.correlation([np.ones(5)], [np.arange(5.0)]))


@given(some.lists(some.floats(0, 1), min_size=1, max_size=8))
@settings(deadline=None, max_examples=80)
def test_equal_shares_are_holms_procedure(p):
    order = np.argsort(p, kind="stable")
    expected = np.empty(len(p))
    expected[order] = np.minimum(1, np.maximum.accumulate(np.sort(p) * np.arange(len(p), 0, -1)))
    result, shares = st.adjusted(np.array(p), *st.equal_shares(len(p)))
    assert result == pytest.approx(expected, abs=1e-12)
    assert st.holm(p) == pytest.approx(expected, abs=1e-12)
    assert (shares <= 1 + 1e-12).all()


def test_a_graph_by_hand():
    """Two tests over all tasks with half the level each, and a test on a task for each (Bretz et al. 2009)."""
    weights = np.array([0.5, 0.5, 0.0, 0.0])
    transitions = np.array([[0, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0], [1, 0, 0, 0.0]])
    result, shares = st.adjusted(np.array([0.02, 0.3, 0.01, 0.0001]), weights, transitions)
    assert result == pytest.approx([0.04, 0.3, 0.04, 0.3])
    assert shares == pytest.approx([0.5, 1.0, 0.5, 0.0])


def test_the_level_goes_to_all_tasks_first():
    weights, transitions = st.all_tasks_first([0, 1, 0, 1, 0, 1], [True, True, False, False, False, False])
    assert weights == pytest.approx([0.4, 0.4, 0.05, 0.05, 0.05, 0.05])
    assert (transitions.sum(axis=1) <= 1 + 1e-12).all()
    told = st.adjusted(np.array([0.001, 0.9, 0.01, 0.001, 0.9, 0.9]), weights, transitions)[0]
    untold = st.adjusted(np.array([0.9, 0.9, 0.01, 0.001, 0.9, 0.9]), weights, transitions)[0]
    assert told[2] <= 0.05 < untold[2]


def test_power_is_of_the_test_that_is_used(rng):
    """Below what the relabellings allow there is none, whatever a t test would find."""
    assert st.power_of(1e6, [1.0], [1.0], [(3, 3)]) == 0
    assert st.power_of(1e6, [1.0], [1.0], [(5, 5)], level=0.05 / 18) == 0
    assert st.power_of(1e6, [1.0], [1.0], [(5, 5)], level=0.05 / 3) == 1
    assert st.power_of(1e6, [1.0, 1.0], [1.0, 1.0], [(5, 5)] * 2, level=0.05 / 18) == 1
    x = [np.array([-1.0, 0.0, 1.0])]
    assert st.detectable_difference(x, x) == np.inf
    assert st.seeds_for_a_result(0.05) == 4
    assert st.seeds_for_a_result(0.05 / 18) == 6
    assert st.seeds_for_a_result(0.05, paired=True) == 6


def test_power_with_many_seeds_is_the_t_tests():
    expected = scipy.stats.nct.sf(scipy.stats.t.isf(0.025, 118), 118, 0.5 / np.sqrt(2 / 60))
    assert st.power_of(0.5, [1.0], [1.0], [(60, 60)]) == pytest.approx(expected, abs=1e-6)
    assert st.power_of(0.5, [1.0], [1.0], [(40, 40)]) == pytest.approx(
        scipy.stats.nct.sf(scipy.stats.t.isf(0.025, 78), 78, 0.5 / np.sqrt(2 / 40)), abs=0.025
    )


def test_seeds_needed_by_cohens_tables():
    """Cohen 1988, power .8, two-sided .05: 64 per group for d = .5, 26 for .8; a few more for skew's sake."""
    x = [np.array([-1.0, 0.0, 1.0])]
    assert st.seeds_needed(x, x, 0.5) == pytest.approx(64, abs=1)
    assert 26 <= st.seeds_needed(x, x, 0.8) <= 28
    assert st.seeds_needed(x, x, 1e-6) == st.MOST_SEEDS_PLANNED


def test_more_seeds_and_larger_differences_have_more_power():
    powers = [st.power_of(d, [1.0], [2.0], [(n, n)]) for d, n in ((1, 6), (2, 6), (2, 12), (2, 30))]
    assert powers == sorted(powers)


def test_ranks(rng):
    samples = {
        name: [rng.normal(level, 1, 8), rng.normal(level, 1, 8)] for name, level in (("a", 0), ("b", 9), ("c", 9))
    }
    table = st.rank_table(samples, rng).set_index("variant")
    assert table.loc["a", ["mean_rank", "rank_low", "rank_high", "best"]].tolist() == [3, 3, 3, 0]
    assert table.loc["b", "best"] + table.loc["c", "best"] == pytest.approx(1)
    assert table.loc["b", "rank_low"] == 1
    assert st.rank_limits(["a", "b", "c"], [("b", "a")]) == {"a": (2, 3), "b": (1, 2), "c": (1, 3)}
    tied = st.rank_table({"a": [np.ones(3)], "b": [np.ones(4)]}, rng)
    assert tied["mean_rank"].tolist() == [1.5, 1.5]
    assert tied["best"].tolist() == [0.5, 0.5]
