"""Statistics against SciPy, published tables and cases worked by hand."""

import numpy as np
import pytest
import scipy.stats

from analysis import statistics as st
from analysis.statistics.effects import of_difference


def test_per_seed_scalars_by_hand():
    x = np.array([10.0, 20.0, 40.0])
    values = np.array([[0.0, 2.0, 4.0], [8.0, 1.0, 3.0]])
    assert st.final(values, 1).tolist() == [4, 3]
    assert st.final(values, 2).tolist() == [3, 2]
    assert st.area_under_curve(values, x).tolist() == [(10 + 60) / 30, (45 + 40) / 30]
    assert st.best(values).tolist() == [4, 8]


def test_time_to_threshold_is_the_first_time_or_censored_at_the_last_value():
    x = np.array([10.0, 20.0, 30.0])
    values = np.array([[0, 5, 1], [5, 0, 0], [0, 0, 0], [0, 0, np.nan]])
    time, reached = st.time_to_threshold(values, x, 5.0)
    assert time.tolist() == [20, 10, 30, 20]
    assert reached.tolist() == [True, True, False, False]


def test_iqm_is_the_mean_of_the_middle_half():
    assert st.iqm(np.array([100.0, 2.0, 3.0, -50.0])) == 2.5
    scores = np.arange(36.0)
    scores[:9], scores[27:] = -1e9, 1e9
    assert st.iqm(scores) == np.arange(9, 27).mean()
    assert st.iqm(np.array([[4.0, 0.0, 2.0, 9.0], [1.0, 1.0, 1.0, 1.0]])).tolist() == [3, 1]


def test_optimality_gap_counts_only_what_is_below_the_target():
    assert st.optimality_gap(np.array([0.5, 1.5, 1.0, 0.0]), 1.0) == (0.5 + 1) / 4


def test_performance_profile_is_one_minus_the_ecdf_averaged_over_tasks():
    thresholds = np.array([0.0, 1.0, 2.5])
    one, two = np.array([0.0, 1.0, 2.0, 3.0]), np.array([3.0, 3.0])
    assert st.performance_profile(one, thresholds=thresholds).tolist() == [0.75, 0.5, 0.25]
    assert st.performance_profile(one, two, thresholds=thresholds).tolist() == [0.875, 0.75, 0.625]


def test_probability_of_improvement_is_mann_whitneys_u(rng):
    x, y = rng.integers(0, 5, 17).astype(float), rng.integers(1, 6, 23).astype(float)
    u = scipy.stats.mannwhitneyu(x, y).statistic
    assert st.probability_of_improvement(x, y) == pytest.approx(u / (17 * 23))
    assert st.probability_of_improvement(np.array([1.0, 3.0]), np.array([2.0, 1.0])) == (0.5 + 2) / 4
    assert st.probability_of_improvement(x, x) == 0.5


def test_bootstrap_interval_of_a_mean_is_close_to_students(rng):
    sample = rng.normal(3.0, 2.0, 36)
    low, high = st.bootstrap_interval([sample], st.mean, rng, n_resamples=20_000)
    expected = scipy.stats.t.interval(0.95, 35, sample.mean(), scipy.stats.sem(sample))
    assert (low, high) == pytest.approx(expected, abs=0.05)


def test_bootstrap_interval_is_stratified(rng):
    """Two tasks on different scales: resampling within tasks never mixes their levels."""
    low, high = st.bootstrap_interval([np.zeros(9), np.full(9, 100.0)], st.over_tasks(st.mean), rng)
    assert (low, high) == (50, 50)


def test_bootstrap_interval_repeats_with_the_generator_and_is_empty_for_one_seed():
    sample = np.random.default_rng(1).normal(size=12)
    first, again = (st.bootstrap_interval([sample], st.iqm, np.random.default_rng(7)) for _ in range(2))
    assert first == again
    assert np.isnan(st.bootstrap_interval([np.array([1.0])], st.mean, np.random.default_rng(7))).all()


def test_tolerance_limits_by_the_published_figures():
    assert st.tolerance_confidence(36, 1, 0.9) == pytest.approx(0.887, abs=5e-4)
    assert st.tolerance_confidence(36, 2, 0.8) == pytest.approx(0.948, abs=5e-4)
    # Wilks: 93 runs are the first whose extremes hold 95 % of all at 95 % confidence.
    assert st.tolerance_confidence(93, 1, 0.95) >= 0.95 > st.tolerance_confidence(92, 1, 0.95)
    low, high, confidence = st.tolerance_interval(np.arange(36.0), 0.8, 0.9)
    assert (low, high) == (1, 34)
    assert confidence == pytest.approx(0.948, abs=5e-4)
    low, high, confidence = st.tolerance_interval(np.arange(3.0), 0.8, 0.9)
    assert (low, high) == (0, 2)
    assert confidence == pytest.approx(1 - 0.8**3 - 3 * 0.8**2 * 0.2)


def test_tolerance_interval_holds_what_it_says(rng):
    """The content of [x_(2), x_(35)] of a uniform sample is its own width."""
    low, high, confidence = st.tolerance_interval(rng.random((20_000, 36)), 0.8, 0.9)
    assert (high - low >= 0.8).mean() == pytest.approx(confidence, abs=0.005)


def test_permutation_test_agrees_with_all_permutations(rng):
    x, y = rng.normal(0, 1, 5), rng.normal(1.0, 3.0, 6)

    def welch(a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
        return np.abs(scipy.stats.ttest_ind(a, b, equal_var=False, axis=axis).statistic)

    exact = scipy.stats.permutation_test((x, y), welch, n_resamples=np.inf, alternative="greater", vectorized=True)
    assert st.permutation_test([x], [y], rng, 50_000) == pytest.approx(exact.pvalue, abs=0.01)


def test_permutation_test_never_gives_zero_and_sees_a_shift_hidden_between_tasks(rng):
    """Task two lies 100 higher; only within tasks is the difference of 1 visible."""
    x = [rng.normal(1, 0.3, 12), rng.normal(101, 0.3, 12)]
    y = [rng.normal(0, 0.3, 12), rng.normal(100, 0.3, 12)]
    assert st.permutation_test(x, y, rng, 999) == 1 / 1000
    assert st.permutation_test([np.concatenate(x)], [np.concatenate(y)], rng, 999) > 0.5


@pytest.mark.parametrize(("x", "y", "different"), [(0.1, 0.1, False), (0.1, 0.3, True)])
def test_seeds_that_are_all_equal(x, y, different, rng):
    one, two = np.full(9, x), np.full(7, y)
    assert (st.permutation_test([one], [two], rng) < 0.01) == different
    assert st.welch_test(one, two) == (0.0 if different else 1.0)
    assert st.cohens_d(one, two) == (-np.inf if different else 0.0)
    assert st.bootstrap_interval([one], st.iqm, rng) == pytest.approx((x, x))


def test_welch_and_cohens_d_by_hand():
    x, y = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0, 8.0])
    error = 1 / 3 + (20 / 3) / 4
    degrees = error**2 / ((1 / 3) ** 2 / 2 + (5 / 3) ** 2 / 3)
    assert st.welch_test(x, y) == pytest.approx(2 * scipy.stats.t.sf(3 / np.sqrt(error), degrees))
    assert st.cohens_d(x, y) == pytest.approx(-3 / np.sqrt((2 * 1 + 3 * 20 / 3) / 5))


def test_holm_by_hand():
    assert st.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert st.holm([0.6, 0.9]) == pytest.approx([1.0, 1.0])
    assert len(st.holm([])) == 0


def test_detectable_effect_by_cohens_tables():
    """Cohen 1988, power .8, two-sided .05: 26 per group for d = .8, 64 for d = .5."""
    assert st.detectable_effect(26, 26) <= 0.8 < st.detectable_effect(25, 25)
    assert st.detectable_effect(64, 64) <= 0.5 < st.detectable_effect(63, 63)
    assert st.detectable_effect(36, 36, level=0.01) > st.detectable_effect(36, 36)


def test_detectable_difference_is_found_with_its_power(rng):
    """Two tasks of which the second is three times as noisy, as Welch's statistic over both finds it."""
    x, y = [rng.normal(0, 1, 20), rng.normal(0, 3, 20)], [rng.normal(0, 1, 20), rng.normal(0, 3, 20)]
    for strata in (x, y):
        for sample in strata:
            sample -= sample.mean()
    gap = st.detectable_difference(x, y)
    assert st.detectable_difference(x[:1], y[:1]) == pytest.approx(
        st.detectable_effect(20, 20) * st.pooled_deviation(x[0], y[0]), rel=0.02
    )
    shape = (20_000, 20)
    scale = [st.pooled_deviation(a, b) for a, b in zip(x, y, strict=True)]
    one = [rng.normal(gap, each, shape) for each in scale]
    two = [rng.normal(0.0, each, shape) for each in scale]
    found = of_difference(one, two).p_differs() <= 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.015)


# Remission times in weeks of Freireich et al. 1963, the standard example of survival analysis.
TREATED = np.array([6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35.0])
TREATED_SEEN = np.isin(np.arange(21), [0, 1, 2, 4, 6, 9, 10, 14, 15])
PLACEBO = np.array([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23.0])


def test_kaplan_meier_and_log_rank_by_the_published_example():
    x, not_yet = st.kaplan_meier(TREATED, TREATED_SEEN)
    published = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    for time, probability in published.items():
        assert not_yet[x == time] == pytest.approx(probability, abs=5e-4)
    assert st.median_time(TREATED, TREATED_SEEN) == 23
    assert st.median_time(PLACEBO, np.ones(21, dtype=bool)) == 8
    p = st.log_rank_test((TREATED, TREATED_SEEN), (PLACEBO, np.ones(21, dtype=bool)))
    assert scipy.stats.chi2.isf(p, 1) == pytest.approx(16.79, abs=0.01)


def test_kaplan_meier_without_censoring_is_the_empirical_distribution(rng):
    time = rng.integers(1, 20, 36).astype(float)
    x, not_yet = st.kaplan_meier(time, np.ones(36, dtype=bool))
    assert not_yet == pytest.approx([(time > t).mean() for t in x])
    _, low, high = st.kaplan_meier_band(time, np.ones(36, dtype=bool))
    inside = np.isfinite(low) & np.isfinite(high)
    assert inside.sum() > 5
    assert (low[inside] <= not_yet[inside]).all()
    assert (not_yet[inside] <= high[inside]).all()


def test_nobody_reaches_the_threshold():
    time, reached = np.full(5, 10.0), np.zeros(5, dtype=bool)
    assert st.kaplan_meier(time, reached)[1].tolist() == [1.0]
    assert np.isnan(st.median_time(time, reached))
    assert st.log_rank_test((time, reached), (time, reached)) == 1.0


@pytest.mark.parametrize("n", [2, 4, 6, 10, 14, 24, 26, 36])
def test_half_the_seeds_are_there_when_exactly_half_are(n):
    """The product of (1 - 1/at risk) is not quite one half in floating point."""
    time, reached = np.arange(1.0, n + 1), np.arange(n) < n // 2
    time[n // 2 :] = n
    assert st.median_time(time, reached) == n // 2
