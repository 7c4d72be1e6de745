"""Statistics of tuning: curves with exact bands, winners, sensitivity, importance, the gap; and spaces."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays
from scipy import stats

from analysis.run_format import InputError
from analysis.tuning.answer import leads, sentence, stretches
from analysis.tuning.curves import (
    distribution_band,
    expected_best,
    expected_best_band,
    median_best,
    median_best_band,
    probability_inside,
    tuning_curve,
)
from analysis.tuning.gap import gap
from analysis.tuning.importance import effects, importance
from analysis.tuning.ledger import COLUMNS, costs
from analysis.tuning.sensitivity import effective_dimension, sensitivity
from analysis.tuning.space import Categorical, Float, Int, described, read_distribution, read_space
from analysis.tuning.surrogate import fit, unit_cube
from analysis.tuning.winners import normalised_scores, winning_trials

opda = pytest.importorskip("opda.nonparametric")


# Curves


def test_the_band_of_one_value_is_the_textbook_interval():
    low, high = distribution_band(1, 0.9)
    np.testing.assert_allclose(low, [0, 0.05], atol=1e-9)
    np.testing.assert_allclose(high, [0.95, 1], atol=1e-9)


def test_the_probability_that_two_sorted_values_are_inside_is_an_area():
    # U(1) in [.1, .5] and U(2) in [.3, .8]: 2 · area of {x < y} inside, .4·.5 less the triangle (.5 - .3)²/2
    inside = probability_inside(np.array([0.1, 0.3]), np.array([0.5, 0.8]))
    assert inside == pytest.approx(2 * (0.4 * 0.5 - 0.2**2 / 2))


@pytest.mark.parametrize("n", [3, 12, 40])
def test_the_band_holds_as_often_as_it_says(n):
    low, high = distribution_band(n)
    drawn = np.sort(np.random.default_rng(n).random((40_000, n)), axis=1)
    held = ((drawn >= low[1:]) & (drawn <= high[:-1])).all(axis=1).mean()
    assert abs(held - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 40_000)


def test_curves_and_bands_are_those_of_opda():
    scores = np.random.default_rng(3).normal(size=24)
    trials = np.arange(1, 25)
    under, empirical, over = opda.EmpiricalDistribution.confidence_bands(
        scores, 0.95, a=-5.0, b=5.0, method="ld_equal_tailed", generator=np.random.default_rng(0)
    )
    np.testing.assert_allclose(expected_best(scores, trials), empirical.average_tuning_curve(trials), atol=1e-12)
    np.testing.assert_allclose(median_best(scores, trials), empirical.quantile_tuning_curve(trials), atol=1e-12)
    low, high = expected_best_band(scores, trials, (-5.0, 5.0))
    # opda finds how wide the band has to be by simulation, which is exact to about 1%
    np.testing.assert_allclose(low, over.average_tuning_curve(trials), atol=0.03)
    np.testing.assert_allclose(high, under.average_tuning_curve(trials), atol=0.03)
    medians = median_best_band(scores, trials)
    np.testing.assert_allclose(np.nan_to_num(medians[0], neginf=-5), over.quantile_tuning_curve(trials), atol=1e-12)
    np.testing.assert_allclose(np.nan_to_num(medians[1], posinf=5), under.quantile_tuning_curve(trials), atol=1e-12)


def test_the_expected_best_is_the_mean_over_all_searches():
    scores = np.array([3.0, 1.0, 4.0, 1.5])
    for k in (1, 2, 3):
        everything = [max(search) for search in itertools.product(scores, repeat=k)]
        assert expected_best(scores, np.array([k]))[0] == pytest.approx(np.mean(everything))


@given(arrays(float, some.integers(2, 20), elements=some.floats(-100, 100, width=16)))
@settings(max_examples=15, deadline=None)
def test_a_curve_rises_and_lies_in_its_band_and_turned_scores_turn_it(scores):
    for bounds in ((-150.0, 150.0), None):
        curve = tuning_curve(scores, bounds)
        turned = tuning_curve(-scores, None if bounds is None else (-bounds[1], -bounds[0]), sign=-1.0)
        assert (curve["low"] <= curve["best"] + 1e-9).all()
        assert (curve["best"] <= curve["high"] + 1e-9).all()
        for name in ("best", "low", "high"):
            values = curve[name][np.isfinite(curve[name])]
            assert (np.diff(values) >= -1e-9).all()
        np.testing.assert_allclose(turned["best"], -curve["best"])
        np.testing.assert_allclose(turned["low"], -curve["high"])


# The answer


def test_sentences_say_where_one_beats_the_other():
    assert sentence("A", "B", np.array([0] * 15 + [1] * 17)) == ("A beats B from 16 trials on; with fewer, undecided.")
    assert sentence("A", "B", np.zeros(8, int)) == "A against B: undecided with any number of trials up to 8."
    assert sentence("A", "B", np.array([-1, -1, 0, 0])) == "B beats A with up to 2 trials; with more, undecided."
    assert sentence("A", "B", np.ones(4, int)) == "A beats B with any number of trials up to 4."
    assert sentence("A", "B", np.array([1, 0, -1])) == (
        "A beats B with 1 trial; B beats A from 3 trials on; otherwise, undecided."
    )
    assert stretches(np.array([0, 0, 1])) == [(0, 1, 2), (1, 3, 3)]


def test_limits_that_meet_decide_nothing():
    def curve(low, high):
        return pd.DataFrame({"low": low, "high": high})

    a, b = curve([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]), curve([2.0, 0.0, 5.0], [3.0, 1.5, 6.0])
    assert leads(a, b).tolist() == [0, 1, -1]
    assert leads(a, b, sign=-1.0).tolist() == [0, -1, 1]


def test_tuning_much_better_settings_is_decided_with_enough_trials():
    rng = np.random.default_rng(0)
    good, bad = 100 + rng.random(64), rng.random(64)
    curves = {name: tuning_curve(scores, (0, 200)) for name, scores in (("good", good), ("bad", bad))}
    assert leads(curves["good"], curves["bad"])[0] == 1


# Winners, sensitivity, importance


def means(scores: dict[tuple[str, str], list[float]]) -> pd.DataFrame:
    return pd.DataFrame(
        [(variant, env_id, k, s) for (variant, env_id), own in scores.items() for k, s in enumerate(own)],
        columns=["variant", "env_id", "trial", "score"],
    )


TWO_TASKS = means(
    {
        ("a", "E"): [10.0, 8.0, 1.0], ("a", "F"): [0.0, 0.8, 1.0],
        ("b", "E"): [2.0, 3.0, 4.0], ("b", "F"): [0.1, 0.2, 0.3],
    }
)  # fmt: skip


def test_each_task_has_its_winner_or_one_setting_wins_over_all():
    per_task = winning_trials(TWO_TASKS, "per_task").set_index(["env_id", "variant"])["trial"]
    assert per_task.to_dict() == {("E", "a"): 0, ("F", "a"): 2, ("E", "b"): 2, ("F", "b"): 2}
    over_all = winning_trials(TWO_TASKS, "all_tasks").set_index(["env_id", "variant"])["trial"]
    assert over_all.to_dict() == {("E", "a"): 1, ("F", "a"): 1, ("E", "b"): 2, ("F", "b"): 2}
    lowest = winning_trials(TWO_TASKS, "per_task", sign=-1.0).set_index(["env_id", "variant"])["trial"]
    assert lowest["E", "a"] == 2


def test_the_first_of_equal_trials_wins():
    assert winning_trials(means({("a", "E"): [1.0, 2.0, 2.0]}), "per_task")["trial"].tolist() == [1]


def test_normalised_scores_are_ranks_that_no_monotone_change_of_a_task_alters():
    shares = normalised_scores(TWO_TASKS)
    assert shares[TWO_TASKS["env_id"] == "E"].tolist() == pytest.approx(
        [11 / 12, 9 / 12, 1 / 12, 3 / 12, 5 / 12, 7 / 12]
    )
    stretched = TWO_TASKS.assign(
        score=np.where(TWO_TASKS["env_id"] == "F", 1e6 * TWO_TASKS["score"], TWO_TASKS["score"])
    )
    np.testing.assert_allclose(normalised_scores(stretched), shares)


def test_sensitivity_is_what_per_task_tuning_gains():
    table = sensitivity(TWO_TASKS).set_index("variant")
    assert table.loc["a", "trial"] == 1
    assert table.loc["a", "sensitivity"] == pytest.approx((11 + 11) / 24 - (9 + 9) / 24)
    assert table.loc["b", "sensitivity"] == pytest.approx(0.0)


SPACE = {
    "rate": Float(1e-4, 1.0, log=True),
    "share": Float(0.0, 1.0),
    "count": Int(1, 4),
    "kind": Categorical(("x", "y")),
}


def drawn(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame([{key: each.value(rng.random()) for key, each in SPACE.items()} for _ in range(n)])


def test_importance_finds_the_settings_that_matter_and_says_when_it_cannot():
    table = drawn(48)
    points = unit_cube(table, SPACE)
    score = -10 * (points[:, 0] - 0.6) ** 2 + 0.3 * (points[:, 3] > 0.5)
    found = importance(table, score, SPACE).set_index("setting")
    assert found["share"].idxmax() == "rate"
    assert found.loc["rate", "share"] > 0.8
    assert found.loc["kind", "share"] > 10 * found.loc["share", "share"]
    assert found["skill"].iloc[0] > 0.9
    noise = importance(table, np.random.default_rng(0).normal(size=48), SPACE)
    assert noise["share"].isna().all()


def test_effects_of_an_additive_function_are_its_variances():
    space = {"a": Float(0.0, 1.0), "b": Float(0.0, 1.0)}
    share, total = effects(lambda x: 2 * x[:, 0] + x[:, 1], space)
    np.testing.assert_allclose(share, [0.8, 0.2], atol=0.02)  # variances 4/12 and 1/12
    np.testing.assert_allclose(total, share, atol=0.02)


def test_the_surrogate_goes_through_smooth_data_and_knows_when_there_is_none():
    rng = np.random.default_rng(0)
    points = rng.random((40, 2))
    smooth = fit(points, np.sin(3 * points[:, 0]), np.zeros(2, bool))
    test = rng.random((100, 2))
    assert np.abs(smooth.predict(test) - np.sin(3 * test[:, 0])).max() < 0.1
    assert fit(points, rng.normal(size=40), np.zeros(2, bool)).skill < 0.2


def test_the_effective_dimension_counts_the_settings_that_tasks_disagree_about():
    table = drawn(60)
    points = unit_cube(table, SPACE)
    scores = {
        ("v", env_id): list(-((points[:, 0] - best) ** 2) - 0.5 * (points[:, 1] - 0.5) ** 2)
        for env_id, best in (("E", 0.2), ("F", 0.9))
    }
    count, keys, skill = effective_dimension(means(scores), table, SPACE, "v")
    assert keys == ("rate",)
    assert count == 1
    assert 0.5 < skill <= 1


# Spaces


@settings(deadline=None)
@given(unit=some.floats(0, 1, exclude_max=True), low=some.floats(1e-6, 10), width=some.floats(1.001, 1e4))
def test_values_lie_in_their_range_and_points_come_back(unit, low, width):
    for each in (
        Float(low, low * width, log=True),
        Float(low, low * width),
        Int(1, 2 + int(width)),
        Int(1, 99, log=True),
    ):
        value = each.value(unit)
        assert each.low <= value <= each.high
        assert each.value(min(each.unit(value), 1 - 1e-16)) == pytest.approx(value, rel=1e-3)


def test_draws_are_uniform_in_what_the_distribution_says():
    units = (np.arange(20_000) + 0.5) / 20_000
    counts = np.bincount([Int(3, 9, step=3).value(u) for u in units], minlength=10)
    assert counts[[3, 6, 9]].tolist() == pytest.approx([6667, 6667, 6666], abs=1)
    logs = np.log10([Float(1e-4, 1.0, log=True).value(u) for u in units])
    assert stats.kstest(logs, stats.uniform(-4, 4).cdf).statistic < 0.001
    assert {Float(0.8, 1.0, step=0.05).value(u) for u in units} == {0.8, 0.85, 0.9, 0.95, 1.0}


def test_distributions_are_optunas():
    optuna = pytest.importorskip("optuna")
    assert not optuna.distributions.FloatDistribution(0.8, 1.0, step=0.05).single()
    for entry in (
        {"type": "float", "low": 0.1, "high": 1.0, "log": True},
        {"type": "int", "low": 1, "high": 9, "step": 2},
    ):
        ours = read_distribution(entry, "space")
        kind = {"float": optuna.distributions.FloatDistribution, "int": optuna.distributions.IntDistribution}[
            entry["type"]
        ]
        theirs = kind(**{key: value for key, value in entry.items() if key != "type"})
        assert (ours.low, ours.high, ours.log) == (theirs.low, theirs.high, theirs.log)
        for unit in np.linspace(0, 0.999, 50):
            assert theirs._contains(theirs.to_internal_repr(ours.value(unit)))
        assert read_distribution(described(ours), "space") == ours


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"type": "float", "low": 0, "high": 1, "log": True}, "s.low=0: has no logarithm"),
        ({"type": "float", "low": 2, "high": 1}, "s: low=2 is above high=1"),
        ({"type": "float", "low": 0.1}, "s.high=None: expected: a number"),
        ({"type": "int", "low": 1, "high": 2.5}, "s.high=2.5: expected: a whole number"),
        ({"type": "float", "low": 0.1, "high": 1, "log": True, "step": 0.1}, "s.step=0.1: expected"),
        ({"type": "float", "low": 0.1, "high": 1, "base": 2}, "s.base=2: unknown key of type float"),
        ({"type": "categorical", "choices": []}, "s.choices=[]: nothing to choose"),
        ({"type": "categorical", "choices": [1, 1]}, "s.choices=[1, 1]: names a value twice"),
        ({"type": "normal"}, "s.type='normal': unknown"),
    ],
)
def test_what_is_no_distribution_is_told_in_one_line(entry, message):
    with pytest.raises(InputError) as error:
        read_distribution(entry, "s")
    assert str(error.value).startswith(message)


def test_an_empty_space_is_refused():
    with pytest.raises(InputError, match=r"space\.ppo: an empty space"):
        read_space({"gamma": None}, "space.ppo")


# The gap and the ledger


def test_the_gap_is_what_tuning_promised_less_what_fresh_seeds_score():
    fresh = np.array([1.0, 2.0, 3.0, 2.0, 2.0])
    found = gap(5.0, fresh)
    assert found["gap"] == pytest.approx(3.0)
    half = stats.t.ppf(0.975, 4) * fresh.std(ddof=1) / np.sqrt(5)
    assert found["high"] - found["low"] == pytest.approx(2 * half, rel=0.05)
    assert gap(5.0, fresh, sign=-1.0)["gap"] == pytest.approx(-3.0)


def test_costs_count_every_step_once():
    def line(run, event, env_steps, purpose="tuning", mark="m"):
        return ("t", "p", purpose, "a", "E", "e", "0", run, event, 2, env_steps, mark)

    ledger = pd.DataFrame(
        [
            line("one", "lost", 30), line("one", "trained", 100),
            line("two", "kept", 40), line("two", "kept", 60), line("two", "lost", 5),
            line("three", "kept", 40), line("three", "trained", 100), line("test", "trained", 70, "test"),
        ],
        columns=list(COLUMNS),
    )  # fmt: skip
    row = costs(ledger).iloc[0]
    assert (row["trials"], row["tuning"], row["test"], row["lost"]) == (2, 100 + 60 + 100, 70, 35)
    assert row["total"] == 100 + 60 + 100 + 70 + 35
