"""Studies from plan to report: they stop when they know, go on after a kill, and say what was changed."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.run_format import TUNING_SEEDS, InputError, read_json
from analysis.study import record as records
from analysis.study.plan import Plan
from sweeps.launching import How
from sweeps.study import command, tuning
from sweeps.study.command import read_plan
from sweeps.study.run import check
from sweeps.study.run import run as run_study
from sweeps.study.spent import predicted, spent
from tests.sweeps.command import Command, run

SIZES = ["threads=1", "num_envs=2", "num_steps=64", "critic.update_epochs=2", "checkpoint_interval=2"]
PLAN = {
    "question": "Is A2C better?",
    "variants": {"a2c": ["algo=a2c"], "ppo": ["algo=ppo"]},
    "tasks": {"cartpole": ["env=cartpole", "iterations=6"]},
    "overrides": SIZES,
    "group": 3,
    "largest": 6,
}
"""A study whose runs take a moment."""


def write_plan(folder: Path, **changes: object) -> Path:
    """A folder of a user's own options, with the study `mine`."""
    (folder / "study").mkdir(parents=True, exist_ok=True)
    (folder / "study" / "mine.yaml").write_text("# @package _global_\n" + yaml.safe_dump(PLAN | changes))
    return folder


def study(own: Path, out: Path, *arguments: str) -> tuple[object, ...]:
    return ("study=mine", *arguments, "--config-dir", own, "--out", out)


HERE = How([], None)


def decisions(out: Path) -> list[dict]:
    return json.loads((out / "record.json").read_text())["looks"]


def results(out: Path) -> dict[str, bytes]:
    """What must not depend on when and how often a study was stopped; the commit may be another by now."""
    names = ("plan.yaml", "answers.csv", "scores.csv")
    paths = [out / name for name in names] + sorted(out.glob("runs/**/progress.csv"))
    record = json.loads((out / "record.json").read_text())
    del record["software"]
    return {str(path.relative_to(out)): path.read_bytes() for path in paths} | {"record": json.dumps(record).encode()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The user's folder and a study that nothing happened to."""
    base = tmp_path_factory.mktemp("whole")
    own = write_plan(base / "own")
    ended = run("sweeps.study.command", *study(own, base / "out"))
    assert ended.status == 0, ended.err
    return own, base / "out"


def test_a_study_goes_through_its_looks_and_writes_everything(whole):
    _, out = whole
    record = records.read(out)
    assert record.finished
    assert 1 <= len(record.looks) <= 2
    assert record.first.hash == Plan.of(yaml.safe_load((out / "plan.yaml").read_text())).hash
    first = record.looks[0].answers[0]
    scores = pd.read_csv(out / "scores.csv")
    seeds = scores.groupby("variant")["seed"].apply(list)
    assert not set(seeds["a2c"]) & set(seeds["ppo"])
    early = scores.groupby("variant")["score"].apply(lambda values: values.iloc[:3].mean())
    assert first.difference == pytest.approx(early["a2c"] - early["ppo"], rel=1e-4)
    page = (out / "report.html").read_text()
    assert page.index("Is A2C better?") < page.index("<h2>Answers</h2>") < page.index("<h2>Cost</h2>")
    assert record.first.hash in page
    assert "Deviations" not in page
    assert page.count("<svg") >= 3


@pytest.mark.slow
def test_the_same_command_changes_nothing_once_the_study_has_ended(whole):
    own, out = whole
    before = results(out)
    ended = run("sweeps.study.command", *study(own, out))
    assert ended.status == 0, ended.err
    assert results(out) == before
    assert "look" not in ended.out


@pytest.mark.slow
def test_a_killed_study_comes_to_the_same_decisions_and_bytes(whole, tmp_path):
    own, out = whole
    killed(own, tmp_path / "out", 1, np.random.default_rng(0))
    assert results(tmp_path / "out") == results(out)


@pytest.mark.study
def test_twenty_kills_leave_the_same_decisions_and_bytes(whole, tmp_path):
    own, out = whole
    states = killed(own, tmp_path / "out", 20, np.random.default_rng(1))
    assert len(states) == 20
    assert len(set(states)) > 5  # kills fell into different moments
    assert results(tmp_path / "out") == results(out)


def killed(own: Path, out: Path, times: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Run a study that is killed `times` times, each after some more rows were written or a look was taken; gives
    (looks, rows) at each kill. Where the study came to its end, its last look is undone."""
    states: list[tuple[int, int]] = []
    while len(states) < times:
        command = Command("sweeps.study.command", *study(own, out))
        before, more = state(out), int(rng.integers(1, 6))
        end = time.monotonic() + 120
        while state(out) < (before[0], before[1] + more) and command.process.is_alive() and time.monotonic() < end:
            time.sleep(0.002)
        time.sleep(float(rng.uniform(0, 0.05)))
        if command.process.is_alive():
            command.signal_group(signal.SIGKILL)
            states.append(state(out))
        command.wait()
        if records.read(out).finished:
            undo(out)
    ended = run("sweeps.resume", out, "--trust")
    assert ended.status == 0, ended.err
    return states


def state(out: Path) -> tuple[int, int]:
    """How many looks were taken, and how many rows were written."""
    looks = len(decisions(out)) if (out / "record.json").exists() else 0
    return looks, sum(path.read_bytes().count(b"\n") for path in out.glob("runs/**/progress.csv"))


def undo(out: Path) -> None:
    """As the study was before its last look, its runs not begun."""
    content = json.loads((out / "record.json").read_text())
    number = len(content["looks"])
    content["looks"].pop()
    (out / "record.json").write_text(json.dumps(content, indent=2) + "\n")
    for path in out.glob(f"runs/*/*/look-{number}"):
        shutil.rmtree(path)


@pytest.mark.slow
def test_a_plan_that_was_changed_after_a_look_is_a_deviation_at_the_head_of_the_report(whole, tmp_path):
    own, _ = whole
    out = tmp_path / "out"
    first = run("sweeps.study.command", *study(own, out, "largest=3"))
    assert first.status == 0, first.err
    again = run("sweeps.study.command", *study(own, out, "largest=6", "margin=0.5"))
    assert again.status == 0, again.err
    assert "deviation: The plan was changed after look 1: margin: 0.05, now 0.5." in again.out
    page = (out / "report.html").read_text()
    assert page.index("margin: 0.05, now 0.5") < page.index("<h2>Answers</h2>")
    other = run("sweeps.study.command", *study(own, out, "seed=7"))
    assert other.is_refusal()
    assert "seed: 0, now 7" in other.err


@pytest.mark.slow
def test_a_variant_that_always_fails_is_told_at_the_head_of_the_report(tmp_path):
    out = tmp_path / "out"
    variants = {"a2c": ["algo=a2c"], "broken": ["algo=ppo", "algo.optimiser.learning_rate=1e38"]}
    own = write_plan(tmp_path / "own", variants=variants, largest=3)
    ended = run("sweeps.study.command", *study(own, out))
    assert ended.status == 0, ended.err
    page = (out / "report.html").read_text()
    note = "3 of 3 seeds of broken on cartpole failed; they count with the task"
    assert page.index(note) < page.index("<h2>Answers</h2>")
    assert "3 of 3 seeds of broken on cartpole failed" in ended.out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"level": 0}, "level=0: expected: greater than 0"),
        ({"level": 1}, "level=1: expected: less than 1"),
        ({"group": 4}, "largest=6; expected: a multiple of group=4"),
        ({"group": "many"}, "group='many': expected: a valid integer"),
        ({"reference": "trpo"}, "reference='trpo'; expected: null, or one of a2c, ppo"),
        ({"margin": -1.0}, "margin=-1.0: expected: greater than 0"),
        ({"score": "finale"}, "score 'finale' is unknown; expected: final, auc, best or MODULE:FUNCTION"),
        ({"seed": 1_000_000}, "seed=1000000: some of the seeds up to 1001005 are for tuning; expected: seeds outside"),
        ({"seed": 999_500}, "expected: seeds outside 1000000 to 1999999"),
        ({"tuning": {"trails": 3}}, "tuning.trails: unknown key; expected: trials, seeds, budget, scope, sampler"),
        ({"tuning": {"trials": 3}}, "tasks.cartpole=['env=cartpole', 'iterations=6']: cannot be tuned"),
        ({"variants": {"a": []}}, "expected: two variants or more"),
        ({"variants": {"a/b": [], "c": []}}, "expected: a name of letters, digits and . _ + -"),
        ({"tasks": {}}, "expected: one task or more"),
        ({"tasks": {"mine": ["env.id=tests.envs.user_tasks:user/Image-v0"]}}, "has no scale, so margin=0.05"),
        ({"tasks": {"a": ["env=cartpole"], "b": ["env=cartpole"]}}, "tasks: a and b are both CartPole-v1"),
        ({"overrides": ["seed=3"]}, "seed=3: a study chooses its seeds itself"),
        ({"overrides": ["algo.clip_coeff=3"]}, "algo.clip_coeff=3: unknown key"),
        ({"references": {"Other-v0": {"low": 0, "high": 1}}}, "references.Other-v0: no task here"),
        ({"references": {"CartPole-v1": {"low": 1, "high": 0}}}, "expected: high, the better end, above low"),
    ],
)
def test_wrong_plans_are_refused_in_one_line_before_anything_trains(tmp_path, changes, said):
    own = write_plan(tmp_path / "own", **changes)
    with pytest.raises(InputError) as refused:
        check(read_plan(["study=mine"], str(own)), tmp_path / "out", HERE)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_a_study_has_to_be_named():
    with pytest.raises(InputError, match="study: missing; expected: study=NAME"):
        read_plan([], None)
    with pytest.raises(InputError, match="study=nothing: no such option"):
        read_plan(["study=nothing"], None)
    with pytest.raises(
        InputError, match=r"levle=1: unknown key; did you mean level\? expected: a key of conf/study_plan\.yaml"
    ):
        read_plan(["study=ppo_a2c", "levle=1"], None)


def test_a_dry_run_tells_costs_and_chances_and_trains_nothing(whole, tmp_path):
    own, out = whole[0], tmp_path / "out"
    ended = run("sweeps.study.command", *study(own, out, "--dry-run"))
    assert ended.status == 0, ended.err
    assert "One group of seeds of everything: 4.61k env steps" in ended.out  # 2 runs of 3 seeds, 6 × 64 × 2 steps
    assert "What it can find, for a margin of 0.05" in ended.out
    assert [path.name for path in out.iterdir()] == ["prediction.json"]


def test_status_tells_what_is_decided_and_what_it_took(whole):
    ended = run("sweeps.status", whole[1], "--once")
    assert ended.status == 0, ended.err
    assert "Is A2C better?" in ended.out
    looks = len(decisions(whole[1]))
    assert f"after {looks} of at most 2 looks" in ended.out
    assert "min of training" in ended.out


@pytest.mark.study
@pytest.mark.parametrize("name", ["ppo_a2c", "ppo_ppo"])
def test_a_dry_run_predicts_the_cost_of_a_look_within_a_quarter(name, tmp_path):
    """On a machine that does nothing else."""
    study = (f"study={name}", "overrides=['threads=1']", "largest=6", "--out", tmp_path)
    assert run("sweeps.study.command", *study, "--dry-run").status == 0
    assert run("sweeps.study.command", *study).status == 0
    said = sum(cost.seconds for cost in predicted(tmp_path).values())
    took = sum(seconds for seconds, _, _ in spent(records.read(tmp_path), tmp_path).values())
    print(f"{name}: predicted {said:.1f} s, took {took:.1f} s")
    assert 0.75 <= said / took <= 1.25


@pytest.mark.slow
def test_the_runs_of_a_look_may_train_side_by_side(whole, tmp_path):
    own, out = whole
    options = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    command = [sys.executable, "-m", "sweeps.study", *map(str, study(own, tmp_path / "out", *options))]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # a fork would wait for joblib's idle
    assert ended.returncode == 0, ended.stderr
    assert results(tmp_path / "out") == results(out)


@pytest.mark.slow
def test_a_study_tunes_first_on_seeds_of_their_own_and_tests_the_winners(tmp_path):
    changes = {
        "tuning": {"trials": 2, "seeds": 2, "budget": 2048},
        "tasks": {"cartpole": ["env=cartpole"]},
        "overrides": ["threads=1", "num_envs=2", "num_steps=64", "critic.update_epochs=2"],
        "largest": 3,
    }
    own = write_plan(tmp_path / "own", **changes)
    ended = run("sweeps.study.command", *study(own, tmp_path / "out"))
    assert ended.status == 0, ended.err
    record = records.read(tmp_path / "out")
    tuned = record.tuned["cartpole"]
    assert set(tuned) == {"a2c", "ppo"}
    for variant, chosen in tuned.items():
        path = tmp_path / "out" / "runs" / "cartpole" / variant / "look-1"
        assert set(chosen) <= set(yaml.safe_load((path / ".hydra" / "overrides.yaml").read_text()))
        assert "chosen by tuning" in (tmp_path / "out" / "report.html").read_text()
    seeds = [read_json(path)["seeds"] for path in (tmp_path / "out" / "tuning").rglob("run.json")]
    assert len(seeds) == 4
    assert all(seed in TUNING_SEEDS for each in seeds for seed in each)
    before = results(tmp_path / "out")
    assert run("sweeps.study.command", *study(own, tmp_path / "out")).status == 0
    assert results(tmp_path / "out") == before


def test_a_study_that_was_stopped_while_it_tuned_goes_on_as_it_was_started(tmp_path, monkeypatch):
    own = write_plan(
        tmp_path / "own", tuning={"trials": 1, "seeds": 1, "budget": 2048}, tasks={"cartpole": ["env=cartpole"]}
    )
    how = How(["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"], str(own))
    monkeypatch.setattr(tuning, "tune", lambda *arguments: None)  # as where a signal has stopped it
    run_study(read_plan(["study=mine"], str(own)), tmp_path / "out", how)
    resumed: list[How] = []
    monkeypatch.setattr(command, "answer", lambda plan, directory, how, told: resumed.append(how))
    command.resume_study(tmp_path / "out", trusted=True)
    assert resumed == [how]
