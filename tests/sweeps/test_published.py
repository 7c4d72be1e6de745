"""The page that puts presets beside published results, from evaluations made up by hand and from a tiny study."""

import numpy as np
import pandas as pd
import pytest

from sweeps import published
from sweeps.published import CLASSIC, METRIC, MUJOCO, Published, classic_row, evaluations, mujoco_row, page
from tests.composing import composed


def rows(name: str, returns: np.ndarray, env_steps: tuple[int, ...]) -> pd.DataFrame:
    """Evaluations with these returns [seeds, evaluations]."""
    seed, index = (axis.ravel() for axis in np.indices(returns.shape))
    columns = {"run": name, "seed": seed, "env_steps": np.array(env_steps)[index], METRIC: returns.ravel()}
    return pd.DataFrame(columns | {"eval_return_stochastic": returns.ravel()})


@pytest.mark.parametrize("study", [*CLASSIC, *MUJOCO], ids=lambda study: study.name)
def test_runs_are_of_the_variant_and_task_that_was_published(study):
    config = composed(*study.run.command_line)
    assert study.name.endswith(f"-{config.algo.name}")
    assert config.env.id == study.env_id
    assert config.num_seeds >= (10 if study.spread is None else 5)
    steps = config.iterations * config.num_envs * config.num_steps
    if study.spread is not None:
        assert steps == pytest.approx(1e6, rel=0.001)
        interval = config.evaluation.interval * config.num_envs * config.num_steps
        assert interval == pytest.approx(30_000, rel=0.03)


def test_classic_control_by_hand():
    """The last evaluation counts, and the interval decides."""
    study = CLASSIC[0]
    returns = np.column_stack([np.full(10, 500.0), np.linspace(480.0, 498.0, 10)])
    task, experiment, theirs, ours, seeds, lowest, verdict = classic_row(study, rows(study.name, returns, (100, 2000)))
    assert (task, experiment, theirs) == ("CartPole-v1", "cartpole/a2c", "500.0 (500k)")
    assert ours.startswith("489.0 [")
    assert ours.endswith("] (2k)")
    assert (seeds, lowest, verdict) == ("10", "480.0", "no")
    better = rows(study.name, np.full((10, 1), 500.0), (100,))
    assert classic_row(study, better)[-1] == "yes"


def test_mujoco_by_hand():
    """The evaluation with the best mean over seeds, and the deviation over seeds there."""
    study = MUJOCO[0]  # 1830 ± 1068
    returns = np.array([[0.0, 700.0, 100.0], [0.0, 800.0, 900.0]])
    row = mujoco_row(study, rows(study.name, returns, (1, 2, 3)))
    assert row[2:5] == ["1830 ± 1068", "750 ± 71", "2"]
    assert row[5].startswith("500.0 [")
    assert row[6] == "no"
    assert mujoco_row(study, rows(study.name, returns + 100.0, (1, 2, 3)))[6] == "yes"  # 850 is above 1830 − 1068


def test_a_study_from_training_to_the_page(tmp_path, monkeypatch, capsys):
    tiny = ("num_envs=2", "num_steps=32", "iterations=2", "threads=1")
    own = ("evaluation.interval=1000000", "evaluation.episodes=2", *tiny)
    study = Published("cartpole-trpo", "cartpole/trpo", "CartPole-v1", 500.0, None, "100k", own, num_seeds=2)
    monkeypatch.setattr(published, "CLASSIC", [study])
    monkeypatch.setattr(published, "STUDIES", {"classic": [study]})
    arguments = ["--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]
    for more in ([], ["--from-data"]):
        with pytest.raises(SystemExit) as ended:
            published.main([*arguments, *more])
        assert ended.value.code == 0
    text = (tmp_path / "out" / "README.md").read_text()
    assert "| CartPole-v1 | cartpole/trpo | 500.0 (100k) |" in text
    assert "`halfcheetah-ppo`" in text
    table = evaluations([tmp_path / "runs" / "cartpole-trpo"])
    assert list(table["seed"]) == [0, 1]
    assert set(table["env_steps"]) == {128}
    assert page(table) == text


def test_without_data(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        published.main(["--from-data", "--out", str(tmp_path)])
    assert ended.value.code == 2
    assert "no such file" in capsys.readouterr().err
