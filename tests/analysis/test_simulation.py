"""Intervals hold the truth, and tests cry wolf, as often as they say. Small here; the study is in simulation.csv."""

import numpy as np
import pytest

from tests.analysis import simulation


@pytest.mark.parametrize(("aggregate", "population"), [("mean", "skewed"), ("iqm", "a2c-like"), ("median", "bimodal")])
def test_intervals_cover(aggregate, population, rng):
    rate = simulation.covers(simulation.POPULATIONS[population], simulation.AGGREGATES[aggregate], 1000, 36, rng)
    assert 0.93 <= rate <= 0.97


@pytest.mark.slow
def test_intervals_of_differences_and_over_tasks_cover(rng):
    populations = simulation.POPULATIONS
    assert 0.93 <= simulation.difference_covers(populations["a2c-like"], populations["skewed"], 1000, 36, rng) <= 0.97
    assert 0.93 <= simulation.stratified_covers(list(populations.values()), 1000, 36, rng) <= 0.97


@pytest.mark.parametrize("population", simulation.POPULATIONS)
@pytest.mark.parametrize("test", ["permutation", "welch"])
def test_equal_variants_are_rarely_told_apart(population, test, rng):
    assert simulation.false_positives(simulation.POPULATIONS[population], 2, 500, 36, rng, test) <= 0.06


@pytest.mark.slow
def test_holm_keeps_the_family_wise_rate(rng):
    assert simulation.false_positives(simulation.a2c_like, 4, 300, 36, rng, "permutation") <= 0.06


@pytest.mark.study
def test_the_full_study():
    table = simulation.study(10_000, np.random.default_rng(95)).set_index("quantity")
    assert table.filter(like="coverage", axis=0)["rate"].between(0.93, 0.97).all()
    assert (table.filter(like="false positives", axis=0)["rate"] <= 0.06).all()
