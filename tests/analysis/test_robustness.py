"""Runs that are not whole: each gives a report that says so, or one clear line; nothing is dropped in silence."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.choices import Choices
from analysis.command import main
from analysis.comparison import Comparison
from analysis.pairs import verdict
from analysis.references import shipped
from analysis.runs.dataset import load
from tests.analysis.synthetic import a2c_curves, ppo_curves, write_run

TASK = "CartPole-v1"


def compared(root: Path, **choices: object) -> Comparison:
    settings = Choices(**{"last": 0.25} | choices)
    return Comparison.of(load(root, [settings.metric]), settings)


def row(comparison: Comparison, variant: str) -> dict:
    return comparison.summary.set_index("variant").loc[variant].to_dict()


def two_runs(root: Path, rng: np.random.Generator, **second: object) -> None:
    """A2C, whole, and PPO with `second` for its arguments."""
    write_run(root / "a2c", "a2c", TASK, range(6), a2c_curves(rng, 6, 20))
    arguments = {"seeds": range(6), "returns": ppo_curves(rng, 6, 20)} | second
    write_run(root / "ppo", "ppo", TASK, arguments.pop("seeds"), arguments.pop("returns"), **arguments)


def test_a_failed_seed_counts_with_the_low_reference_of_the_task(tmp_path, rng):
    two_runs(tmp_path, rng, failed={2: 7}, status="failed")
    comparison = compared(tmp_path)
    ppo = row(comparison, "ppo")
    assert (ppo["seeds"], ppo["scored"], ppo["failed"]) == (6, 6, 1)
    assert ppo["min"] == shipped()[TASK].low
    assert "1 of 6 seeds of ppo on CartPole-v1 failed (seeds 2)." in comparison.warnings


def test_a_failure_after_the_horizon_does_not_count_against_a_seed(tmp_path, rng):
    write_run(tmp_path / "a2c", "a2c", TASK, range(6), a2c_curves(rng, 6, 10))
    write_run(tmp_path / "ppo", "ppo", TASK, range(6), ppo_curves(rng, 6, 20), failed={2: 15}, status="failed")
    ppo = row(compared(tmp_path), "ppo")
    assert ppo["failed"] == 1
    assert ppo["min"] > 0


def test_unfinished_seeds_are_counted_and_scored_only_at_the_common_steps(tmp_path, rng):
    """Two seeds of a job of its own were stopped early; the four of the finished job set the horizon."""
    two_runs(tmp_path, rng, seeds=range(4), returns=ppo_curves(rng, 4, 20))
    write_run(tmp_path / "rest", "ppo", TASK, [4, 5], ppo_curves(rng, 2, 9), iterations=20, status="interrupted")
    comparison = compared(tmp_path)
    ppo = row(comparison, "ppo")
    assert (ppo["seeds"], ppo["scored"], ppo["unfinished"]) == (6, 4, 2)
    assert comparison.tasks[TASK].grid[-1] == 20 * 4096
    assert any(
        "2 of 6 seeds of ppo on CartPole-v1 have not finished (seeds 4-5)." in note for note in comparison.warnings
    )
    assert any("2 of 6 seeds of ppo on CartPole-v1 are not scored" in note for note in comparison.warnings)


@pytest.mark.parametrize("status", ["running", "interrupted", "complete"])
def test_a_run_without_rows_is_counted(tmp_path, rng, status):
    two_runs(tmp_path, rng)
    late = write_run(tmp_path / "late", "trpo", TASK, range(6), np.zeros((6, 0)), iterations=20, status=status)
    if status != "complete":
        (late / "progress.csv").unlink()
    comparison = compared(tmp_path)
    assert row(comparison, "trpo")["no_rows"] == 6
    assert any("6 of 6 seeds of trpo on CartPole-v1 have no rows (seeds 0-5)." in note for note in comparison.warnings)


def test_nothing_but_a_run_without_rows_still_gives_a_report(tmp_path):
    write_run(tmp_path / "run", "ppo", TASK, range(6), np.zeros((6, 0)), iterations=20, status="running")
    assert main([str(tmp_path / "run"), "--out", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "CartPole-v1: no seed has finished" in page
    assert pd.read_csv(tmp_path / "out" / "summary.csv")["no_rows"].tolist() == [6]


def test_the_half_written_row_of_a_run_in_progress_is_left_out(tmp_path, rng):
    run = write_run(tmp_path / "run", "ppo", TASK, range(3), ppo_curves(rng, 3, 8), iterations=20, status="running")
    whole = load(run).frame
    path = run / "progress.csv"
    path.write_text(path.read_text() + "ppo,CartPole-v1,0,8,368")
    dataset = load(run)
    pd.testing.assert_frame_equal(dataset.frame, whole)
    assert any("incomplete row" in note for note in dataset.warnings)


def test_one_seed_only(tmp_path, rng):
    two_runs(tmp_path, rng, seeds=[0], returns=ppo_curves(rng, 1, 20))
    comparison = compared(tmp_path)
    assert any("ppo on CartPole-v1 has one seed only" in note for note in comparison.warnings)
    assert np.isnan(row(comparison, "ppo")["mean_low"])
    assert "one seed is no evidence" in verdict(comparison.pairs.iloc[0], "ends")


@pytest.mark.slow
def test_one_run_of_one_seed(tmp_path, rng):
    write_run(tmp_path / "run", "ppo", TASK, [7], ppo_curves(rng, 1, 20))
    assert main([str(tmp_path / "run"), "--out", str(tmp_path / "out")]) == 0
    assert "nan" not in (tmp_path / "out" / "summary.md").read_text()


@pytest.mark.parametrize("level", [500.0, 400.0])
def test_all_seeds_equal(tmp_path, level):
    """Every seed at 500, against the same or against 400: no spread, no division by it."""
    write_run(tmp_path / "a", "ppo", TASK, range(6), np.full((6, 12), 500.0))
    write_run(tmp_path / "b", "trpo", TASK, range(6), np.full((6, 12), level))
    comparison = compared(tmp_path)
    pair = comparison.pairs.iloc[0]
    assert (row(comparison, "ppo")["mean_low"], row(comparison, "ppo")["mean_high"]) == (500, 500)
    assert (pair["adjusted_p"] <= 0.05) == (level != 500)


def test_cells_of_nan_and_inf_count_as_empty_and_are_reported(tmp_path, rng):
    returns = ppo_curves(rng, 6, 20)
    two_runs(tmp_path, rng, returns=returns)
    path = tmp_path / "ppo" / "progress.csv"
    lines = path.read_text().splitlines()
    for number, word in ((9, "nan"), (10, "inf"), (11, "NaN")):
        cells = lines[number].split(",")
        cells[6] = word
        lines[number] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n")
    dataset = load(tmp_path, ["episodic_return"])
    assert any("ppo has 3 cells of nan or inf" in note for note in dataset.warnings)
    assert dataset.frame["episodic_return"].isna().sum() == 3


def test_iterations_in_which_no_episode_ended_hold_the_value_before(tmp_path):
    returns = np.array([[np.nan, 10.0, np.nan, 30.0], [5.0, np.nan, np.nan, np.nan]])
    write_run(tmp_path / "run", "ppo", TASK, [0, 1], returns)
    values = compared(tmp_path, last=1.0).tasks[TASK].variants["ppo"].values
    np.testing.assert_array_equal(values, [[np.nan, 10, 10, 30], [5, 5, 5, 5]])


def test_a_metric_that_nobody_has_gives_a_report_that_says_so(tmp_path):
    write_run(tmp_path / "run", "ppo", TASK, range(3), np.full((3, 5), np.nan))
    assert main([str(tmp_path / "run"), "--out", str(tmp_path / "out")]) == 0
    assert "no seed has a value of episodic_return" in (tmp_path / "out" / "report.html").read_text()


def test_the_same_run_given_twice_counts_once(tmp_path, rng):
    two_runs(tmp_path, rng)
    shutil.copytree(tmp_path / "ppo", tmp_path / "copy")
    comparison = compared(tmp_path)
    assert row(comparison, "ppo")["seeds"] == 6
    assert any("6 seeds of ppo are in another run too" in note for note in comparison.warnings)
    again = Comparison.of(
        load([tmp_path / "a2c", tmp_path / "a2c", tmp_path / "ppo"], ["episodic_return"]), comparison.choices
    )
    assert row(again, "a2c")["seeds"] == 6


@pytest.mark.parametrize("other", [{"commit": "fedcba9"}, {}])
def test_two_runs_with_the_same_label_but_other_rows_are_shown_apart(tmp_path, rng, other):
    two_runs(tmp_path, rng)
    write_run(tmp_path / "again", "ppo", TASK, range(6), ppo_curves(rng, 6, 20), **other)
    comparison = compared(tmp_path)
    names = ["ppo (commit 0123abc)", "ppo (commit fedcba9)"] if other else ["ppo (again)", "ppo (ppo)"]
    assert sorted(comparison.summary["variant"]) == ["a2c", *names]
    assert any("same config and seeds differ" in note for note in comparison.warnings)


def test_split_jobs_are_one_group_of_seeds(tmp_path, rng):
    """-m seed=0,9,18,27 num_seeds=9 is the same comparison as num_seeds=36, to the last bit."""
    returns = ppo_curves(rng, 36, 20)
    write_run(tmp_path / "whole" / "ppo", "ppo", TASK, range(36), returns)
    for start in (0, 9, 18, 27):
        seeds = range(start, start + 9)
        write_run(tmp_path / "split" / str(start), "ppo", TASK, seeds, returns[start : start + 9])
    whole, split = compared(tmp_path / "whole"), compared(tmp_path / "split")
    assert row(split, "ppo")["scored"] == 36
    pd.testing.assert_frame_equal(whole.summary, split.summary)


def test_different_lengths_and_rollout_sizes_are_compared_on_common_steps(tmp_path):
    """PPO: 10 iterations of 8192 steps. A2C: 30 of 2048, so 61,440 steps are common: PPO's first 7 grid points."""
    ppo = np.tile(np.arange(10.0), (3, 1))
    a2c = np.tile(np.arange(30.0), (3, 1))
    write_run(tmp_path / "ppo", "ppo", TASK, range(3), ppo, steps_per_iteration=8192)
    write_run(tmp_path / "a2c", "a2c", TASK, range(3), a2c, steps_per_iteration=2048)
    task = compared(tmp_path).tasks[TASK]
    assert task.grid.tolist() == [8192 * k for k in range(1, 8)]
    assert task.variants["ppo"].values[0].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert task.variants["a2c"].values[0].tolist() == [4 * k + 1.5 for k in range(7)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "write",
    [
        lambda root, rng: two_runs(root, rng, failed={2: 7, 3: 0}, status="failed"),
        lambda root, rng: two_runs(root, rng, failed=dict.fromkeys(range(6), 0), status="failed"),
        lambda root, rng: two_runs(root, rng, returns=ppo_curves(rng, 6, 1)),
        lambda root, rng: two_runs(root, rng, seeds=[3], returns=ppo_curves(rng, 1, 5)),
        lambda root, rng: two_runs(root, rng, returns=np.full((6, 20), 500.0)),
        lambda root, rng: two_runs(root, rng, returns=np.zeros((6, 0)), iterations=20, status="running"),
    ],
    ids=["failed seeds", "every seed failed at once", "one iteration", "one short seed", "equal seeds", "no rows"],
)
@pytest.mark.slow
def test_odd_runs_give_a_report(tmp_path, rng, write: Callable[[Path, np.random.Generator], None]):
    write(tmp_path / "runs", rng)
    assert main([str(tmp_path / "runs"), "--out", str(tmp_path / "out"), "--latex"]) == 0
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000
