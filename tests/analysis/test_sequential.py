"""Group-sequential tests: against AdaStop's package, a single permutation test, and what they promise."""

import numpy as np
import pytest
from adastop import MultipleAgentsComparator
from hypothesis import given, settings
from hypothesis import strategies as hs

from analysis import statistics as st
from analysis.statistics.sequential import Looks, Sequential, first_look, resamples_for

LOOKS = Looks(4, 4, resamples=499)
"""All labellings at the first two looks, random ones at the other two."""


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_adastop_where_both_enumerate_all_permutations(seed, shift):
    """adastop 0.1.3 compares the absolute difference with a quantile of signed ones: its two-sided level is twice the
    one that it is given."""
    group, looks = 4, 2
    rng = np.random.default_rng([seed, int(shift)])
    x, y = rng.normal(size=(2, group * looks))
    x = x + shift
    peer = MultipleAgentsComparator(n=group, K=looks, B=70**looks + 1, alpha=0.05, seed=0)
    decided = 0
    for look in range(1, looks + 1):
        peer.partial_compare({"x": x[: look * group], "y": y[: look * group]}, verbose=False)
        if peer.decisions["[0 1]"] in ("larger", "smaller"):
            decided = look
            break
        if peer.is_finished:
            break
    crossed = Sequential(Looks(group, looks), x, y).differs(0.1)
    assert int(crossed.look) == decided
    ours = crossed.bounds[: len(peer.boundary)]
    np.testing.assert_allclose(ours, group * np.array([high for _, high in peer.boundary]), rtol=1e-6)


@given(seed=hs.integers(0, 10**6), level=hs.sampled_from([0.02, 0.05, 0.2]), shift=hs.floats(-2, 2))
@settings(max_examples=40, deadline=None)
def test_one_look_is_a_permutation_test(seed, level, shift):
    x, y = np.random.default_rng(seed).normal(size=(2, 5))
    x = x + shift
    p = st.permutation_test([x], [y], np.random.default_rng(0))
    assert (int(Sequential(Looks(5, 1), x, y).differs(level).look) == 1) == (p <= level * (1 + 1e-9))


@given(seed=hs.integers(0, 10**6), shift=hs.floats(-3, 3), scale=hs.floats(0.01, 1e4))
@settings(max_examples=12, deadline=None)
def test_an_interval_excludes_zero_just_where_a_difference_is_found_and_moves_with_the_scores(seed, shift, scale):
    x, y = np.random.default_rng(seed).normal(size=(2, 8))
    looks = Looks(4, 4, resamples=499)
    test = Sequential(looks, x + shift, y)
    low, high = (float(limit) for limit in test.interval(0.2))
    assert (not low <= 0 <= high) == (int(test.differs(0.2).look) > 0)
    moved = Sequential(looks, scale * (x + shift) + 7.0, scale * y + 7.0)
    np.testing.assert_allclose(moved.interval(0.2), np.multiply((low, high), scale), rtol=1e-4, atol=1e-4 * scale)
    turned = Sequential(looks, y, x + shift)
    np.testing.assert_allclose(turned.interval(0.2), (-high, -low), rtol=1e-4, atol=1e-4)


def test_what_was_decided_does_not_depend_on_later_groups(rng):
    looks = Looks(5, 4, resamples=999)
    x, y = rng.normal(size=(2, 20, 20))
    x = x + 0.8
    whole = Sequential(looks, x, y)
    for look in (1, 2, 3):
        part = Sequential(looks, x[:, : 5 * look], y[:, : 5 * look])
        for full, early in ((whole.differs(0.1).look, part.differs(0.1).look),
                            (whole.is_within(0.1, 1.5), part.is_within(0.1, 1.5))):  # fmt: skip
            np.testing.assert_array_equal(np.where(full <= look, full, 0), early)


@pytest.mark.slow
@pytest.mark.parametrize("draw", ["normal", "skewed"])
def test_equal_variants_are_told_apart_as_often_as_the_level_says(draw, rng):
    number, level = 800, 0.1
    x, y = rng.normal(size=(2, number, 16)) if draw == "normal" else rng.gamma(1.5, 1.0, (2, number, 16))
    test = Sequential(LOOKS, x, y)
    error = 3 * np.sqrt(level * (1 - level) / number)
    rate = (test.differs(level).look > 0).mean()
    assert level / 2 <= rate <= level + error
    few = Sequential(LOOKS, x[:200], y[:200])
    assert (few.is_within(level, 2.5) > 0).mean() > 0.8


@pytest.mark.slow
def test_what_is_a_margin_apart_is_called_the_same_at_most_as_often_as_the_level_says(rng):
    number, level = 800, 0.1
    x, y = rng.normal(size=(2, number, 16))
    test = Sequential(LOOKS, x + 1.0, y)
    assert (test.is_within(level, 1.0) > 0).mean() <= level + 3 * np.sqrt(level * (1 - level) / number)


@pytest.mark.slow
def test_intervals_hold_the_truth_also_where_the_seeds_stop_because_of_what_was_seen(rng):
    number, level, truth = 800, 0.1, 0.7
    x, y = rng.normal(size=(2, number, 16))
    test = Sequential(LOOKS, x + truth, y)
    found = test.differs(level).look
    stop = np.where(found == 0, 4, found)
    missed = test.differs(level, truth).look
    assert ((missed > 0) & (missed <= stop)).mean() <= level + 3 * np.sqrt(level * (1 - level) / number)


def test_scores_that_do_not_vary():
    ones = np.ones(8)
    same = Sequential(Looks(4, 2), ones, ones)
    assert int(same.differs(0.05).look) == 0
    assert int(same.is_within(0.05, 0.1)) > 0
    np.testing.assert_allclose(same.interval(0.05), (0.0, 0.0), atol=1e-6)
    assert int(Sequential(Looks(4, 2), ones, 0 * ones).differs(0.1).look) > 0


def test_when_a_difference_can_be_found_at_all():
    assert first_look(Looks(6, 6), 0.05) == 1  # 2 of 924 ways, and .0083 are released
    assert first_look(Looks(4, 6), 0.05) == 2  # 2 of 70 ways; at the second look 2 of 4900
    assert first_look(Looks(2, 1), 0.05) == 0  # 2 of 6
    x = np.arange(8.0) + 100
    test = Sequential(Looks(4, 6), x, np.arange(8.0))
    assert int(test.differs(0.05).look) == 2
    early = Sequential(Looks(4, 6), x[:4], np.arange(4.0))
    assert np.isinf(early.interval(0.05)).all()


def test_the_ways_to_label_grow_with_the_number_of_tests():
    assert resamples_for(0.05, 1) == 9999
    assert resamples_for(0.05 / 60, 6) * (0.05 / 60) / 6 >= 20
