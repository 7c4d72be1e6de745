"""``seedbed COMMAND``, from whatever directory, and its help."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.run_format import PROGRESS, read_info
from sweeps import ROOT, cli, train_help
from tests.sweeps.command import run, sizes

CONSOLE = "import sys; from sweeps.cli import main; sys.argv[0] = 'seedbed'; main()"

TASK = """
import gymnasium
from gymnasium.envs.classic_control import CartPoleEnv
gymnasium.register("Mine-v0", entry_point=CartPoleEnv, max_episode_steps=30)
"""


def seedbed(directory: Path, *arguments: str, program: str = CONSOLE) -> subprocess.CompletedProcess:
    """The console script as if this checkout were installed: the working directory is not on the path."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_directory_with_folders_of_our_names_and_a_users_own_options_and_tasks(tmp_path):
    for name in ("algos", "analysis", "conf", "sweeps", "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise RuntimeError('imported {name} of the user')\n")
    (tmp_path / "mine.py").write_text(TASK)
    (tmp_path / "conf" / "algo").mkdir()
    (tmp_path / "conf" / "algo" / "own.yaml").write_text((ROOT / "conf" / "algo" / "ppo.yaml").read_text())
    (tmp_path / "conf" / "algo" / "trpo.yaml").write_text("name: not ours\n")
    launcher = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "hydra.sweep.dir=sweep")
    common = ("env.id=mine:Mine-v0", "iterations=2", "num_envs=2", "num_steps=8", "threads=1")
    ended = seedbed(tmp_path, "train", "-m", "--config-dir", "conf", *launcher, "algo=own,trpo", *common)
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    assert "job 1 of 2 (algo=own): ppo on mine:Mine-v0, 1 seed: complete" in ended.stdout
    assert "seedbed compare sweep" in ended.stdout
    statuses = [read_info(path.parent)["status"] for path in (tmp_path / "sweep").glob(f"*/{PROGRESS}")]
    assert statuses == ["complete", "complete"]


@pytest.mark.slow
def test_what_a_sweep_from_elsewhere_names_is_imported_only_where_it_is_trusted(tmp_path):
    module = "tests.sweeps.faulty_tasks"
    task = (f"env.id={module}:seedbed-tests/Faulty-v0", "+env.kwargs.fault=none")
    ended = run("sweeps.train", *sizes("a2c"), *task, "iterations=1", f"hydra.run.dir={tmp_path}/run")
    assert ended.status == 0, ended
    sweep = ("-m", "seed=0,1", f"hydra.sweep.dir={tmp_path}/sweep")
    assert run("sweeps.train", *sizes("a2c"), *task, "iterations=1", *sweep).status == 0
    for command in ("resume", "evaluate", "record"):
        ended = run(f"sweeps.{command}", tmp_path / "run")
        assert ended.is_refusal(), ended
        assert f"env.id={module}:seedbed-tests/Faulty-v0" in ended.err
        assert "--trust" in ended.err
    assert run("sweeps.resume", tmp_path / "sweep").is_refusal()
    for directory in ("run", "sweep"):
        ended = run("sweeps.resume", tmp_path / directory, "--trust", "--iterations", "3")
        assert ended.status == 0, ended
    assert read_info(tmp_path / "run")["iterations"] == 3


@pytest.mark.slow
def test_the_help_of_every_command_needs_no_torch():
    program = """
import sys
from sweeps import cli
for name in cli.COMMANDS:
    try:
        cli.main([name, "--help"])
    except SystemExit as ended:
        assert not ended.code
assert "torch" not in sys.modules
"""
    ended = seedbed(Path.cwd(), program=program)
    assert (ended.returncode, ended.stderr) == (0, "")
    for name in set(cli.COMMANDS) - {"compare"}:
        assert f"usage: seedbed {name} " in ended.stdout


def test_the_help_of_train_has_every_key_with_its_value():
    text = train_help.help_text(["--help", "algo=trpo"])
    for line in ("algo.max_kl=0.01", "num_seeds=1", "critic.optimiser.learning_rate=0.003", "env.id=CartPole-v1"):
        assert f"\n  {line} " in text or f"\n  {line}\n" in text
    assert "algo.clip_coef" not in text
    assert "trpo_sb3" in text


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["trian"])
    assert ended.value.code == 2
    assert "trian" in capsys.readouterr().err
