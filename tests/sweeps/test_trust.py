"""Studies from elsewhere: what their files name is imported only where they are trusted."""

import json
import sys
from pathlib import Path

import pytest

from sweeps import resume

CODE = "tests_untrusted:code"


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    """A module that must not be imported."""
    (tmp_path / "tests_untrusted.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    assert "tests_untrusted" not in sys.modules


def refusal(capsys, directory: Path, name: str, content: object) -> str:
    """What ``seedbed resume`` says of a directory with this file."""
    directory.mkdir()
    (directory / name).write_text(json.dumps(content))
    with pytest.raises(SystemExit) as ended:
        resume.main([str(directory)])
    assert ended.value.code == 2
    return capsys.readouterr().err


TUNING = {
    "score": {"score": CODE},
    "env.id": {"spaces": {"ppo": {"env.id": {"type": "categorical", "choices": ["CartPole-v1", CODE]}}}},
    "algo._target_": {"spaces": {"ppo": {"algo._target_": {"type": "categorical", "choices": ["tests_untrusted.A"]}}}},
    "algo": {"algo": ["{_target_:tests_untrusted.A}"]},
    "env.module": {"overrides": ["env.module=tests_untrusted"]},
    "--config-dir": {"config_dir": "/elsewhere"},
}


@pytest.mark.parametrize("key", TUNING)
def test_a_study_of_tuning_that_names_code_is_refused(key, tmp_path, capsys):
    said = refusal(capsys, tmp_path / "study", "study.json", {"score": "final"} | TUNING[key])
    assert f"names code to import ({key}=" in said
    assert "--trust" in said


def test_a_run_of_a_grid_that_names_code_is_refused(tmp_path, capsys):
    run = tmp_path / "grid" / "run"
    (run / ".hydra").mkdir(parents=True)
    info = {"algo": "a2c", "env_id": CODE, "seeds": [0], "status": "complete", "progress": {}, "iterations": 1}
    (run / "run.json").write_text(json.dumps(info))
    (run / ".hydra" / "config.yaml").write_text(f"env: {{id: '{CODE}'}}\n")
    said = refusal(capsys, tmp_path / "study", "study.json", {"score": "final", "grid": str(tmp_path / "grid")})
    assert f"names code to import (env.id={CODE})" in said


PLANNED = {
    "score": {"plan": {"score": CODE, "tasks": {"cartpole": []}}},
    "env.id": {"plan": {"tasks": {"id": ["env.{task}=" + CODE]}}},
    "env": {"plan": {"tasks": {"a": []}, "variants": {"a2c": ["env={id:" + CODE + "}"]}}},
    "env.module": {"plan_now": {"tasks": {"a": []}, "overrides": ["env.module=tests_untrusted"]}},
    "algo._target_": {"plan": {"tasks": {"a": []}}, "tuned": {"a": {"a2c": ["algo._target_=tests_untrusted.A"]}}},
}


@pytest.mark.parametrize("key", PLANNED)
def test_a_planned_study_that_names_code_is_refused_before_its_plan_is_made(key, tmp_path, capsys):
    said = refusal(capsys, tmp_path / "study", "record.json", PLANNED[key])
    assert f"names code to import ({key}=" in said
