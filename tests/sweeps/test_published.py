"""The page that puts presets beside published results, from evaluations made up by hand and from a tiny study."""

import numpy as np
import pandas as pd
import pytest

from sweeps import run_page
from sweeps.published import command, presets
from sweeps.published.page import evaluated, evaluations, line, page
from sweeps.published.presets import CLASSIC, FIRST_SEED, LONGER, METRIC, MUJOCO, Published
from tests.composing import composed


def rows(name: str, returns: np.ndarray, env_steps: tuple[int, ...], first: int = FIRST_SEED) -> pd.DataFrame:
    """Evaluations with these returns [seeds, evaluations]."""
    seed, index = (axis.ravel() for axis in np.indices(returns.shape))
    columns = {"run": name, "seed": first + seed, "env_steps": np.array(env_steps)[index], METRIC: returns.ravel()}
    return pd.DataFrame(columns | {"eval_return_stochastic": returns.ravel()})


@pytest.mark.parametrize(
    "study",
    [
        pytest.param(study, id=study.name, marks=[] if number % 4 == 0 else pytest.mark.slow)
        for number, study in enumerate([*CLASSIC, *MUJOCO])
    ],
)
def test_runs_are_on_equal_terms_with_what_was_published(study):
    config = composed(*study.run.command_line)
    assert study.name.endswith(f"-{config.algo.name}")
    assert config.env.id == study.env_id
    assert (config.seed, config.num_seeds) == (FIRST_SEED, 10)
    iteration = config.num_envs * config.num_steps
    assert study.steps - iteration < config.iterations * iteration <= study.steps
    if study.deviation is not None:
        assert config.evaluation.interval * iteration == pytest.approx(30_000, rel=0.03)


def test_longer_runs_have_their_presets_own_length():
    for run in LONGER:
        config = composed(*run.command_line)
        assert config.iterations == composed(f"experiment={run.experiment}").iterations
        assert config.seed == FIRST_SEED


def test_no_step_beyond_the_published_number_counts():
    """The last evaluation within it; for MuJoCo the one with the best mean over seeds."""
    one_run, best_of_many = CLASSIC[0], MUJOCO[0]
    returns = np.array([[100.0, 300.0, 200.0, 900.0], [100.0, 400.0, 200.0, 900.0]])
    for study, expected in ((one_run, [200.0, 200.0]), (best_of_many, [300.0, 400.0])):
        table = rows(study.name, returns, (1, 2, study.steps, study.steps + 1))
        assert evaluated(study, table)[METRIC].tolist() == expected
    assert not len(evaluated(one_run, rows(one_run.name, returns[:, :1], (one_run.steps + 1,))))


def test_a_line_by_hand():
    study = MUJOCO[0]  # 1830 ± 1068 of 10 seeds; the margin is a twentieth of -279 to 12139
    told = line(study, rows(study.name, np.linspace(4000.0, 4900.0, 10)[:, None], (1_000_000,)))
    assert told[:6] == ["HalfCheetah-v5", "mujoco/a2c", "1830 ± 1068 (n=10), 1M", "4450 ± 303 (n=10)", "1M", "10-19"]
    assert told[6].startswith("2620 (")
    assert told[7:] == ["621", "1", "< .001", "not worse"]


def test_the_first_lines_name_what_falls_short_and_what_is_undecided():
    spread = np.linspace(-1.0, 1.0, 10)[:, None]
    good, bad, unsure = CLASSIC[0], MUJOCO[4], MUJOCO[0]
    table = pd.concat([
        rows(good.name, 500.0 + 0 * spread, (good.steps,)),
        rows(bad.name, bad.mean / 3 + spread, (bad.steps,)),
        rows(unsure.name, unsure.mean - 500 + 3000 * spread, (unsure.steps,), first=0),
    ])  # fmt: skip
    first = page(table).splitlines()[:8]
    assert "Of 3 presets, 1 are not worse than what was published." in first
    assert f"**Falls short**: `{bad.experiment}` on {bad.env_id}." in first
    assert f"Undecided: `{unsure.experiment}` on {unsure.env_id}." in first
    assert f"with the old seeds: {unsure.name}." in page(table)


def test_a_study_from_training_to_the_page(tmp_path, monkeypatch, capsys):
    tiny = ("num_envs=2", "num_steps=32", "threads=1", "evaluation.interval=1000000", "evaluation.episodes=2")
    study = Published("cartpole-trpo", "cartpole/trpo", "CartPole-v1", 500.0, 130, overrides=tiny, num_seeds=2)
    monkeypatch.setattr(presets, "CLASSIC", [study])
    arguments = ["--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "out"), "--run", "cartpole-trpo"]
    for more in ([], ["--from-data"]):
        if more:
            monkeypatch.setattr(presets, "composed", None)  # a page is written without a config
        with pytest.raises(SystemExit) as ended:
            command.main([*arguments, *more])
        assert ended.value.code == 0
    text = (tmp_path / "out" / "README.md").read_text()
    assert "| CartPole-v1 | cartpole/trpo | 500, 130 |" in text
    assert "**Falls short**: `cartpole/trpo` on CartPole-v1." in text
    assert "`halfcheetah-ppo`" in text
    table = evaluations(tmp_path / "runs" / "cartpole-trpo")
    assert list(table["seed"]) == [10, 11]
    assert set(table["env_steps"]) == {128}
    assert page(table) == text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--from-data"], "no such file"), (["--run", "pong-dqn"], "one of cartpole-a2c,")],
)
def test_what_cannot_be_is_said_in_one_line(arguments, said, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main([*arguments, "--out", str(tmp_path)])
    assert ended.value.code == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert said in printed


def test_a_command_that_is_stopped_before_a_run_has_ended_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run_page, "train_runs", lambda runs, directory: [])
    monkeypatch.setattr(run_page.interrupt, "received", 15)
    with pytest.raises(SystemExit) as ended:
        command.main(["--only", "longer", "--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "out")])
    assert ended.value.code == 128 + 15
    assert "interrupted; to continue" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
