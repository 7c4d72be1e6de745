"""``seedbed tune``: equal budgets, seeds of tuning apart from seeds of tests, and studies that go on."""

import fcntl
import json
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from omegaconf import OmegaConf

from analysis.run_format import TUNING_SEEDS, flatten, read_config
from analysis.runs.dataset import load
from analysis.tuning.ledger import LOST, TRAINED, costs, read_ledger
from sweeps.compose import composed_config
from sweeps.errors import InputError
from sweeps.lockstep import groups
from sweeps.run_config import validate
from sweeps.tune import workshop
from sweeps.tune.command import main
from sweeps.tune.freeze import freeze
from sweeps.tune.fresh import preset
from sweeps.tune.launch import launch
from sweeps.tune.options import is_kept, read_arguments
from sweeps.tune.planning import make_plan
from sweeps.tune.spaces import find_space
from sweeps.tune.trials import draw, random_trials
from sweeps.tune.worker import work
from tests.sweeps.command import Command, run

SMALL = ("threads=1", "num_envs=2", "num_steps=8", "critic.update_epochs=2", "seeds=2", "budget=160", "test_seeds=2")
NO_LENGTHS = ("space.a2c.num_steps=null", "space.ppo.num_steps=null")
ONE = ("algo=ppo", "env=cartpole", *SMALL, NO_LENGTHS[1])
FEW = ("space.a2c.gae_lambda=null", "space.ppo.gae_lambda=null", "space.a2c.critic=null", "space.ppo.critic=null")
TWO = ("algo=a2c,ppo", "env=cartpole", *SMALL, *NO_LENGTHS, *FEW, "space.ppo.algo.ent_coef=null")


def tune(*arguments: object) -> int:
    """The command in this process; its exit status."""
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def refused(capsys, *arguments: object) -> str:
    """The one line by which the command refuses."""
    assert tune(*arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0].removeprefix("error: ")


@pytest.fixture
def no_report(monkeypatch) -> None:
    """A report, most of whose time is drawing, is not written: for tests of what else a study leaves."""
    monkeypatch.setattr("sweeps.tune.report.write_report", lambda directory: None)


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """Three trials of two variants."""
    directory = tmp_path_factory.mktemp("tune") / "study"
    assert tune(*TWO, "trials=3", f"study={directory}") == 0
    return directory


def test_budgets_are_equal_and_the_ledger_counts_all_that_was_spent(study):
    table = costs(read_ledger(study / "ledger.csv"))
    assert table["trials"].tolist() == [3, 3]
    assert table["tuning"].tolist() == [3 * 2 * 160] * 2
    assert table["test"].tolist() == [2 * 160] * 2
    assert table["lost"].tolist() == [0, 0]
    rows = load(study, ["episodic_return"]).seeds
    assert rows["env_steps"].sum() == table["total"].sum()


def test_tuning_seeds_are_no_test_seeds_and_every_run_says_what_it_is_for(study):
    infos = {path: json.loads(path.read_text()) for path in study.rglob("run.json")}
    assert len(infos) == 8
    for path, info in infos.items():
        tuning = "trials" in path.parts
        assert info["purpose"] == ("tuning" if tuning else "test")
        assert all((seed in TUNING_SEEDS) == tuning for seed in info["seeds"])


@pytest.mark.parametrize("named", [(), "algo.name"])
def test_compare_keeps_trials_apart_from_the_winner_on_fresh_seeds(study, named):
    from analysis import compare

    comparison = compare(study, variants=named or None)
    seeds = comparison.dataset.seeds
    for _, group in seeds.groupby("variant"):
        assert len({seed in TUNING_SEEDS for seed in group["seed"]}) == 1
    assert any("of tuning" in sentence for sentence in comparison.warnings)


def test_the_winner_is_an_experiment_that_trains_as_the_trial_did(study):
    winners = pd.read_csv(study / "winners.csv").set_index("variant")
    trials = pd.read_csv(study / "trials.csv")
    means = trials.groupby(["variant", "trial"])["score"].mean()
    for variant in ("a2c", "ppo"):
        number = winners.loc[variant, "trial"]
        assert means[variant].idxmax() == number
        trained = dict(flatten(read_config(study / "trials" / "cartpole" / variant / f"{number:03d}")))
        frozen = dict(flatten(composed_config([f"experiment=tuned/cartpole/{variant}"], study / "conf")))
        different = {key for key in trained if trained[key] != frozen[key]}
        assert different <= {"seed", "num_seeds", "threads"}


@pytest.mark.slow
def test_a_study_that_is_done_is_left_as_it_is_and_gets_more_trials(study, no_report, capsys):
    before = {name: (study / name).read_bytes() for name in ("ledger.csv", "trials.csv", "winners.csv", "fresh.csv")}
    assert tune(f"study={study}") == 0
    assert {name: (study / name).read_bytes() for name in before} == before
    assert tune(*TWO, "trials=4", f"study={study}") == 0
    assert (study / "ledger.csv").read_bytes().startswith(before["ledger.csv"])
    old = pd.read_csv(pd.io.common.BytesIO(before["trials.csv"]))
    new = pd.read_csv(study / "trials.csv")
    assert len(new) == 2 * 4 * 2
    pd.testing.assert_frame_equal(new[new["trial"] < 3].reset_index(drop=True), old)
    assert "which may only grow" in refused(capsys, *TWO, "trials=2", f"study={study}")
    assert "scope='per_task', now 'all_tasks'" in refused(capsys, *TWO, "trials=4", "scope=all_tasks", f"study={study}")


def test_the_report_says_who_is_better_and_how_both_were_tuned(study):
    text = (study / "report" / "README.md").read_text()
    assert "Every variant was tuned on each task, by random search" in text
    assert "ppo (tuned)" in text
    assert "Against the number of trials" in text
    assert (study / "report" / "report.html").read_text().count("<svg") == (
        study / "report" / "README.md"
    ).read_text().count("![")


def test_a_dry_run_says_what_a_study_costs_and_trains_nothing(tmp_path, capsys):
    assert tune(*TWO, "trials=5", f"study={tmp_path / 'new'}", "--dry-run") == 0
    assert "3.2k env steps of tuning and 640 of tests; 0 of 12 runs are done" in capsys.readouterr().out
    assert not (tmp_path / "new").exists()


BAD = {
    "algo: nothing to tune; expected: algo=NAME": ("env=cartpole",),
    "algo=foo: no such option": ("algo=foo", "env=cartpole"),
    "trials=0: expected: greater than or equal to 1": (*ONE, "trials=0"),
    "budget=many: expected: a whole number": (*ONE, "budget=many"),
    "space.ppo.algo.clip_koef: unknown key; did you mean algo.clip_coef?": (
        *ONE, "space.ppo.algo.clip_koef={type: float, low: 0.1, high: 0.2}",
    ),
    "space.ppo.algo.clip_coef.low=-0.1: has no logarithm": (*ONE, "space.ppo.algo.clip_coef.low=-0.1"),
    "space.ppo.algo.clip_coef: low=0.9 is above high=0.4": (*ONE, "space.ppo.algo.clip_coef.low=0.9"),
    "space.ppo.gamma: gamma=1.5: expected: less than or equal to 1": (*ONE, "space.ppo.gamma.choices=[0.9,1.5]"),
    "space.ppo.seed: cannot be tuned": (*ONE, "space.ppo.seed={type: int, low: 0, high: 3}"),
    "space.trpo: no variant of this study": (*ONE, "space.trpo.gamma=null"),
    "space.ppo.gamma.type='normal': unknown; expected: float, int or": (*ONE, "space.ppo.gamma.type=normal"),
    "space.ppo: an empty space has nothing to tune": (
        *ONE, "space.ppo.algo=null", "space.ppo.critic=null", "space.ppo.gamma=null", "space.ppo.gae_lambda=null",
    ),
    "budget=160 on cartpole: not the same for all": (
        *ONE, "space.ppo.num_steps={type: categorical, choices: [14, 22, 26]}",
    ),
    "test_seed=1000000: a seed for tuning": (*ONE, "test_seed=1000000"),
    "iterations=3: a study decides this; expected: budget=STEPS": (*ONE, "iterations=3"),
    "sampler=cmaes: expected: 'random', 'tpe' or 'gp'": (*ONE, "sampler=cmaes"),
    "budget.pendulum: no task of this study": (*ONE, "budget.pendulum=1k"),
    "--fast: unknown option": (*ONE, "--fast"),
    "score 'finale' is unknown": (*ONE, "score=finale"),
}  # fmt: skip


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_told_in_one_line_before_anything_is_trained(message, tmp_path, capsys):
    assert refused(capsys, *BAD[message], f"study={tmp_path / 'new'}").startswith(message)
    assert not (tmp_path / "new").exists()


def test_paths_and_words_are_taken_as_they_are():
    asked = read_arguments(["study=2026-07-01", "grid=on", "metric=a #b", "score=final"])
    assert (asked.options.study, asked.options.grid, asked.options.metric) == ("2026-07-01", "on", "a #b")
    assert read_arguments(["study=1"]).options.study == "1"
    assert read_arguments(["study=null", "presets=true"]).options.study is None
    assert read_arguments(["score={"]).options.score == "{"
    with pytest.raises(InputError, match=r"presets={: expected: a valid boolean"):
        read_arguments(["presets={"])
    with pytest.raises(InputError, match=r"\+iterations=3: a study decides this; expected: budget=STEPS"):
        read_arguments(["+iterations=3"])


def test_going_on_with_a_study_says_nothing_that_it_has_decided(study, tmp_path, capsys):
    before = {path: path.stat().st_mtime_ns for path in study.rglob("*")}
    for told, first in (
        (("network=shared64x64", "budget.cartpole=1k"), "network=shared64x64"),
        (("budget.cartpole=1k",), "budget.cartpole=1000"),
        (("space.ppo.gamma=null",), "space.ppo.gamma=null"),
        ((f"--config-dir={tmp_path}",), f"--config-dir={tmp_path}"),
    ):
        assert f"{first}: the study in {study} has decided this" in refused(capsys, f"study={study}", *told)
    assert {path: path.stat().st_mtime_ns for path in study.rglob("*")} == before


def test_presets_are_checked_before_anything_trains(tmp_path, capsys):
    asked = ("algo=ppo", "env=cartpole", *SMALL, NO_LENGTHS[1], f"study={tmp_path / 'new'}", "--dry-run")
    message = refused(capsys, *asked, "presets=true")
    assert message.startswith("presets=true: a rollout of experiment=cartpole/ppo has ")
    assert tune(*asked[:-2], "presets=true", "test_seeds=0", *asked[-2:]) == 0


def test_a_preset_may_be_of_the_users_own_options(tmp_path):
    for folder in ("algo", "space", "experiment/cartpole"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "algo" / "mine.yaml").write_text("defaults:\n  - ppo\n  - _self_\nname: mine\n")
    (tmp_path / "space" / "mine.yaml").write_text("algo: {clip_coef: {type: float, low: 0.1, high: 0.3}}\n")
    plan = make_plan(read_arguments(["algo=mine", "env=cartpole", "budget=100k", "presets=true"]), str(tmp_path))
    assert preset(plan, plan.cells[0])["algo"]["name"] == "mine"
    own = "# @package _global_\ndefaults:\n  - override /algo: mine\n  - override /env: cartpole\ngamma: 0.5\n"
    (tmp_path / "experiment" / "cartpole" / "mine.yaml").write_text(own)
    assert preset(plan, plan.cells[0])["gamma"] == 0.5


@pytest.mark.skipif(torch.cuda.is_available(), reason="cuda is on this machine")
def test_a_launchers_machines_may_have_devices_that_this_one_has_not(tmp_path, capsys):
    asked = (*TWO, "device=cuda", f"study={tmp_path / 'new'}", "--dry-run")
    assert refused(capsys, *asked).startswith("device=cuda: not on this machine")
    assert tune(*asked, "launcher=submitit_slurm") == 0


def test_a_frozen_winner_keeps_no_logger(tmp_path):
    given = ["algo=a2c", "env=cartpole", "logger=wandb", "gamma=0.9"]
    freeze(tmp_path, None, "tuned/x", composed_config(given), given, "note")
    assert composed_config(["experiment=tuned/x"], tmp_path)["logger"] is None
    assert composed_config(["experiment=tuned/x"], tmp_path)["gamma"] == 0.9
    assert not is_kept("logger.project=mine")


def test_a_variant_without_a_space_says_where_one_is_looked_for(tmp_path, capsys):
    (tmp_path / "algo").mkdir()
    (tmp_path / "algo" / "mine.yaml").write_text(
        "defaults:\n  - ppo\n  - _self_\nname: mine\n_target_: tests.sweeps.test_tune.Mine\n"
    )
    message = refused(capsys, "algo=mine", "env=cartpole", f"--config-dir={tmp_path}", f"study={tmp_path / 'new'}")
    assert message.startswith(
        "algo=mine: has no search space; expected: space/mine.yaml in --config-dir DIR, or one of a2c"
    )


def test_a_variant_of_ones_own_is_tuned_in_a_space_of_ones_own(tmp_path, no_report):
    for folder in ("algo", "space"):
        (tmp_path / folder).mkdir()
    (tmp_path / "algo" / "mine.yaml").write_text("defaults:\n  - ppo\n  - _self_\nname: mine\n")
    (tmp_path / "space" / "mine.yaml").write_text("algo: {clip_coef: {type: float, low: 0.1, high: 0.3}}\n")
    study = tmp_path / "study"
    assert tune("algo=mine", "env=cartpole", *SMALL, "trials=2", f"--config-dir={tmp_path}", f"study={study}") == 0
    table = pd.read_csv(study / "trials.csv").groupby("trial")["algo.clip_coef"].first()
    assert table.between(0.1, 0.3).all()
    won = table[pd.read_csv(study / "winners.csv")["trial"].item()]
    assert composed_config(["experiment=tuned/cartpole/mine"], tmp_path)["algo"]["clip_coef"] == won


@pytest.mark.slow
def test_one_setting_for_all_tasks_wins_on_every_task(tmp_path):
    tasks = ("env=cartpole,mountain_car", "env.max_episode_steps=30", "space.a2c.num_steps=null", "test_seeds=0")
    assert tune("algo=a2c", *tasks, *SMALL[:-1], "trials=3", "scope=all_tasks", f"study={tmp_path}") == 0
    assert pd.read_csv(tmp_path / "winners.csv")["trial"].nunique() == 1
    trials = pd.read_csv(tmp_path / "trials.csv")
    assert (trials.groupby("trial")["algo.optimiser.learning_rate"].nunique() == 1).all()
    assert "One setting for all tasks" in (tmp_path / "report" / "README.md").read_text()


def test_seeds_of_both_kinds_in_one_run_are_refused():
    validate(composed_config(["seed=1000000", "num_seeds=4"]))
    with pytest.raises(InputError, match=r"seed=999999, num_seeds=2: seeds for tuning .*; expected: one kind"):
        validate(composed_config(["seed=999999", "num_seeds=2"]))


@given(seed=some.integers(0, 2**31), number=some.integers(0, 10**6))
def test_a_drawn_setting_depends_on_nothing_else_in_the_space(seed, number):
    space = SPACES["ppo"]
    whole = draw(space, seed, "ppo", number)
    for key, distribution in space.items():
        assert draw({key: distribution}, seed, "ppo", number) == {key: whole[key]}


SPACES = {name: find_space(name, name, [], None) for name in ("ppo",)}


TUNED = ["reinforce", "a2c", "npg", "trpo", "ppo", "ppo_penalty"]
TASKS = ["cartpole", "pendulum", "swingup", "acrobot", "mountain_car"]


@pytest.mark.parametrize(
    ("variant", "env"),
    [
        pytest.param(variant, env, marks=[] if (i - j) % len(TASKS) == 0 else pytest.mark.slow)
        for i, variant in enumerate(TUNED)
        for j, env in enumerate(TASKS)
    ],
)
def test_a_space_is_shipped_for_every_variant_and_fits_every_task(variant, env, tmp_path):
    assert tune(f"algo={variant}", f"env={env}", f"study={tmp_path / 'new'}", "--dry-run") == 0


def test_a_grid_by_hand_has_its_winner_trained_on_fresh_seeds(tmp_path, no_report, capsys):
    sweep = tmp_path / "sweep"
    sizes = ("threads=1", "num_envs=2", "num_steps=8", "critic.update_epochs=2", "iterations=3", "num_seeds=2")
    overrides = ("algo=a2c", "algo.optimiser.learning_rate=0.001,0.01", *sizes, f"hydra.sweep.dir={sweep}")
    assert run("sweeps.train", "-m", *overrides).status == 0
    assert "test_seed=1: seed 1 chose the settings" in refused(capsys, f"grid={sweep}", "test_seeds=3", "test_seed=1")
    assert tune(f"grid={sweep}", "test_seeds=3") == 0
    fresh = pd.read_csv(sweep / "tuned" / "fresh.csv")
    assert fresh["seed"].tolist() == [2, 3, 4]
    assert {json.loads(path.read_text())["purpose"] for path in sweep.glob("*-*/run.json")} == {"tuning"}
    assert costs(read_ledger(sweep / "tuned" / "ledger.csv"))["total"].tolist() == [2 * 2 * 48 + 3 * 48]
    experiment = composed_config(["experiment=tuned/CartPole-v1/a2c"], sweep / "tuned" / "conf")
    assert experiment["num_steps"] == 8


@pytest.mark.slow
def test_optuna_searches_by_batches_that_follow_from_what_came_before(tmp_path, no_report, capsys):
    pytest.importorskip("optuna")
    asked = ("algo=a2c", "env=cartpole", *SMALL, "space.a2c.num_steps=null", "test_seeds=0", "sampler=tpe", "trials=12")
    for name in ("one", "two"):
        assert tune(*asked, f"study={tmp_path / name}") == 0
    one, two = (pd.read_csv(tmp_path / name / "trials.csv") for name in ("one", "two"))
    pd.testing.assert_frame_equal(one, two)
    assert len(one) == 12 * 2
    assert tune(*asked[:-1], "trials=13", f"study={tmp_path / 'one'}") == 0
    assert len(pd.read_csv(tmp_path / "one" / "trials.csv")) == 13 * 2
    (tmp_path / "three").mkdir()
    (tmp_path / "three" / "journal.log").write_bytes((tmp_path / "one" / "journal.log").read_bytes())
    message = refused(capsys, *asked, "seed=7", f"study={tmp_path / 'three'}")
    assert "the journal of another study" in message


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["joblib", pytest.param("ray", marks=pytest.mark.ray)])
def test_several_processes_share_a_study(study, tmp_path, launcher):
    asked = (*TWO, "trials=3", f"study={tmp_path / 'shared'}", f"launcher={launcher}", "workers=2")
    command = Command("tests.sweeps.tune_without_report", *asked)
    assert command.wait().status == 0
    ledger = read_ledger(tmp_path / "shared" / "ledger.csv")
    assert not ledger["run"].duplicated().any()
    assert not ledger["process"].str.endswith(f":{command.process.pid}").any()  # the workers did it all
    one, other = (pd.read_csv(path / "trials.csv") for path in (study, tmp_path / "shared"))
    pd.testing.assert_frame_equal(one[one["trial"] < 3].reset_index(drop=True), other)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_study_that_is_killed_at_ten_moments_ends_as_if_it_had_not_been(tmp_path, sampler):
    """The trials of the first variant write 200 rows, those of the second too, and the winners 100."""
    if sampler == "tpe":
        pytest.importorskip("optuna")
    asked = (*TWO, "budget=800", "trials=4", "checkpoint_interval=3", f"sampler={sampler}")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert run("tests.sweeps.tune_without_report", *asked, f"study={whole}").status == 0
    moments = [3, 67, 40, 5, 80, 31, 60, 9, 75, 50]
    for more in moments:
        command = Command("tests.sweeps.tune_without_report", *asked, f"study={killed}")
        wait_for_rows(killed, command, more)
        command.signal_group(signal.SIGKILL)
        assert command.wait().status == -signal.SIGKILL
    assert run("tests.sweeps.tune_without_report", *asked, f"study={killed}").status == 0
    for name in ("trials.csv", "winners.csv", "fresh.csv"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    ledgers = {path: read_ledger(path / "ledger.csv") for path in (whole, killed)}
    trained = {path: ledger[ledger["event"] == TRAINED] for path, ledger in ledgers.items()}
    assert not trained[killed]["run"].duplicated().any()
    columns = ["run", "purpose", "seeds", "env_steps"]
    first, second = (rows[columns].sort_values("run", ignore_index=True) for rows in trained.values())
    pd.testing.assert_frame_equal(first, second)
    lost = ledgers[killed][ledgers[killed]["event"] == LOST]
    assert len(lost)
    assert lost["env_steps"].sum() <= len(moments) * 20 * (3 + 1) * 2 * 16


def wait_for_rows(study: Path, command: Command, more: int) -> None:
    """Until some more iterations were written than there were, or the command has ended."""
    before = rows_written(study)
    while command.process.is_alive() and rows_written(study) < before + more:
        time.sleep(0.01)


def rows_written(study: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in study.rglob("timing.csv"))


def test_waiting_for_another_process_forms_no_new_groups(tmp_path, monkeypatch):
    trials = random_trials(make_plan(read_arguments(TWO), None), tmp_path)[:2]
    formed: list[int] = []
    monkeypatch.setattr(workshop, "groups", lambda jobs: formed.append(len(jobs)) or groups(jobs))
    monkeypatch.setattr(workshop, "train_together", lambda jobs: [finish(job.directory) for job in jobs])
    with ExitStack() as others:
        for trial in trials:
            lock = tmp_path / ".locks" / trial.directory.relative_to(tmp_path)
            lock.parent.mkdir(parents=True, exist_ok=True)
            fcntl.flock(others.enter_context(lock.open("a")), fcntl.LOCK_EX)
        waits = iter([lambda: None, lambda: finish(trials[0].directory), lambda: None, others.close])
        monkeypatch.setattr(time, "sleep", lambda seconds: next(waits)())
        workshop.Workshop(tmp_path).do_trials(trials)
    assert formed == [2, 1]  # at first, and once the other process has ended one


def test_a_launcher_starts_workers_which_leave_a_finished_study_as_it_is(study, monkeypatch):
    commands: list[list[str]] = []

    def start(command: list[str], env: dict[str, str], check: bool) -> subprocess.CompletedProcess:
        assert env["PYTHONSAFEPATH"] == "1"
        commands.append(command)
        return subprocess.CompletedProcess(command, len(commands) - 1)

    monkeypatch.setattr(subprocess, "run", start)
    launch(study, "joblib", 2, ["hydra.launcher.n_jobs=2"])
    with pytest.raises(InputError, match="launcher=joblib: its workers ended with status 1; expected: 0"):
        launch(study, "joblib", 2, [])
    assert {"worker=0,1", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"} <= set(commands[0])
    before = {path: path.read_bytes() for path in study.rglob("*.csv")}
    work(OmegaConf.create({"directory": str(study), "worker": 0}))
    assert {path: path.read_bytes() for path in study.rglob("*.csv")} == before


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_optuna_asks_for_each_trial_once_also_where_trials_fail(sampler, tmp_path, monkeypatch):
    pytest.importorskip("optuna")
    from sweeps.tune.optuna_search import OptunaSearch

    batches: list[int] = []
    monkeypatch.setattr(workshop.Workshop, "do_trials", lambda self, trials: batches.append(len(trials)))
    plan = make_plan(read_arguments([*ONE, f"sampler={sampler}", "trials=10"]), None)
    search = OptunaSearch(plan, tmp_path)
    assert search.trials() == []
    search.do_all(workshop.Workshop(tmp_path))
    assert batches == [8, 2]
    asked = search.trials()
    assert [trial.number for trial in asked] == list(range(10))
    for trial in asked:
        for key, space in plan.spaces["ppo"].items():
            assert 0.0 <= space.unit(trial.settings[key]) <= 1.0
    again = OptunaSearch(plan, tmp_path)
    again.do_all(workshop.Workshop(tmp_path))
    assert batches == [8, 2]
    assert again.trials() == asked


def finish(directory: Path) -> None:
    """Leave what tells that a run has ended."""
    (directory / ".hydra").mkdir(parents=True, exist_ok=True)
    (directory / ".hydra" / "config.yaml").write_text("{num_envs: 2, num_steps: 8, num_seeds: 2}")
    (directory / "progress.csv").write_text("seed,env_steps\n0,16\n")
    info = {"status": "complete", "progress": {}, "iterations": 1, "env_id": "CartPole-v1", "seeds": [0, 1]}
    (directory / "run.json").write_text(json.dumps(info))
