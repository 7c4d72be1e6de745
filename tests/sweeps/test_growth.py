"""A run that has ended, or that was stopped, gets more iterations: the bytes of one that was that long all along."""

import json
from pathlib import Path

import pytest

from analysis.run_format import INFO, PROGRESS, read_config
from sweeps.training import EXIT_STATUS, train
from tests.composing import plain
from tests.sweeps.command import sizes


def trained(directory: Path, *overrides: str) -> int:
    content = plain(*sizes("ppo"), "num_seeds=3", "checkpoint_interval=4", *overrides)
    return train(content, directory, {"overrides": list(overrides)})


def info(directory: Path) -> dict:
    return json.loads((directory / INFO).read_text())


@pytest.mark.parametrize("algo", ["ppo", "a2c", "trpo"])
def test_a_complete_run_grows_to_the_bytes_of_a_longer_one(algo, tmp_path):
    assert trained(tmp_path / "long", f"algo={algo}", "iterations=12") == 0
    assert trained(tmp_path / "grown", f"algo={algo}", "iterations=5") == 0
    assert trained(tmp_path / "grown", f"algo={algo}", "iterations=12", "resume=true") == 0
    long, grown = (tmp_path / name for name in ("long", "grown"))
    assert (grown / PROGRESS).read_bytes() == (long / PROGRESS).read_bytes()
    assert read_config(grown)["iterations"] == info(grown)["iterations"] == 12
    assert info(grown)["progress"] == info(long)["progress"]
    assert info(grown)["config_hash"] == info(long)["config_hash"]
    assert info(grown)["status"] == "complete"
    assert info(grown)["resumed"][0]["iteration"] == 5


@pytest.mark.slow
def test_environments_may_move_to_worker_processes_and_back_on_resume(tmp_path, capsys):
    task = ("env.id=Acrobot-v1", "env.max_episode_steps=13")
    tables = {}
    for first, then in (("sync", "sync"), ("sync", "async"), ("async", "sync")):
        directory = tmp_path / f"{first}-{then}"
        assert trained(directory, *task, "iterations=3", f"env.vectorization={first}") == 0
        assert trained(directory, *task, "iterations=6", f"env.vectorization={then}", "resume=true") == 0
        assert info(directory)["resumed"][0]["episodes"] == "fresh"
        tables[first, then] = (directory / PROGRESS).read_bytes()
    assert len(set(tables.values())) == 1
    assert trained(directory, *task, "iterations=9", "env.vectorization=auto", "resume=true") == EXIT_STATUS["refused"]
    assert "env.vectorization='async', now 'auto'" in capsys.readouterr().err


@pytest.mark.slow
def test_evaluations_grow_where_the_last_one_was_due_anyway(tmp_path, capsys):
    evaluated = ("evaluation.interval=2", "evaluation.episodes=2", "env.max_episode_steps=50")
    assert trained(tmp_path / "long", "iterations=8", *evaluated) == 0
    assert trained(tmp_path / "grown", "iterations=4", *evaluated) == 0
    assert trained(tmp_path / "grown", "iterations=8", "resume=true", *evaluated) == 0
    assert (tmp_path / "grown" / PROGRESS).read_bytes() == (tmp_path / "long" / PROGRESS).read_bytes()
    assert trained(tmp_path / "odd", "iterations=3", *evaluated) == 0
    assert trained(tmp_path / "odd", "iterations=8", "resume=true", *evaluated) == EXIT_STATUS["refused"]
    assert "evaluation.interval=2: the run in" in capsys.readouterr().err


@pytest.mark.parametrize("change", [("iterations=3",), ("iterations=8", "algo.optimiser.schedule=linear")])
def test_a_run_does_not_shrink_and_grows_in_nothing_else(change, tmp_path, capsys):
    assert trained(tmp_path, "iterations=4") == 0
    before = (tmp_path / PROGRESS).read_bytes()
    assert trained(tmp_path, *change, "resume=true") == EXIT_STATUS["refused"]
    assert "holds a run of another config" in capsys.readouterr().err
    assert (tmp_path / PROGRESS).read_bytes() == before
    assert info(tmp_path)["status"] == "complete"
