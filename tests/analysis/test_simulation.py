"""Intervals hold the truth, and tests cry wolf, as often as they say. Small here; the study is in simulation.csv."""

import numpy as np
import pytest

from analysis import statistics as st
from analysis.statistics.effects import of_difference
from tests.analysis import simulation

pytestmark = pytest.mark.slow

N = 1500
ERROR = 3 * np.sqrt(0.05 * 0.95 / N)  # three standard errors of a simulated rate near .95


@pytest.mark.parametrize("n", [3, 5, 10, 36])
@pytest.mark.parametrize(
    ("statistic", "population"),
    [("mean", "normal"), ("mean", "skewed"), ("iqm", "normal"), ("iqm", "skewed"), ("median", "normal")],
)
def test_intervals_cover(statistic, population, n, rng):
    rate = simulation.covers(population, statistic, n, N, rng)
    assert 0.93 - ERROR <= rate <= 0.98 + ERROR


@pytest.mark.parametrize(("n", "m", "scale"), [(3, 3, 1), (5, 5, 1), (5, 5, 5), (36, 6, 20), (6, 36, 20)])
def test_intervals_of_differences_cover(n, m, scale, rng):
    x, y = rng.normal(0, 1, (N, n)), rng.normal(0, scale, (N, m))
    assert 0.93 - ERROR <= simulation.held(st.difference_interval([x], [y]), 0.0) <= 0.98 + ERROR


@pytest.mark.parametrize("n", [5, 10, 36])
def test_intervals_of_a_probability_near_one_cover(n, rng):
    x, y = rng.normal(2.326, 1, (N, n)), rng.normal(0, 1, (N, n))
    assert simulation.held(st.probability_interval([x], [y]), 0.95) >= 0.95 - ERROR


@pytest.mark.parametrize(("n", "m"), [(5, 5), (10, 10), (36, 36), (36, 6)])
@pytest.mark.parametrize("population", simulation.POPULATIONS)
def test_equal_variants_are_rarely_told_apart(population, n, m, rng):
    x, y = simulation.centred(population, (N, n), rng), simulation.centred(population, (N, m), rng)
    assert simulation.rejected(simulation.combined(x, y)) <= 0.05 + ERROR


def test_equal_means_of_different_shapes_are_rarely_told_apart_with_many_seeds(rng):
    x, y = simulation.centred("skewed", (N, 36), rng), simulation.centred("bimodal", (N, 36), rng)
    assert simulation.rejected(simulation.combined(x, y)) <= 0.05 + ERROR


@pytest.mark.parametrize(("n", "paired"), [(5, False), (12, False), (10, True)])
def test_the_study_tests_what_difference_test_does(n, paired, rng):
    x, y = rng.normal(0.7, 1, (5, n)), rng.gamma(1.0, 1.0, (5, n))
    fast = simulation.combined(x, y, paired)
    exact = [st.difference_test([a], [b], rng, paired) for a, b in zip(x, y, strict=True)]
    assert fast == pytest.approx(exact, abs=1e-12 if n == 5 or paired else 0.03)


@pytest.mark.parametrize("n", [5, 6, 10, 36])
def test_what_is_said_to_be_found_is_found(n, rng):
    x = [(each := rng.normal(size=n)) / each.std(ddof=1)]
    gap = st.detectable_difference(x, x)
    p = simulation.combined(rng.normal(gap, 1, (N, n)), rng.normal(0, 1, (N, n)))
    assert simulation.rejected(p) == pytest.approx(0.8, abs=0.04)


def test_the_level_holds_over_all_tests_of_several_tasks(rng):
    rows = list(simulation.families(300, rng))
    assert max(row["rate"] for row in rows) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


@pytest.mark.parametrize("statistic", ["mean", "iqm"])
def test_bands_hold_whole_curves(statistic, rng):
    rates = [simulation.band_covers(statistic, n, 50, rng) for n in (5, 12)]
    assert np.mean(rates) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 100)


@pytest.mark.parametrize("n", [8, 12])
def test_shared_seeds_raise_the_power_of_a_paired_test_and_break_an_unpaired_one(n, rng):
    x, y = simulation.correlated(n, 0.8, 300, rng)
    gap = 0.6 * st.detectable_effect(n, n)
    paired, unpaired = (simulation.rejected(simulation.combined(x + gap, y, each)) for each in (True, False))
    assert paired > unpaired + 0.2
    x, y = simulation.correlated(n, -0.5, 900, rng)
    paired, unpaired = (simulation.rejected(simulation.combined(x, y, each)) for each in (True, False))
    assert paired <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 900)
    assert unpaired > max(0.07, paired)


def test_a_test_and_its_interval_agree(rng):
    for n, m in ((3, 3), (5, 9), (12, 12)):
        x, y = rng.gamma(1.0, 1.0, (400, n)), rng.normal(1.5, 2, (400, m))
        low, high = st.difference_interval([x], [y])
        assert ((of_difference([x], [y]).p_differs() <= 0.05) == ((low > 0) | (high < 0))).all()
        low, high = st.probability_interval([x], [y])
        assert ((st.probability_test([x], [y]) <= 0.05) == ((low > 0.5) | (high < 0.5))).all()
