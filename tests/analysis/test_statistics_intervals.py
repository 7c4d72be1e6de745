"""Intervals against SciPy, hand calculations and the properties that they must have."""

import hypothesis.extra.numpy as hn
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as some

from analysis import statistics as st

SCORES = hn.arrays(np.float64, some.integers(2, 12), elements=some.floats(-1e3, 1e3, width=32))


def test_mean_interval_is_students_for_symmetric_scores():
    sample = np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
    expected = scipy.stats.t.interval(0.95, 4, 0.0, scipy.stats.sem(sample))
    assert st.mean_interval([sample]) == pytest.approx(expected)


def test_mean_interval_reaches_farther_on_the_side_of_the_tail(rng):
    sample = rng.gamma(1.0, 10.0, 20)
    low, high = st.mean_interval([sample])
    t_low, t_high = scipy.stats.t.interval(0.95, 19, sample.mean(), scipy.stats.sem(sample))
    assert low == pytest.approx(t_low)
    assert high > t_high + 0.05 * (t_high - t_low)
    mirrored = st.mean_interval([-sample])
    assert mirrored == pytest.approx((-high, -low))


def test_difference_interval_is_welchs_for_symmetric_scores():
    x, y = np.array([-2.0, 0.0, 2.0]), np.array([-7.0, -4.0, -1.0, 2.0, 5.0])
    expected = scipy.stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.95)
    assert st.difference_interval([x], [y]) == pytest.approx((expected.low, expected.high))
    delta = np.array([1.0, 2.0, 3.0])
    expected = scipy.stats.t.interval(0.95, 2, 2.0, scipy.stats.sem(delta))
    assert st.difference_interval([y[:3] + delta], [y[:3]], paired=True) == pytest.approx(expected)


def test_difference_over_tasks_by_hand(rng):
    """Satterthwaite's degrees over four variances."""
    x, y = [rng.normal(0, 1, 6), rng.normal(0, 5, 9)], [rng.normal(1, 2, 7), rng.normal(1, 1, 5)]
    each = [*x, *y]
    variances = [sample.var(ddof=1) / len(sample) / 4 for sample in each]
    degrees = sum(variances) ** 2 / sum(v**2 / (len(s) - 1) for v, s in zip(variances, each, strict=True))
    half = scipy.stats.t.isf(0.025, degrees) * np.sqrt(sum(variances))
    middle = np.mean([a.mean() - b.mean() for a, b in zip(x, y, strict=True)])
    low, high = st.difference_interval(x, y)
    assert low <= middle - half + 1e-9
    assert high >= middle + half - 1e-9
    assert high - low <= 2.6 * half


@settings(deadline=None, max_examples=60)
@given(SCORES, some.floats(-100, 100), some.floats(0.125, 8))
def test_intervals_move_and_scale_with_the_scores_and_hold_their_estimate(sample, shift, scale):
    for name, (statistic, interval) in st.AGGREGATES.items():
        low, high = interval([sample])
        if name == "lower_tail" and len(sample) < 8:
            assert np.isnan(low)
            continue
        slack = 1e-6 * (1 + np.abs(sample).max())
        assert low - slack <= statistic(sample) <= high + slack
        moved = interval([scale * sample + shift])
        assert moved == pytest.approx(
            (scale * low + shift, scale * high + shift), abs=1e-6 * (200 + scale * 1e3), rel=1e-4
        )


@pytest.mark.parametrize("name", st.AGGREGATES)
def test_intervals_of_many_samples_are_those_of_each(name, rng):
    samples = rng.gamma(1.0, 1.0, (5, 9))
    interval = st.AGGREGATES[name][1]
    low, high = interval([samples])
    for row in range(5):
        assert interval([samples[row]]) == pytest.approx((low[row], high[row]))


@pytest.mark.parametrize("name", st.AGGREGATES)
def test_one_seed_has_no_interval_and_equal_seeds_have_none_to_speak_of(name):
    interval = st.AGGREGATES[name][1]
    assert np.isnan(interval([np.array([3.0])])).all()
    assert interval([np.full(12, 0.1)]) == pytest.approx((0.1, 0.1))


def test_median_interval_is_of_order_statistics():
    """n = 6: the extremes hold the median in 1 - 2/64 of the cases, the second ones in 1 - 14/64."""
    sample = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    low, high = st.median_interval([sample], 1 - 2 / 64)
    assert (low, high) == pytest.approx((1, 32))
    low, high = st.median_interval([sample], 0.9)
    assert 1 < low < 2
    assert 16 < high < 32


def test_lower_tail_by_hand():
    assert st.lower_tail(np.array([5.0, 1.0, 9.0, 3.0, 7.0, 0.0, 8.0, 2.0])) == 0.5
    assert st.lower_tail(np.array([4.0, 2.0, 6.0])) == 2.0
    assert st.lower_tail(np.array([10.0, 2.0, 4.0, 8.0, 6.0])) == pytest.approx((2 + 0.25 * 4) / 1.25)


def test_over_tasks_every_task_counts_the_same():
    one, two = np.zeros(9), np.full(3, 1.0)
    assert st.over_tasks(st.mean)(one, two) == 0.5
    assert st.mean_interval([one, two]) == (0.5, 0.5)


def test_fraction_interval_is_clopper_and_pearsons():
    for n in (3, 5, 36):
        for count in range(n + 1):
            expected = scipy.stats.binomtest(count, n).proportion_ci(0.95, "exact")
            assert st.fraction_interval(count, n) == pytest.approx((expected.low, expected.high))


def test_profile_band_does_not_collapse_where_all_runs_are_above():
    low, high = st.profile_interval([np.arange(1.0, 11.0)], np.array([0.0, 5.5, 11.0]))
    assert low == pytest.approx([0.6915, 0.1871, 0], abs=1e-3)
    assert high == pytest.approx([1, 0.8129, 0.3085], abs=1e-3)
    both = st.profile_interval([np.arange(1.0, 11.0)] * 2, np.array([0.0, 5.5]))
    assert both[1][1] - both[0][1] == pytest.approx((high[1] - low[1]) / np.sqrt(2))


def test_simultaneous_bands_are_wider_than_pointwise_ones(rng):
    curves = rng.normal(size=(10, 30)).cumsum(axis=1)
    for statistic, interval in (("mean", st.mean_interval), ("iqm", st.iqm_interval)):
        low, high = st.simultaneous_band(curves, rng, statistic)
        narrow_low, narrow_high = interval([curves.T])
        assert np.mean(high - low) > 1.15 * np.mean(narrow_high - narrow_low)
    assert np.isnan(st.simultaneous_band(curves[:1], rng)[0]).all()


def test_probability_interval_does_not_collapse_and_takes_ties_and_order(rng):
    x, y = np.arange(5.0) + 10, np.arange(5.0)
    low, high = st.probability_interval([x], [y])
    assert high == 1
    assert low < 0.75
    other = st.probability_interval([y], [x])
    assert other == pytest.approx((1 - high, 1 - low))
    x, y = rng.integers(0, 4, 30).astype(float), rng.integers(0, 4, 30).astype(float)
    middle = st.probability_of_improvement(x, y)
    low, high = st.probability_interval([x], [y])
    assert 0 < low < middle < high < 1
    assert np.isnan(st.probability_interval([x[:1]], [y])).all()


def test_hedges_g_and_its_interval_by_the_noncentral_t(rng):
    x, y = rng.normal(1, 1, 8), rng.normal(0, 1, 11)
    assert st.hedges_g(x, y) == pytest.approx(st.cohens_d(x, y) * (1 - 3 / (4 * 17 - 1)), rel=2e-3)
    low, high = st.hedges_g_interval(x, y)
    t = scipy.stats.ttest_ind(x, y).statistic
    factor = st.hedges_g(x, y) / t
    assert scipy.stats.nct.sf(t, 17, low / factor) == pytest.approx(0.025, abs=1e-6)
    assert scipy.stats.nct.sf(t, 17, high / factor) == pytest.approx(0.975, abs=1e-6)
    assert np.isnan(st.hedges_g_interval(np.zeros(3), np.zeros(3))).all()


def test_widths_of_intervals_come_with_their_own_spread(rng):
    widths = st.interval_widths(rng.gamma(2.0, 1.0, 12), st.mean_interval, [6, 12, 48], rng)
    assert widths.shape == (3, 3)
    assert (widths[:, 1] < widths[:, 0]).all()
    assert (widths[:, 0] < widths[:, 2]).all()
    assert widths[0, 0] > 1.2 * widths[1, 0] > 2 * widths[2, 0]
