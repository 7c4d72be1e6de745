"""Logs with steps of their own are brought to common env steps by the rules that the report prints."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import compare, load_runs
from analysis.aggregates import differences
from analysis.command import main
from analysis.readers.logs import since_restart
from tests.analysis.synthetic import write_run


def table(rows: list[tuple[str, int, int, float]], variant: str = "ppo") -> pd.DataFrame:
    return pd.DataFrame(
        [(variant, *row) for row in rows], columns=["variant", "task", "seed", "env_steps", "value"]
    ).astype({"value": float})


def test_values_at_steps_of_their_own_are_averaged_in_intervals():
    frame = table([("Pole", 0, 5, 1), ("Pole", 0, 9, 3), ("Pole", 0, 20, 7), ("Pole", 1, 10, 2), ("Pole", 1, 19, 4)])
    found = load_runs(frame, ["value"])
    by_seed = {
        int(seed): list(zip(rows["env_steps"], rows["value"], strict=True)) for seed, rows in found.groupby("seed")
    }
    assert by_seed[0] == [(10, 2.0), (20, 7.0)]  # of two and three values the median is 2.5: two intervals
    assert by_seed[1] == [(10, 2.0), (20, 4.0)]


def test_the_report_says_how(tmp_path, no_figures):
    rng = np.random.default_rng(3)
    rows = [("Pole", seed, int(step), seed + step / 100) for seed in range(4) for step in rng.integers(1, 999, 50)]
    comparison = compare(table(rows), out=tmp_path)
    (rule,) = comparison.dataset.rules
    assert "they are averaged in" in rule
    assert rule.split(".")[0] in (tmp_path / "report.html").read_text()


@settings(deadline=None, max_examples=15)
@given(st.lists(st.lists(st.integers(1, 10_000), min_size=1, max_size=60), min_size=2, max_size=4))
def test_no_value_is_lost_or_moved_to_an_earlier_step(steps):
    rows = [("Pole", seed, step, step) for seed, each in enumerate(steps) for step in each]
    with pytest.warns(UserWarning, match="No settings"):
        found = load_runs(table(rows), ["value"]).dropna(subset="value")
    for seed, each in enumerate(steps):
        own = found[found["seed"] == seed]
        assert (own["value"] <= own["env_steps"]).all()
        assert own["env_steps"].is_monotonic_increasing
        assert own["env_steps"].iloc[-1] >= max(each)
        assert own["env_steps"].iloc[-1] <= max(map(max, steps))


def test_seeds_of_unequal_length_and_other_logging_steps_are_all_compared():
    rows = [("Pole", seed, step, seed) for seed in range(6) for step in range(50 + seed, 1000, 50 + seed)]
    comparison = compare(pd.concat([table(rows), table(rows, "other")]))
    assert len(comparison.scores) == 12
    assert comparison.scores["final"].tolist() == [*range(6)] * 2


def test_a_run_that_was_killed_early_is_listed_but_not_scored():
    rows = [("Pole", seed, step, seed) for seed in range(4) for step in range(10, 1000 if seed else 400, 10 + seed)]
    comparison = compare(table(rows))
    assert comparison.scores["seed"].tolist() == [1, 2, 3]
    assert any("1 of 4 seeds of ppo on Pole are not scored" in each for each in comparison.warnings)


def test_seeds_of_other_programs_are_not_paired():
    rng = np.random.default_rng(7)
    rows = [("Pole", seed, step, rng.normal()) for seed in range(12) for step in range(10)]
    comparison = compare(pd.concat([table(rows), table(rows, "other")]))
    assert not comparison.pairs["paired"].any()


@pytest.mark.slow
def test_ours_and_theirs_of_one_name_are_told_apart(tmp_path, rng):
    write_run(tmp_path / "ours", "ppo", "Pole", range(3), rng.normal(size=(3, 5)), steps_per_iteration=10 * 8)
    rows = [("Pole", seed, 80 * step, rng.normal()) for seed in range(3) for step in range(1, 6)]
    table(rows).to_csv(tmp_path / "theirs.csv", index=False)
    comparison = compare([tmp_path / "ours", tmp_path / "theirs.csv"], out=tmp_path / "out")
    assert comparison.shown == ["ppo", "ppo (table)"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "table: value" in page
    assert "Nothing says whether the values of ppo (table) (value) are of training or of evaluations" in page
    assert "No settings are recorded of ppo (table)" in page


def test_means_alone_get_an_interval_and_no_test(tmp_path, capsys):
    means = pd.DataFrame(
        {"variant": ["paper", "mine"], "task": "Pole", "n": [10, 5], "mean": [480.0, 430.0], "sem": [2.0, 3.0]}
    )
    means.to_csv(tmp_path / "means.csv", index=False)
    assert main([str(tmp_path / "means.csv"), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "paper has a mean 50.0 higher than mine on Pole (95% interval" in printed
    assert "No test: single seeds are not known." in printed
    pairs = pd.read_csv(tmp_path / "out" / "aggregate-pairs.csv")
    # Welch's interval is the one of SciPy for samples that have these means and deviations.
    x, y = (standardised(n) for n in (10, 5))
    expected = scipy_interval(480 + 2 * np.sqrt(10) * x, 430 + 3 * np.sqrt(5) * y)
    np.testing.assert_allclose(pairs.loc[0, ["difference_low", "difference_high"]].astype(float), expected, rtol=1e-5)
    assert "outcome" not in pairs


def standardised(n: int) -> np.ndarray:
    values = np.arange(n, dtype=float)
    return (values - values.mean()) / values.std(ddof=1)


def scipy_interval(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    from scipy import stats

    found = stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.95)
    return float(found.low), float(found.high)


def test_one_seed_has_no_deviation():
    rows = {"variant": ["one", "five"], "task": "Pole", "n": [1, 5], "mean": [1.0, 2.0], "std": [np.nan, 1.0]}
    pair = differences(pd.DataFrame(rows).assign(file="means.csv")).iloc[0]
    assert pair["difference"] == 1.0
    assert np.isnan([pair["difference_low"], pair["difference_high"]]).all()


def test_equal_scores_have_an_interval_without_width():
    rows = {"variant": ["a", "b"], "task": "Pole", "n": [3, 5], "mean": [2.0, 1.0], "std": 0.0}
    pair = differences(pd.DataFrame(rows).assign(file="means.csv")).iloc[0]
    assert pair["difference_low"] == pair["difference_high"] == 1.0


@given(st.lists(st.integers(0, 50), max_size=40))
def test_what_a_restarted_run_wrote_again_is_void(steps):
    kept = np.array(steps)[since_restart(np.array(steps, dtype=int))] if steps else np.array([])
    assert (np.diff(kept) >= 0).all()
    if steps:
        assert kept[-1] == steps[-1]


def test_a_report_among_runs_is_no_run(tmp_path, rng, no_figures):
    write_run(tmp_path / "ours", "ppo", "Pole", range(3), rng.normal(size=(3, 5)))
    means = pd.DataFrame({"variant": ["paper"], "task": "Pole", "n": [10], "mean": [480.0], "std": [2.0]})
    means.to_csv(tmp_path / "means.csv", index=False)
    first = compare(tmp_path, out=tmp_path / "report")
    assert (tmp_path / "report" / "aggregates.csv").is_file()
    assert str(compare(tmp_path)) == str(first)


def test_a_run_without_an_episode_has_no_rows(tmp_path):
    header = '#{"t_start": 0.0, "env_id": "Pole"}\nr,l,t\n'
    for seed, episodes in enumerate(("", "1.0,5,0.1\n2.0,6,0.2\n", "3.0,7,0.1\n2.0,6,0.2\n")):
        (tmp_path / f"ppo_{seed}").mkdir()
        (tmp_path / f"ppo_{seed}" / "monitor.csv").write_text(header + episodes)
    seeds = compare(tmp_path, pattern="{variant}_{seed}").dataset.seeds
    assert seeds["state"].tolist() == ["no rows", "ok", "ok"]
