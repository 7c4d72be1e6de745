"""The comparison with a published mean, deviation and number of runs: against SciPy, and by simulation."""

import numpy as np
import pytest
import scipy.stats

from analysis.statistics import against_published
from analysis.statistics.published import FALLS_SHORT, NOT_WORSE, UNDECIDED

SYMMETRIC = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])


def test_symmetric_scores_are_compared_as_by_welch():
    """Symmetric scores have no skewness, so nothing is added to Welch's test of summary statistics."""
    scores = 100 + SYMMETRIC
    ours = (100.0, scores.std(ddof=1), 6)
    found = against_published(scores, 101.0, margin=4.0, deviation=2.5, n=10)
    for p, mean, side in ((found.p_short, 101.0, "less"), (found.p_not_worse, 97.0, "greater")):
        expected = scipy.stats.ttest_ind_from_stats(*ours, mean, 2.5, 10, equal_var=False, alternative=side)
        assert p == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.difference == pytest.approx(-1.0)


def test_a_single_published_run_is_taken_as_exact():
    scores = 100 + SYMMETRIC
    found = against_published(scores, 101.0, margin=4.0)
    assert found.p_short == pytest.approx(scipy.stats.ttest_1samp(scores, 101.0, alternative="less").pvalue)
    assert found.p_not_worse == pytest.approx(scipy.stats.ttest_1samp(scores, 97.0, alternative="greater").pvalue)
    low, high = scipy.stats.ttest_1samp(scores, 101.0).confidence_interval(0.9)
    assert found.interval == pytest.approx((low - 101.0, high - 101.0))


@pytest.mark.parametrize(
    ("scores", "outcome"),
    [
        (np.full(10, 500.0), NOT_WORSE),
        (np.full(10, 480.0), NOT_WORSE),  # shown to be lower, but within the margin
        (np.full(10, 470.0), FALLS_SHORT),
        (500 + 90 * np.linspace(-1, 1, 10), UNDECIDED),
        (440 + 20 * np.linspace(-1, 1, 10), FALLS_SHORT),
    ],
)
def test_outcomes(scores, outcome):
    assert against_published(scores, 500.0, margin=24.0).outcome == outcome


def test_neither_error_is_made_more_often_than_5_percent(rng):
    """True means at both edges, with scores as spread as the published runs: 800 studies each."""
    margin, deviation, n, m = 1.0, 2.0, 10, 10
    wrong = {FALLS_SHORT: 0, NOT_WORSE: 0}
    for _ in range(800):
        for outcome, truth in ((FALLS_SHORT, 0.0), (NOT_WORSE, -margin)):
            theirs = rng.normal(0.0, deviation, n)
            ours = rng.normal(truth, deviation, m)
            found = against_published(ours, float(theirs.mean()), margin, float(theirs.std(ddof=1)), n)
            wrong[outcome] += found.outcome == outcome
    bound = scipy.stats.binom.isf(1e-4, 800, 0.05)
    assert max(wrong.values()) <= bound
    assert min(wrong.values()) >= 8


def test_too_few_runs_are_refused():
    for arguments in ((np.array([1.0]), 1.0, 1.0), (np.array([1.0, 2.0]), 1.0, 1.0, 2.0, 1)):
        with pytest.raises(ValueError, match="two runs"):
            against_published(*arguments)
