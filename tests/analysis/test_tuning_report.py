"""The report of a study, from tables that a study could have left."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.tuning.figures import parallel_figure, slice_figure
from analysis.tuning.ledger import COLUMNS
from analysis.tuning.report import Report
from analysis.tuning.space import Categorical, Distribution, Float, described
from analysis.tuning.study import Study, read_study
from analysis.tuning.winners import winning_trials

TASKS = {"cartpole": "CartPole-v1", "pendulum": "Pendulum-v1"}
SPACE = {"algo.rate": Float(1e-4, 1e-1, log=True), "gamma": Categorical((0.9, 0.99)), "kind": Categorical(("x", "y"))}
TRIALS, SEEDS, FRESH = 24, 4, 10
LEVEL = {"good": 300.0, "bad": 50.0}


def write_study(
    directory: Path, sampler: str = "random", scope: str = "per_task", space: Mapping[str, Distribution] = SPACE
) -> None:
    """Two variants on two tasks: one scores high on CartPole, both the same on Pendulum."""
    rng = np.random.default_rng(0)
    rows = []
    for variant, level in LEVEL.items():
        settings = [{key: each.value(rng.random()) for key, each in space.items()} for _ in range(TRIALS)]
        for env_id in TASKS.values():
            for number, own in enumerate(settings):
                place = space["algo.rate"].unit(own["algo.rate"])
                score = level * (1 - (place - 0.5) ** 2) if env_id == "CartPole-v1" else -1000 + 400 * place
                rows += [
                    {"variant": variant, "env_id": env_id, "trial": number, "seed": 1_000_000 + k}
                    | {"score": score + 5 * rng.normal(), "failed": False, **own}
                    for k in range(SEEDS)
                ]
    trials = pd.DataFrame(rows)
    means = trials.groupby(["variant", "env_id", "trial"], sort=False)["score"].mean().reset_index()
    winners = winning_trials(means, scope).assign(experiment="tuned/x")
    fresh = pd.DataFrame(
        [
            {"variant": variant, "origin": origin, "env_id": env_id, "seed": seed, "failed": False}
            | {"score": (level if env_id == "CartPole-v1" else -700) - 40 * (origin == "preset") + 5 * rng.normal()}
            for variant, level in LEVEL.items()
            for env_id in TASKS.values()
            for origin in ("tuned", "preset")
            for seed in range(FRESH)
        ]
    )
    plan = {
        "format": 1, "algo": list(LEVEL), "env": list(TASKS), "tasks": TASKS, "trials": TRIALS, "seeds": SEEDS,
        "sampler": sampler, "scope": scope, "metric": "episodic_return", "score": "final", "lower_is_better": False,
        "budgets": {"cartpole": 1000, "pendulum": 2000},
        "spaces": {variant: {key: described(each) for key, each in space.items()} for variant in LEVEL},
    }  # fmt: skip
    ledger = pd.DataFrame(
        [
            (
                "2026-01-01T00:00:00Z",
                "p",
                "tuning",
                variant,
                env_id,
                "t",
                "0",
                f"{variant}/{env_id}",
                "trained",
                4,
                5,
                "m",
            )
            for variant in LEVEL
            for env_id in TASKS.values()
        ],
        columns=list(COLUMNS),
    )
    made = {"command": "seedbed tune", "commits": ["abc"], "processors": ["a processor"], "software": "seedbed 1"}
    for name, table in (("trials", trials), ("winners", winners), ("fresh", fresh), ("ledger", ledger)):
        table.to_csv(directory / f"{name}.csv", index=False)
    for name, content in (("study", plan), ("made", made)):
        (directory / f"{name}.json").write_text(json.dumps(content))


@pytest.fixture(scope="module")
def reported(tmp_path_factory) -> tuple[Study, Path, list[str]]:
    """A study, where its report is, and what that says."""
    directory = tmp_path_factory.mktemp("study")
    write_study(directory)
    study = read_study(directory)
    return study, directory / "report", Report(study).write(directory / "report")


def test_it_says_which_is_better_and_that_both_were_tuned(reported):
    _, _, told = reported
    assert told[0] == (
        "Every variant was tuned on each task, by random search: 24 trials of 4 seeds, with 1k to 2k (by task) env "
        "steps per seed. No test seed was used for tuning."
    )
    assert any(each.startswith("good (tuned) ends 25") and "on CartPole-v1" in each for each in told)
    assert any("practically the same on Pendulum-v1" in each for each in told)
    assert any(each.startswith("CartPole-v1: good beats bad") for each in told)
    assert any(each.startswith("Pendulum-v1: ") and "undecided" in each for each in told)


def test_every_part_is_there_in_both_formats(reported):
    _, out, _ = reported
    text, page = (out / "README.md").read_text(), (out / "report.html").read_text()
    headings = [
        "Which is better, once tuned", "Against the number of trials", "Tuning scores and fresh scores",
        "Beside the shipped presets", "One setting for all tasks", "Which settings matter", "What it cost",
        "Spaces and winners", "How it was made",
    ]  # fmt: skip
    assert [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")] == headings
    assert all(f"<h2>{heading}</h2>" in page for heading in headings)
    names = [line.split("(")[1].rstrip(")") for line in text.splitlines() if line.startswith("![")]
    assert {"curve-CartPole-v1.png", "slices-good.png", "parallel-bad.png", "importance-good.png"} <= set(names)
    assert all((out / name).stat().st_size > 1000 for name in names)


def test_it_finds_the_setting_that_matters_and_that_tasks_want_it_elsewhere(reported):
    _, out, _ = reported
    table = pd.read_csv(out / "importance.csv")
    good = table[(table["first"] == "good") & (table["second"] == "Pendulum-v1")].set_index("setting")
    assert good["share"].idxmax() == "algo.rate"
    text = (out / "README.md").read_text()
    row = next(line for line in text.splitlines() if line.startswith("| good | 0.9"))
    assert "1 of 3 (algo.rate" in row


@pytest.mark.slow
def test_the_same_tables_give_the_same_bytes(reported, tmp_path):
    study, out, _ = reported
    Report(study).write(tmp_path)
    for name in ("README.md", "report.html", "curves.csv", "gaps.csv"):
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes()


@pytest.mark.slow
def test_a_search_that_learns_has_no_exact_bands_and_says_so(tmp_path):
    write_study(tmp_path, sampler="tpe", scope="all_tasks")
    told = Report(read_study(tmp_path)).write(tmp_path / "report")
    assert told[0].startswith("Every variant was tuned for all tasks together, by tpe search")
    assert "has no exact bands" in (tmp_path / "report" / "README.md").read_text()
    assert not (tmp_path / "report" / "curves.csv").exists()


@pytest.mark.parametrize("choices", [(None, 0.01), ("auto", 0.01), ("None", None, "x"), (True, None), (16, 64)])
def test_a_choice_is_read_as_it_was_given_whatever_the_table_makes_of_it(choices, tmp_path):
    space = SPACE | {"kind": Categorical(choices)}
    write_study(tmp_path, space=space)
    report = Report(read_study(tmp_path))
    rng = np.random.default_rng(0)
    drawn = [[each.value(rng.random()) for each in space.values()][-1] for _ in range(TRIALS)]
    assert report.study.settings["good"]["kind"].tolist() == drawn
    assert set(drawn) == set(choices)
    assert set(report.chosen("good", "kind")) <= set(map(str, choices))
    shown = parallel_figure(report.study, "good"), slice_figure(report.study, "good")
    assert all(figure.canvas.axes for figure in shown)
