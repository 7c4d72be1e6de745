"""EnvPool's environments: independent of each other, reset within the step, like Gymnasium's where they should be."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from algos.envs import TaskError, make_vec
from algos.envs.pools import PoolVectorEnv
from sweeps.evaluation import evaluate
from sweeps.recording import record
from tests.composing import train_rows, trainer
from tests.sweeps import command

pytest.importorskip("envpool", reason="the extra envpool is not installed")

# id: EnvPool's settings, steps to take, and which ends come
TASKS: dict[str, tuple[dict[str, Any], int, set[str]]] = {
    "Hopper-v5": ({}, 60, {"terminated"}),
    "HalfCheetah-v5": ({}, 12, {"truncated"}),
    "LunarLander-v3": ({}, 120, {"terminated"}),
    "CartPole-v1": ({}, 60, {"terminated", "truncated"}),
    "Pong-v5": ({"obs_type": "ram"}, 12, {"truncated"}),
    "CheetahRun-v1": ({}, 12, {"truncated"}),
}


def pool(env_id: str, num_envs: int, num_threads: int = 1, max_episode_steps: int | None = None) -> PoolVectorEnv:
    kwargs, _, ends = TASKS[env_id]
    limit = max_episode_steps or (40 if len(ends) == 2 else 10 if ends == {"truncated"} else None)
    return PoolVectorEnv(env_id, num_envs, kwargs, limit, rescale_actions=False, num_threads=num_threads)


def roll(envs: PoolVectorEnv, seeds: list[int], steps: int) -> list[np.ndarray]:
    """Obs, rewards, terminated, truncated, each ``[T, E, ...]``; the actions depend on seed and step alone."""
    space = envs.single_action_space
    record = [(envs.reset(seed=seeds)[0], np.zeros(len(seeds)), np.zeros(len(seeds), bool), np.zeros(len(seeds), bool))]
    for t in range(steps):
        spaces = [np.random.default_rng((seed, t)) for seed in seeds]
        actions = [rng.uniform(-1, 1, space.shape) if space.shape else rng.integers(space.n) for rng in spaces]
        record.append(envs.step(np.array(actions, space.dtype))[:4])
    return [np.stack(values) for values in zip(*record, strict=True)]


@pytest.mark.parametrize(
    "env_id", [pytest.param(env_id, marks=[pytest.mark.slow] * (env_id == "Pong-v5")) for env_id in TASKS]
)
def test_an_environment_depends_on_its_own_seed_alone(env_id: str) -> None:
    seeds = [2**32 - 1, 5, 77, 123_456_789]
    _, steps, ends = TASKS[env_id]
    among = roll(pool(env_id, 4, num_threads=2), seeds, steps)
    for num_threads, chosen in ((1, [2]), (3, [3, 0])):
        alone = roll(pool(env_id, len(chosen), num_threads), [seeds[e] for e in chosen], steps)
        for mine, other in zip(alone, among, strict=True):
            np.testing.assert_array_equal(mine, other[:, chosen])
    assert among[2].any() == ("terminated" in ends)
    assert among[3].any() == ("truncated" in ends)
    assert len({obs.tobytes() for obs in among[0][1].astype(np.float64)}) == 4


def test_an_episode_begins_in_the_step_that_ends_one() -> None:
    envs = pool("CartPole-v1", 3, max_episode_steps=25)
    obs, _ = envs.reset(seed=[1, 2, 3])
    elapsed, ends = np.zeros(3, int), 0
    for _ in range(120):
        before = obs
        obs, rewards, terminated, truncated, infos = envs.step(np.array([0, 1, int(before[2, 2] + before[2, 3] > 0)]))
        elapsed += 1
        np.testing.assert_array_equal(truncated, elapsed == 25)
        np.testing.assert_array_equal(rewards, 1.0)  # no step is spent on a reset
        ended = terminated | truncated
        reached = np.where(ended[:, None], np.stack(infos["final_obs"]) if ended.all() else obs, obs)
        for e in np.flatnonzero(ended):
            reached[e] = infos["final_obs"][e]
            assert np.abs(obs[e]).max() <= 0.05  # where CartPole begins
            assert terminated[e] == (abs(reached[e][0]) > 2.4 or abs(reached[e][2]) > 12 * np.pi / 180)
            elapsed[e] = 0
        np.testing.assert_allclose(reached[:, 0], before[:, 0] + 0.02 * before[:, 1], atol=1e-6)  # Euler's step
        ends += ended.sum()
    assert ends > 8


def test_a_termination_at_the_time_limit_is_both() -> None:
    falls_at = int(np.argmax(roll(pool("CartPole-v1", 1, max_episode_steps=400), [7], 100)[2][:, 0]))
    _, _, terminated, truncated = roll(pool("CartPole-v1", 1, max_episode_steps=falls_at), [7], falls_at)
    assert terminated[-1, 0]
    assert truncated[-1, 0]
    _, _, terminated, truncated = roll(pool("CartPole-v1", 1, max_episode_steps=falls_at - 1), [7], falls_at - 1)
    assert not terminated.any()
    assert truncated[-1, 0]


def test_half_cheetah_moves_as_gymnasiums() -> None:
    """One step from the same state. Both are MuJoCo, but not of one version, and a contact's solver iterates."""
    pytest.importorskip("mujoco")
    ours = pool("HalfCheetah-v5", 8, max_episode_steps=100)
    theirs = gym.make("HalfCheetah-v5").unwrapped
    obs, _ = ours.reset(seed=list(range(8)))
    theirs.reset(seed=0)
    actions = np.random.default_rng(0).uniform(-1, 1, (8, 6))
    next_obs, rewards, *_ = ours.step(actions)
    for e in range(8):
        theirs.reset(seed=0)
        theirs.set_state(np.append(0.0, obs[e, :8]), obs[e, 8:])
        want, reward, *_ = theirs.step(actions[e])
        np.testing.assert_allclose(next_obs[e], want, rtol=1e-5, atol=1e-5)
        assert rewards[e] == pytest.approx(reward, abs=1e-5)


def test_actions_are_rescaled_onto_the_box() -> None:
    plain, scaled = (PoolVectorEnv("Pendulum-v1", 2, {}, None, rescale, 1) for rescale in (False, True))
    assert (scaled.single_action_space.low, scaled.single_action_space.high) == (-1, 1)
    for envs in (plain, scaled):
        envs.reset(seed=3)
    np.testing.assert_array_equal(plain.step(np.array([[1.0], [-2.0]]))[0], scaled.step(np.array([[0.5], [-1.0]]))[0])


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "HalfCheeta-v5": ({}, "HalfCheeta-v5 is not one of EnvPool's environments; did you mean HalfCheetah-v5"),
    "Hopper-v5": ({"colour": "red"}, r"EnvPool does not take env.kwargs.colour; expected: .*frame_skip"),
    "Walker2d-v5": ({"seed": 3}, r"EnvPool does not take env.kwargs.seed"),
    "Ant-v5": ({"frame_skip": "four"}, "Ant-v5 cannot be constructed by EnvPool"),
    "Pong-v5": ({"obs_type": "rgb"}, "env.kwargs.obs_type=rgb; expected: ram"),
    "FrozenLake-v1": ({}, r"observations Discrete\(16\); expected: Box, or Dict of Box"),
    "TicTacToe-v1": ({}, "2 players; expected: 1"),
}


@pytest.mark.parametrize("env_id", REFUSED)
def test_what_cannot_be_stepped_is_refused_in_one_line(env_id: str) -> None:
    kwargs, message = REFUSED[env_id]
    with pytest.raises(TaskError, match=message) as raised:
        make_vec(env_id, 2, kwargs, "envpool")
    assert "\n" not in str(raised.value)


def test_without_envpool_the_extra_is_named() -> None:
    program = """
import sys
sys.modules["envpool"] = None
from algos.envs import make_vec
make_vec("CartPole-v1", 2, {}, "envpool")
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    last = ended.stderr.splitlines()[-1]
    assert "env.vectorization=envpool" in last
    assert "pip install 'seedbed[envpool]'" in last


SMALL = ("num_envs=2", "num_steps=16", "policy.hidden=[8]", "value.hidden=[8]", "env.vectorization=envpool")


def test_a_seed_has_the_same_rows_alone_and_among_others(tmp_path: Path) -> None:
    for name in ("alone", "among"):
        (tmp_path / name).mkdir()
    task = ("env.id=Hopper-v5", "iterations=3", "evaluation.interval=2", "evaluation.episodes=2", *SMALL)
    among = train_rows(tmp_path / "among", [*task, "num_seeds=3", "threads=2"])
    alone = train_rows(tmp_path / "alone", [*task, "seed=1", "threads=1"])
    assert alone == [among[0], *[row for row in among[1:] if ",1," in row[: len("ppo,Hopper-v5,1,")]]]
    assert len(alone) == 4


@pytest.mark.slow
def test_a_run_resumes_with_new_episodes_and_is_evaluated_and_recorded(tmp_path: Path) -> None:
    run = trainer("env.id=CartPole-v1", "iterations=3", *SMALL)
    next(iter(run))
    resumed = trainer("env.id=CartPole-v1", "iterations=3", *SMALL)
    resumed.load_state_dict(run.state_dict())
    assert not resumed.collector.stepping.resumes_episodes
    assert np.abs(resumed.collector.stepping.obs).max() <= 0.05
    for env_id in ("CartPole-v1", "CheetahRun-v1"):
        sizes = (*command.sizes("ppo"), "iterations=1", "env.vectorization=envpool", f"env.id={env_id}")
        ended = command.train(*sizes, "env.max_episode_steps=20", f"hydra.run.dir={tmp_path / env_id}")
        assert ended.status == 0, ended.err
        assert ended.err == ""
        table = evaluate(tmp_path / env_id, 3)
        assert (table["length"] <= 20).all()
    assert record(tmp_path / "CartPole-v1", 0, 12, tmp_path / "play.gif") == 12
    with pytest.raises(TaskError, match="CheetahRun-v1 of EnvPool does not render"):
        record(tmp_path / "CheetahRun-v1", 0, 12, tmp_path / "play.gif")
