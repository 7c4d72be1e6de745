"""Which tests are made of each pair of variants, how they share the level, the outcome, and what the verdict says."""

import numpy as np
import pandas as pd
import pytest

from analysis.pairs import BETTER, SAME, UNDECIDED, pair_table, ranks, verdict
from analysis.summary import ALL_TASKS


def scores(env_id: str, samples: dict[str, np.ndarray], first_seed: int = 0) -> pd.DataFrame:
    """One row per seed, as scores.seed_scores makes them; normalised by 100."""
    return pd.concat(
        [
            pd.DataFrame({
                "env_id": env_id, "variant": variant, "seed": np.arange(len(values)) + first_seed, "final": values,
                "normalised": values / 100, "time": 10.0, "reached": True,
            })
            for variant, values in samples.items()
        ],
        ignore_index=True,
    )  # fmt: skip


def one(x: np.ndarray, y: np.ndarray, **how: object) -> pd.Series:
    """The only row of a table of two variants on one task."""
    return pair_table([("Task", scores("Task", {"a": x, "b": y}))], "final", **how).iloc[0]


def on_two_tasks(samples: dict[str, np.ndarray], other: dict[str, np.ndarray], **how: object) -> pd.DataFrame:
    both = [scores("T1", samples), scores("T2", other)]
    return pair_table([("T1", both[0]), ("T2", both[1]), (ALL_TASKS, pd.concat(both))], "final", **how)


@pytest.fixture
def far_apart(rng):
    """Four variants, five seeds, two tasks: 30 deviations and more between any two."""
    return [
        {name: rng.normal(level, 1, 5) for name, level in zip("abcd", (0, 40, 100, 200), strict=True)} for _ in "12"
    ]


def test_five_seeds_tell_four_variants_apart_over_all_tasks(far_apart):
    """18 tests at once left none of them possible: the level goes to all tasks first, where 63,504 relabellings are."""
    table = on_two_tasks(*far_apart)
    assert (table.loc[table["env_id"] == ALL_TASKS, "outcome"] == BETTER).all()
    assert ranks(table, list("abcd")) == {"d": (1, 1), "c": (2, 2), "b": (3, 3), "a": (4, 4)}


def test_where_no_result_was_possible_the_verdict_says_so_and_how_many_seeds_make_one_possible(far_apart):
    table = on_two_tasks(*far_apart)
    row = table[table["env_id"] == "T1"].iloc[0]
    assert not row["possible"]
    assert row["outcome"] == UNDECIDED
    assert "No difference, however large, could have been found" in verdict(row, "ends")
    assert "would have been found" not in verdict(row, "ends")
    more = [{name: np.linspace(-1, 1, 6) + values.mean() for name, values in each.items()} for each in far_apart]
    assert row["seeds_for_a_result"] == 6
    assert (on_two_tasks(*more)["outcome"] == BETTER).all()


def test_a_reference_leaves_the_level_to_fewer_tests(far_apart):
    """Against one reference, five seeds tell the variants apart on each task, too."""
    table = on_two_tasks(*far_apart, reference="a")
    assert len(table) == 9
    assert ((table["a"] == "a") | (table["b"] == "a")).all()
    assert (table["outcome"] == BETTER).all()


def test_three_seeds_find_nothing_and_say_that_four_could(rng):
    row = one(rng.normal(0, 1, 3), rng.normal(1000, 1, 3))
    assert (row["outcome"], row["seeds_for_a_result"]) == (UNDECIDED, 4)
    assert "4 seeds each could find one" in verdict(row, "ends")


@pytest.mark.slow
def test_a_pair_that_is_told_apart_has_an_interval_without_zero(rng, monkeypatch):
    monkeypatch.setattr("analysis.statistics.detectable_difference", lambda *arguments: np.nan)  # takes long, unused
    for _ in range(60):
        row = one(rng.gamma(1.0, 1.0, 6), rng.gamma(1.0, 1.0, 9) + rng.uniform(0, 2))
        if row["outcome"] == BETTER:
            assert row["difference_low"] > 0 or row["difference_high"] < 0


def test_three_outcomes(rng):
    x = rng.normal(0, 1, 20)
    assert one(x + 5, rng.normal(0, 1, 20), margins={"Task": 2.0})["outcome"] == BETTER
    same = one(x, rng.permutation(x) + 0.05, margins={"Task": 2.0})
    assert same["outcome"] == SAME
    assert -2 < same["equivalence_low"] < same["equivalence_high"] < 2
    assert "practically the same on Task, within 2.00" in verdict(same, "ends")
    undecided = one(x, rng.normal(0.2, 6, 20), margins={"Task": 0.5})
    assert undecided["outcome"] == UNDECIDED
    assert "seeds each would find one of 0.500, the margin" in verdict(undecided, "ends")


def test_what_is_certain_but_smaller_than_the_margin_is_practically_the_same(rng):
    x = np.linspace(0, 1, 30)
    row = one(x + 1, x, margins={"Task": 5.0})
    assert row["adjusted_p"] < 0.05
    assert row["outcome"] == SAME


def test_without_a_margin_nothing_is_the_same(rng):
    x = rng.normal(size=30)
    assert one(x, x[::-1])["outcome"] == UNDECIDED


def test_seeds_of_one_algorithm_are_compared_one_by_one_from_eight_on(rng):
    for n, pairings, paired in (
        (12, {"a": "ppo", "b": "ppo"}, True), (12, {"a": "ppo", "b": "a2c"}, False), (12, None, False),
        (7, {"a": "ppo", "b": "ppo"}, False),
    ):  # fmt: skip
        shared = rng.normal(0, 10, n)
        row = one(shared + rng.normal(0, 1, n), shared + 3 + rng.normal(0, 1, n), pairings=pairings)
        assert row["paired"] == paired
        assert (row["outcome"] == BETTER) == paired
        assert np.isfinite(row["correlation"]) == (pairings == {"a": "ppo", "b": "ppo"})
        assert ("compared seed by seed (correlation" in verdict(row, "ends")) == paired


def test_other_seeds_are_not_paired(rng):
    table = pd.concat([scores("Task", {"a": rng.normal(size=12)}), scores("Task", {"b": rng.normal(size=12)}, 12)])
    row = pair_table([("Task", table)], "final", pairings={"a": "ppo", "b": "ppo"}).iloc[0]
    assert not row["paired"]
    assert np.isnan(row["correlation"])


def test_pairs_are_of_the_same_seed_in_whatever_order_they_come(rng):
    shared = rng.normal(0, 10, 12)
    table = scores("Task", {"a": shared + rng.normal(0, 1, 12), "b": shared + rng.normal(0, 1, 12)})
    how = {"pairings": {"a": "ppo", "b": "ppo"}}
    first = pair_table([("Task", table)], "final", **how)
    pd.testing.assert_frame_equal(first, pair_table([("Task", table.sample(frac=1, random_state=1))], "final", **how))


def test_the_probability_is_tested_by_itself(rng):
    """Means that differ through a few seeds say nothing of how often one is better."""
    x = np.concatenate([rng.normal(0, 1, 30), np.full(10, 300.0)])
    row = one(x, rng.normal(0.1, 1, 40))
    assert row["adjusted_p"] < 0.05 < row["probability_adjusted_p"]
    assert row["probability_low"] < 0.5 < row["probability_high"]


def test_sentences_count_seeds_per_task(rng):
    samples = [{"a": rng.normal(size=10), "b": rng.normal(size=10)} for _ in "12"]
    table = on_two_tasks(*samples)
    text = verdict(table[table["env_id"] == ALL_TASKS].iloc[0], "ends")
    assert "10 seeds each on 2 tasks" in text
    assert "20 seeds" not in text


def test_sentences_call_no_number_of_seeds_that_differs_from_task_to_task_one_number(rng):
    table = on_two_tasks(
        {"a": rng.normal(0, 1, 9), "b": rng.normal(0, 1, 9)}, {"a": rng.normal(0, 1, 5), "b": rng.normal(0, 1, 5)}
    )
    text = verdict(table[table["env_id"] == ALL_TASKS].iloc[0], "ends")
    assert "14 and 14 runs on 2 tasks" in text


def test_sentences_of_scores_that_are_all_the_same():
    row = one(np.full(6, 500.0), np.full(6, 500.0))
    text = verdict(row, "ends")
    assert "score the same" in text
    assert "0 higher" not in text
    assert "difference of 0" not in text


def test_lower_may_be_better(rng):
    row = one(rng.normal(10, 1, 9), rng.normal(20, 1, 9), lower_is_better=True)
    assert (row["a"], row["outcome"]) == ("a", BETTER)
    assert row["difference"] < 0
    assert row["probability_of_improvement"] == 1
    assert "a ends 10" in verdict(row, "ends") or "a ends 9" in verdict(row, "ends")
    assert "lower than b" in verdict(row, "ends")


def test_what_is_not_corrected_is_named_so(rng):
    columns = one(rng.normal(size=5), rng.normal(size=5)).index
    assert [name for name in columns if name.endswith("_p") and "adjusted" not in name] == []
    assert {"log_rank_p_uncorrected", "t_p_uncorrected", "permutation_p_uncorrected"} <= set(columns)
