"""Evaluations against plain loops over Gymnasium's own environments; their columns, and the command."""

import csv

import gymnasium as gym
import numpy as np
import pandas as pd
import pytest
import torch

from algos.core.evaluation import MODES
from algos.streams import environment_seeds, evaluation_seeds, stream
from sweeps import evaluate, evaluation
from sweeps.errors import InputError
from sweeps.recording import record
from sweeps.trained import load_agents
from tests.sweeps import command

TINY = ("threads=1", "num_envs=2", "num_steps=64", "iterations=3", "num_seeds=2", "seed=4", "critic.update_epochs=2")
EPISODES = 3
LIMIT = 60


@pytest.fixture(scope="module", params=["CartPole-v1", "Pendulum-v1"])
def run(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("run") / "run"
    evaluation = ("evaluation.interval=2", f"evaluation.episodes={EPISODES}", f"env.max_episode_steps={LIMIT}")
    assert command.train(*TINY, *evaluation, f"env.id={request.param}", f"hydra.run.dir={directory}").status == 0
    return directory


def played(directory, mode):
    """Returns and lengths [seed][episode] of a plain loop, one Gymnasium environment at a time."""
    config, policy, _ = load_agents(directory, range(4, 6))
    env = gym.make(config.env.id, max_episode_steps=LIMIT)
    continuous = isinstance(env.action_space, gym.spaces.Box)
    seeds = iter(evaluation_seeds(range(4, 6), EPISODES, config.num_envs))
    for index, seed in enumerate(config.seeds):
        rng = stream(seed, "evaluation_actions")
        draws = [(rng.standard_normal if continuous else rng.random)((EPISODES, 1)) for _ in range(500)]
        for episode in range(EPISODES):
            obs, _ = env.reset(seed=next(seeds))
            total, length, over = 0.0, 0, False
            while not over:
                outputs = policy.network(
                    policy.params[:, : policy.network.num_params], torch.tensor(np.tile(obs, (2, 1, 1)))
                )
                output = outputs[index, 0].detach().numpy()
                noise = draws[length][episode, 0]
                if continuous:
                    std = float(policy.standard_deviation()[index, 0]) if mode == "stochastic" else 0.0
                    action = np.clip(output + std * noise, env.action_space.low, env.action_space.high)
                elif mode == "deterministic":
                    action = int(output.argmax())
                else:
                    p = np.exp(output - output.max())
                    action = int(noise >= p[0] / p.sum())
                obs, reward, terminated, truncated, _ = env.step(action)
                total, length, over = total + float(reward), length + 1, terminated or truncated
            yield seed, episode, total, length


@pytest.mark.parametrize("mode", MODES)
def test_returns_are_those_of_a_plain_loop(run, mode):
    table = evaluation.evaluate(run, EPISODES)
    rows = table[table["mode"] == mode]
    expected = pd.DataFrame(played(run, mode), columns=["seed", "episode", "return", "length"])
    np.testing.assert_array_equal(rows[["seed", "episode", "length"]], expected[["seed", "episode", "length"]])
    np.testing.assert_allclose(rows["return"], expected["return"], rtol=1e-4)


def test_columns_are_filled_when_due_and_end_with_the_final_policy(run):
    with (run / "progress.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    filled = {(int(row["iteration"]), row["eval_return_deterministic"] != "") for row in rows}
    assert filled == {(0, False), (1, True), (2, True)}
    table = evaluation.evaluate(run, EPISODES)
    for row in rows[-2:]:
        for mode in MODES:
            own = table[(table["seed"] == int(row["seed"])) & (table["mode"] == mode)]
            assert float(row[f"eval_return_{mode}"]) == own["return"].mean()
            assert float(row[f"eval_length_{mode}"]) == own["length"].mean()


def test_evaluating_changes_nothing_else(run, tmp_path):
    env_id = pd.read_csv(run / "progress.csv")["env_id"].iloc[0]
    task = (f"env.id={env_id}", f"env.max_episode_steps={LIMIT}")
    assert command.train(*TINY, *task, f"hydra.run.dir={tmp_path / 'other'}").status == 0
    with_columns, without = (pd.read_csv(path / "progress.csv", dtype=str) for path in (run, tmp_path / "other"))
    assert not [name for name in without if name.startswith("eval_")]
    pd.testing.assert_frame_equal(with_columns[without.columns], without)


def test_environments_are_never_those_of_training_and_the_same_for_every_variant():
    seeds = range(50)
    evaluation, training = evaluation_seeds(seeds, 20, 30), environment_seeds(seeds, 30)
    assert not set(evaluation) & set(training)
    assert len(set(evaluation)) == len(evaluation) == 50 * 20
    assert evaluation[3 * 20 : 4 * 20] == evaluation_seeds([3], 20, 30)


def test_the_command_writes_every_episode_and_tells_means(run, capsys):
    evaluate.main([str(run), "--episodes", "2"])
    table = pd.read_csv(run / "evaluation.csv")
    assert list(table.columns) == ["algo", "env_id", "seed", "mode", "episode", "return", "length"]
    assert len(table) == 2 * 2 * 2
    text = capsys.readouterr().out
    mean = table[table["mode"] == "deterministic"]["return"].mean()
    assert f"deterministic: mean return {mean:.1f} [" in text


@pytest.mark.slow
def test_a_task_without_a_time_limit_is_refused(tmp_path):
    task = ("env.module=tests.sweeps.faulty_tasks", "env.id=seedbed-tests/Faulty-v0")
    ended = command.train(*TINY, *task, "evaluation.interval=1", f"hydra.run.dir={tmp_path}")
    assert ended.status == 1
    assert "has no time limit" in ended.err
    limited = ("evaluation.interval=1", "env.max_episode_steps=20", f"hydra.run.dir={tmp_path / 'limited'}")
    assert command.train(*TINY, *task, *limited).status == 0


def test_a_failed_seed_has_no_evaluation(tmp_path, capsys):
    bad = environment_seeds([5], 2)[0]
    task = ("env.module=tests.sweeps.faulty_tasks", "env.id=seedbed-tests/Faulty-v0", f"+env.kwargs.seeds=[{bad}]")
    evaluation = ("evaluation.interval=1", "evaluation.episodes=2", "env.max_episode_steps=20")
    assert command.train(*TINY, *task, *evaluation, f"hydra.run.dir={tmp_path}").status == 1
    rows = pd.read_csv(tmp_path / "progress.csv")
    columns = [f"eval_{what}_{mode}" for what in ("return", "length") for mode in MODES]
    assert rows.loc[rows["seed"] == 5, columns].isna().all(axis=None)
    assert rows.loc[rows["seed"] == 4, columns].notna().all(axis=None)
    evaluate.main([str(tmp_path), "--episodes", "2", "--trust"])
    assert set(pd.read_csv(tmp_path / "evaluation.csv")["seed"]) == {4}
    assert "not evaluated, because they failed: seeds 5" in capsys.readouterr().out
    with pytest.raises(InputError, match="--seed 5: failed in training"):
        record(tmp_path, 5, 12, tmp_path / "play.gif")


def test_bad_arguments(tmp_path, capsys):
    for arguments, words in ((["--episodes", "0", str(tmp_path)], "--episodes 0"), ([str(tmp_path)], "holds no run")):
        with pytest.raises(SystemExit) as stopped:
            evaluate.main(arguments)
        assert stopped.value.code == 2
        assert words in capsys.readouterr().err
