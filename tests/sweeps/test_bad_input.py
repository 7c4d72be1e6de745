"""Whatever a user gets wrong ends the command with one line that says what, and touches nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from algos.envs.errors import TaskError
from sweeps import resume, status
from sweeps.errors import InputError, one_line
from sweeps.jobs import check_jobs
from tests.composing import plain
from tests.sweeps.command import files_below, refusal, sizes, train

BAD_VALUES = {
    "num_seeds=-1": ("num_seeds=-1", "greater than or equal to 1"),
    "num_seeds=0": ("num_seeds=0", "greater than or equal to 1"),
    "seed=-3": ("seed=-3", "greater than or equal to 0"),
    "gamma=1.5": ("gamma=1.5", "less than or equal to 1"),
    "gamma=abc": ("gamma='abc'", "valid number"),
    "gamma=null": ("gamma=None", "valid number"),
    "num_steps=0": ("num_steps=0", "greater than or equal to 1"),
    "num_steps=2.5": ("num_steps=2.5", "integer"),
    "algo.num_minibatches=7": ("algo.num_minibatches=7", "must divide num_envs * num_steps = 2 * 8 = 16"),
    "critic.num_minibatches=3": ("critic.num_minibatches=3", "must divide"),
    "algo.optimiser.learning_rate=nan": ("algo.optimiser.learning_rate=nan", "finite number"),
    "algo.optimiser.learning_rate=-0.1": ("algo.optimiser.learning_rate=-0.1", "greater than 0"),
    "algo.optimiser._target_=algos.core.optimiser.SGD": ("algo.optimiser._target_", "has no SGD"),
    "algo.name=trpo": ("algo.name='trpo'", "taken by algos.trpo"),
    "policy.hidden=[64,0]": ("policy.hidden", "greater than or equal to 1"),
    "dtype=float16": ("dtype='float16'", "'float32' or 'float64'"),
    "checkpoint_interval=0": ("checkpoint_interval=0", "greater than or equal to 1"),
    "resume=perhaps": ("resume='perhaps'", "boolean"),
    "+momentum=0.9": ("momentum=0.9", "unknown key"),
    "+algo.momentum=0.9": ("algo.momentum=0.9", "unknown key"),
    "~gamma": ("gamma", "missing"),
    "gamma=${nothing}": ("gamma", "nothing"),
    "device=tpu": ("device=tpu", "expected: cpu"),
    "device=cuda:99": ("device=cuda:99", "expected: cpu"),
    "env.id=CartPole-v9": ("CartPole-v9", "did you mean CartPole-v"),
    "env.id=Nonsense-v0": ("Nonsense-v0", "registered"),
    "env.module=no_such_module": ("no_such_module", "imported"),
    "env.vectorization=threads": ("env.vectorization='threads'", "'sync'"),
}


def refused(overrides: tuple[str, ...], directory: Path) -> str:
    """The line by which the check of a command's jobs refuses one."""
    with pytest.raises((InputError, TaskError)) as refused:
        check_jobs([(plain(*overrides), directory)], "basic")
    assert not directory.exists()
    return one_line(refused.value)


@pytest.mark.parametrize("override", BAD_VALUES)
def test_a_bad_value_is_refused_in_one_line(override, tmp_path):
    told = refused((*sizes("ppo"), override), tmp_path / "run")
    assert all(words in told for words in BAD_VALUES[override])


OF_EACH_KIND = (
    *("num_seeds=0", "gamma=abc", "resume=perhaps", "+algo.momentum=0.9", "gamma=${nothing}", "device=tpu"),
    *("algo.num_minibatches=7", "algo.optimiser._target_=algos.core.optimiser.SGD", "algo.name=trpo"),
    *("env.id=Nonsense-v0", "env.module=no_such_module"),
)
"""A range, a type, an option of the run, an unknown key, Hydra's own, the machine, two keys, a class, a name, a task, a
module."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "override",
    [pytest.param(each, marks=[] if each in OF_EACH_KIND else pytest.mark.study) for each in BAD_VALUES],
)
def test_a_bad_value_ends_the_command_before_anything_is_written(override, tmp_path):
    directory = tmp_path / "run"
    ended = train(*sizes("ppo"), override, f"hydra.run.dir={directory}")
    assert ended.is_refusal(), ended
    assert ended.err == f"error: {refused((*sizes('ppo'), override), directory)}\n"
    assert not directory.exists()


@pytest.mark.parametrize(
    ("algo", "overrides", "words"),
    [
        ("npg", ("algo.fisher_fraction=0",), "algo.fisher_fraction=0: expected: greater than 0"),
        ("trpo", ("algo.fisher_fraction=1.5",), "algo.fisher_fraction=1.5: expected: less than or equal to 1"),
        ("npg", ("algo.kl_coef=3",), "algo.max_kl=0.01, algo.kl_coef=3.0: "),
        ("npg", ("algo.max_kl=null",), "algo.max_kl=None, algo.kl_coef=None: "),
        ("npg", ("critic=joint",), "algo=npg makes no gradient steps"),
        ("ppo", ("critic=joint", "estimator=post"), "estimator.values_after_fit=True: critic=joint"),
        ("reinforce", ("algo.baseline=perhaps",), "algo.baseline='perhaps'"),
        ("ppo_penalty", ("algo.kl_coef=0",), "algo.kl_coef=0: expected: greater than 0"),
        ("ppo_penalty", ("algo.target_kl=-0.01",), "algo.target_kl=-0.01: expected: greater than 0"),
        ("ppo_penalty", ("algo.num_minibatches=7",), "algo.num_minibatches=7: must divide"),
    ],
)
def test_bad_values_of_the_variants_are_refused(algo, overrides, words, tmp_path):
    assert words in refused((f"algo={algo}", *overrides), tmp_path / "run")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("algo=pppo", "algo=pppo: no such option; did you mean ppo? expected: a2c, "),
        ("env=atari", "env=atari: no such option; expected: acrobot, "),
        ("experiment=cartpole", "experiment=cartpole: a group of options; expected: cartpole/a2c, cartpole/npg, "),
        ("gama=0.9", "gama=0.9: unknown key; did you mean gamma? "),
        ("algo.clip=0.1", "algo.clip=0.1: unknown key; did you mean algo.clip_coef? "),
        ("nosuch=1", "nosuch=1: unknown key; expected: a key that seedbed train --help lists"),
        ("gamma=[", "gamma=[: not an override ("),
    ],
)
def test_what_hydra_refuses_is_told_in_one_line(override, words):
    with pytest.raises(InputError) as told:
        plain(*sizes("ppo"), override)
    assert words in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("algo=pppo", "algo=pppo: no such option; did you mean ppo? expected: a2c, "),
        pytest.param("gama=0.9", "gama=0.9: unknown key; did you mean gamma? ", marks=pytest.mark.slow),
        pytest.param("gamma=[", "gamma=[: not an override (", marks=pytest.mark.slow),
    ],
)
def test_what_hydra_refuses_ends_the_command(override, words, tmp_path):
    for mode in ("hydra.mode=RUN", "hydra.mode=MULTIRUN"):
        ended = train(*sizes("ppo"), override, mode, f"hydra.run.dir={tmp_path}/a", f"hydra.sweep.dir={tmp_path}/b")
        assert ended.is_refusal(), ended
        assert words in ended.err
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "value",
    [
        "0.9,0.8",
        "interval(0.1,0.9)",
        *(pytest.param(value, marks=pytest.mark.slow) for value in ("choice(0.9,0.8)", "interval()", "range(1")),
    ],
)
def test_what_is_no_single_value_is_refused_in_one_line(value, tmp_path):
    for mode in ("hydra.mode=RUN", "hydra.mode=MULTIRUN"):
        if mode.endswith("MULTIRUN") and value in ("0.9,0.8", "choice(0.9,0.8)"):
            continue
        ended = train(*sizes("ppo"), f"gamma={value}", mode, f"hydra.run.dir={tmp_path}/a")
        assert ended.is_refusal(), ended
        assert f"gamma={value}" in ended.err


def test_a_task_whose_spaces_are_not_supported_is_refused(tmp_path):
    module = ("env.module=tests.sweeps.faulty_tasks", "env.id=seedbed-tests/TextActions-v0")
    ended = train(*sizes("ppo"), *module, f"hydra.run.dir={tmp_path}/run")
    assert ended.is_refusal()
    assert "TextActions-v0" in ended.err
    assert not (tmp_path / "run").exists()


def test_a_directory_that_holds_a_run_is_refused_and_left_alone(tmp_path):
    directory = tmp_path / "run"
    command = (*sizes("a2c"), "iterations=2", f"hydra.run.dir={directory}")
    assert train(*command).status == 0
    before = files_below(tmp_path)
    ended = train(*command)
    assert ended.is_refusal()
    assert str(directory) in ended.err
    assert "resume=true" in ended.err
    assert files_below(tmp_path) == before


@pytest.mark.parametrize("mode", ["run", pytest.param("sweep", marks=pytest.mark.slow)])
def test_a_directory_that_cannot_be_written_is_refused(mode, tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "locked").mkdir(mode=0o555)
    places = [tmp_path / "file", tmp_path / "file" / "below", Path("/proc/seedbed")]
    if os.geteuid() != 0:  # nothing is read-only for root
        places.append(tmp_path / "locked" / "run")
    for place in places:
        flags = ["--multirun"] if mode == "sweep" else []
        ended = train(*flags, *sizes("a2c"), "iterations=1", f"hydra.{mode}.dir={place}")
        assert ended.is_refusal(), ended
        assert str(place) in ended.err
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (("gamma=0.9,1.5",), "gamma=1.5"),
        (("gamma=0.9,0.8", "hydra.sweep.subdir=same"), "shared by several jobs"),
        pytest.param(("env.id=CartPole-v1,Nonsense-v0",), "Nonsense-v0", marks=pytest.mark.slow),
        pytest.param(("gamma=0.9,0.8", "device=tpu"), "device=tpu", marks=pytest.mark.slow),
    ],
)
def test_every_job_of_a_sweep_is_checked_before_the_first_starts(overrides, words, tmp_path):
    ended = train("--multirun", *sizes("a2c"), *overrides, "iterations=1", f"hydra.sweep.dir={tmp_path}/sweep")
    assert ended.is_refusal(), ended
    assert words in ended.err
    assert not (tmp_path / "sweep").exists()


@pytest.mark.slow
def test_a_sweep_does_not_mix_with_another_in_its_directory(tmp_path):
    command = ("--multirun", *sizes("a2c"), "iterations=1", f"hydra.sweep.dir={tmp_path}")
    assert train(*command, "gamma=0.9,0.8").status == 0
    before = files_below(tmp_path)
    for change in (("gamma=0.9",), ("gamma=0.9,0.8", "iterations=2"), ("gamma=0.9,0.7", "resume=true")):
        ended = train(*command, *change)
        assert ended.is_refusal(), ended
    assert "gamma=0.8, now 0.7" in ended.err
    assert files_below(tmp_path) == before
    assert train(*command, "gamma=0.9,0.8,0.7", "resume=true").status == 0


@pytest.mark.parametrize("command", [resume, status])
def test_commands_that_read_a_directory_refuse_one_that_is_none(command, tmp_path, capsys):
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "run.json").write_text('{"status": "run')
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "run.json").write_text("[1]")
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "sweep.json").write_text('{"jobs": 3}')
    (tmp_path / "file").write_text("mine")
    for name in ("absent", "torn", "list", "sweep", "file"):
        assert str(tmp_path / name) in refusal(command.main, capsys, tmp_path / name)


@pytest.mark.slow
def test_the_module_runs_as_a_command(tmp_path):
    command = [sys.executable, "-m", "sweeps.train", "gamma=1.5", f"hydra.run.dir={tmp_path}/run"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "error: gamma=1.5: expected: less than or equal to 1\n"
