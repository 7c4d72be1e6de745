"""Batched environments against Gymnasium's own single ones, which ``make_vec(..., "sync")`` steps one by one."""

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, VectorEnv

from algos.envs.batched import RESETS_AHEAD, BatchedEnv
from algos.envs.make import make_vec
from algos.envs.registry import BATCHED_TASKS, load_task

STEPS = {"MountainCarContinuous-v0": 1050}
"""Where 520 are too few for an episode to reach the time limit."""
NUM_ENVS = 6


# Pushes after which episodes end as random ones rarely let them: at the time limit, or at the goal.
SKILLED = {
    "CartPole-v0": lambda obs: (obs @ (0.1, 0.3, 1.0, 0.5) > 0).astype(int),
    "CartPole-v1": lambda obs: (obs @ (0.1, 0.3, 1.0, 0.5) > 0).astype(int),
    "Acrobot-v1": lambda obs: np.where(obs[:, 4] >= 0, 0, 2),
    "MountainCar-v0": lambda obs: np.where(obs[:, 1] >= 0, 2, 0),
    "MountainCarContinuous-v0": lambda obs: np.where(obs[:, 1:] >= 0, 1.0, -1.0),
}


def actions_of(envs: VectorEnv, obs: np.ndarray, env_id: str, rng: np.random.Generator) -> np.ndarray:
    """Random actions, Box ones also beyond the bounds; skilled ones in every second sub-environment."""
    space = envs.single_action_space
    if space.shape == (1,):
        actions = rng.uniform(1.5 * space.low, 1.5 * space.high, (len(obs), 1)).astype(np.float32)
    else:
        actions = rng.integers(space.n, size=len(obs))
    if env_id in SKILLED:
        actions[::2] = SKILLED[env_id](obs[::2])
    return actions


def roll(envs: VectorEnv, env_id: str, steps: int, seed: int | list[int]) -> list[tuple[np.ndarray, ...]]:
    """(obs, rewards, terminated, truncated, final_obs with zeros elsewhere) of each step, after the first obs."""
    rng = np.random.default_rng(0)
    obs, _ = envs.reset(seed=seed)
    record = [(obs,)]
    for _ in range(steps):
        obs, rewards, terminated, truncated, infos = envs.step(actions_of(envs, obs, env_id, rng))
        ended = terminated | truncated
        assert np.array_equal(infos.get("_final_obs", np.zeros(len(obs), bool)), ended)
        final = np.zeros_like(obs)
        if ended.any():
            final[ended] = np.stack(infos["final_obs"][ended])
        record.append((obs, rewards, terminated, truncated, final))
    return record


@pytest.mark.parametrize("env_id", BATCHED_TASKS)
@pytest.mark.filterwarnings("ignore:.*out of date")
def test_equal_to_the_single_environment_bit_for_bit(env_id: str) -> None:
    ours, theirs = make_vec(env_id, NUM_ENVS, {}, "auto"), make_vec(env_id, NUM_ENVS, {}, "sync")
    assert isinstance(ours, BatchedEnv)
    assert not isinstance(theirs, BatchedEnv)
    assert ours.single_observation_space == theirs.single_observation_space
    assert ours.single_action_space == theirs.single_action_space
    steps = STEPS.get(env_id, 520)
    ours_record = roll(ours, env_id, steps, seed=3)
    theirs_record = roll(theirs, env_id, steps, seed=3)
    began = np.ones(NUM_ENVS, bool)
    for mine, other in zip(ours_record, theirs_record, strict=True):
        if len(mine) == 5:
            began = mine[2] | mine[3]
            for a, b in zip(mine[1:], other[1:], strict=True):
                np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(mine[0][~began], other[0][~began])
        if env_id == "Acrobot-v1":  # Gymnasium takes the first observation's cosines and sines in float32
            np.testing.assert_array_max_ulp(mine[0][began], other[0][began], 2)
        else:
            np.testing.assert_array_equal(mine[0][began], other[0][began])

    terminated = np.array([step[2] for step in ours_record[1:]])
    truncated = np.array([step[3] for step in ours_record[1:]])
    assert truncated.any()
    assert terminated.any() or env_id == "Pendulum-v1"


def test_time_limit_on_a_terminating_step_is_both() -> None:
    def record_of(vectorization: str, max_episode_steps: int | None) -> list[tuple[np.ndarray, ...]]:
        return roll(make_vec("CartPole-v1", 2, {}, vectorization, None, max_episode_steps), "CartPole-v1", 100, seed=4)

    falls_at = next(t for t, step in enumerate(record_of("auto", None)) if t and step[2][1])
    ours, theirs = (record_of(vectorization, falls_at) for vectorization in ("auto", "sync"))
    assert ours[falls_at][2][1]
    assert ours[falls_at][3][1]
    for mine, other in zip(ours, theirs, strict=True):
        for a, b in zip(mine, other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("env_id", ["CartPole-v1", "CartPoleSwingUp-v1"])
def test_stream_of_a_sub_environment_does_not_depend_on_the_others(env_id: str) -> None:
    seeds = [11, 5, 8]
    rng = np.random.default_rng(1)
    envs = make_vec(env_id, 3, {}, "auto")
    alone = [make_vec(env_id, 1, {}, "auto") for _ in seeds]
    obs = envs.reset(seed=seeds)[0]
    assert np.array_equal(obs, np.concatenate([env.reset(seed=[s])[0] for env, s in zip(alone, seeds, strict=True)]))
    for _ in range(700):
        actions = actions_of(envs, obs, env_id, rng)
        obs, rewards, terminated, truncated, _ = envs.step(actions)
        parts = [env.step(actions[i : i + 1]) for i, env in enumerate(alone)]
        for got, want in zip(
            (obs, rewards, terminated, truncated), zip(*[p[:4] for p in parts], strict=True), strict=True
        ):
            np.testing.assert_array_equal(got, np.concatenate(want))


def test_more_episodes_than_are_drawn_ahead() -> None:
    """Every step ends an episode, so the reset states are refilled several times."""
    steps = 3 * RESETS_AHEAD
    envs = make_vec("Pendulum-v1", 2, {}, "auto", max_episode_steps=1)
    first = [step[0] for step in roll(envs, "Pendulum-v1", steps, seed=7)]
    rng = np.random.default_rng(7)
    for obs in first:
        angle, speed = rng.uniform(-np.array([np.pi, 1.0]), np.array([np.pi, 1.0]))
        np.testing.assert_array_equal(obs[0], np.array([np.cos(angle), np.sin(angle), speed], np.float32))


@pytest.mark.parametrize("env_id", BATCHED_TASKS)
def test_many_draws_are_the_draws_one_by_one(env_id: str) -> None:
    task = load_task(env_id)
    many = task.draw_reset(np.random.default_rng(4), 9)
    rng = np.random.default_rng(4)
    np.testing.assert_array_equal(many, np.concatenate([task.draw_reset(rng, 1) for _ in range(9)]))
    assert many.shape == (9, task.state_size)
    assert many.dtype == np.float64


@pytest.mark.parametrize("env_id", ["CartPole-v1", "MountainCarContinuous-v0"])
def test_resumed_from_a_state_dict_bit_for_bit(env_id: str) -> None:
    envs = make_vec(env_id, NUM_ENVS, {}, "auto")
    roll(envs, env_id, 300, seed=1)
    state = envs.state_dict()
    assert all(isinstance(value, np.ndarray) for value in state.values())

    def run_on(envs: BatchedEnv) -> list[tuple[np.ndarray, ...]]:
        rng = np.random.default_rng(2)
        obs, record = envs.observe(), []
        for _ in range(400):
            step = envs.step(actions_of(envs, obs, env_id, rng))
            obs = step[0]
            record.append(step[:4])
        return record

    want = run_on(envs)
    resumed = make_vec(env_id, NUM_ENVS, {}, "auto")
    resumed.load_state_dict(state)
    for a, b in zip(run_on(resumed), want, strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(x, y)


def test_state_of_another_batch_is_refused() -> None:
    """And leaves the environments as they are, whichever array does not fit."""
    envs = make_vec("CartPole-v1", 2, {}, "auto")
    envs.reset(seed=0)
    before = envs.state_dict()
    envs.step(np.ones(2, int))
    other = envs.state_dict()
    for name in ("states", "resets_used"):
        with pytest.raises(ValueError, match=f"{name} has shape"):
            envs.load_state_dict(before | {name: before[name][:1]})
    for name, value in envs.state_dict().items():
        np.testing.assert_array_equal(value, other[name])


def test_reset_without_a_seed_goes_on_with_the_stream() -> None:
    ours, theirs = make_vec("CartPole-v1", 2, {}, "auto"), make_vec("CartPole-v1", 2, {}, "sync")
    for seed in (5, None, [None, 9], None):
        np.testing.assert_array_equal(ours.reset(seed=seed)[0], theirs.reset(seed=seed)[0])
        for _ in range(30):
            ours.step(np.ones(2, int))
            theirs.step(np.ones(2, int))
    assert ours.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP


def test_unusable_calls_are_refused() -> None:
    envs = make_vec("CartPole-v1", 2, {}, "auto")
    with pytest.raises(ValueError, match="3 seeds for 2 sub-environments; expected: one for each"):
        envs.reset(seed=[1, 2, 3])
    with pytest.raises(ValueError, match="options"):
        envs.reset(seed=1, options={"low": -1.0})
    envs.reset(seed=1)
    with pytest.raises(ValueError, match=r"0\.\.1"):
        envs.step(np.array([0, 2]))
    with pytest.raises(ValueError, match="shape"):
        envs.step(np.zeros((2, 1), int))
