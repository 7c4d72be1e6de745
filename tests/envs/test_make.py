"""Which environments ``make_vec`` builds, and which it refuses."""

import multiprocessing
import os
import signal
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv

from algos.envs import TaskError, make_vec
from algos.envs.batched import BatchedEnv
from algos.envs.make import make_single
from algos.envs.workers import WorkerVectorEnv
from algos.kernels.acting import row_policy
from tests.envs.broken import BROKEN

USER = "tests.envs.user_tasks"


def roll(envs: VectorEnv, steps: int, seed: int) -> list[tuple[np.ndarray, ...]]:
    envs.action_space.seed(0)
    record = [(envs.reset(seed=[seed + 7 * e for e in range(envs.num_envs)])[0],)]
    for _ in range(steps):
        obs, rewards, terminated, truncated, infos = envs.step(envs.action_space.sample())
        ended = terminated | truncated
        assert np.array_equal(infos.get("_final_obs", np.zeros(len(obs), bool)), ended)
        final = np.stack(infos["final_obs"][ended]) if ended.any() else obs[:0]
        record.append((obs, rewards, terminated, truncated, final))
    return record


@pytest.mark.parametrize("env_id", BROKEN)
def test_a_task_that_breaks_the_contract_is_refused_with_what_is_wrong(env_id: str) -> None:
    with pytest.raises(TaskError, match=BROKEN[env_id][1]) as raised:
        make_vec(env_id, 2, {}, "auto")
    message = str(raised.value)
    assert message.startswith(env_id)
    assert "\n" not in message


def test_unknown_ids_and_modules_are_refused() -> None:
    with pytest.raises(TaskError, match=r"CartPol-v1 is not a registered environment; did you mean CartPole-v1"):
        make_vec("CartPol-v1", 2, {}, "auto")
    with pytest.raises(TaskError, match="did you mean CartPoleSwingUp-v1"):
        make_vec("CartPoleSwingup-v1", 2, {}, "auto")
    with pytest.raises(TaskError, match="CartPole-v9 is not a registered environment"):
        make_vec("CartPole-v9", 2, {}, "auto")
    with pytest.raises(TaskError, match="zzzz is not a registered environment; expected: an id"):
        make_vec("zzzz", 2, {}, "auto")
    with pytest.raises(TaskError, match=r"did you mean Acrobot-v1\? expected: an id"):
        make_vec("Acrobat-v1", 2, {}, "auto")
    with pytest.raises(TaskError, match="module no_such_module cannot be imported: ModuleNotFoundError"):
        make_vec("no_such_module:CartPole-v1", 2, {}, "auto")
    with pytest.raises(TaskError, match="user/Fragil-v0 is not a registered environment; did you mean user/Fragile-v0"):
        make_vec(f"{USER}:user/Fragil-v0", 2, {}, "auto")
    with pytest.raises(TaskError, match="module no_such_module cannot be imported: ModuleNotFoundError"):
        make_vec("CartPole-v1", 2, {}, "auto", module="no_such_module")


def test_an_environment_that_does_not_construct_is_refused() -> None:
    with pytest.raises(
        TaskError, match=r"Pendulum-v1 cannot be constructed with {'colour': 'red'}: TypeError"
    ) as raised:
        make_vec("Pendulum-v1", 2, {"colour": "red"}, "auto")
    assert "\n" not in str(raised.value)


def test_gymnasiums_own_choice_is_left_alone() -> None:
    envs = gym.make_vec("CartPole-v1", 2)
    assert not isinstance(envs, BatchedEnv)


def test_arguments_reach_the_environment() -> None:
    """Ours have none, so Gymnasium's own is taken."""
    envs = make_vec("Pendulum-v1", 2, {"g": 0.0}, "auto")
    assert not isinstance(envs, BatchedEnv)
    assert [env.unwrapped.g for env in envs.envs] == [0.0, 0.0]


@pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
def test_an_id_may_name_its_module(kind: str) -> None:
    envs = make_vec(f"{USER}:user/Echo-discrete-dict-v0", 2, {}, kind)
    assert envs.reset(seed=0)[0].shape == (2, 6)
    envs.close()
    assert isinstance(make_vec("algos.envs:CartPoleSwingUp-v0", 2, {}, "auto"), BatchedEnv)


@pytest.mark.parametrize("vectorization", ["auto", "sync"])
def test_time_limit_replaces_the_ids_own(vectorization: str) -> None:
    envs = make_vec("Pendulum-v1", 2, {}, vectorization, max_episode_steps=4)
    truncated = np.array([step[3] for step in roll(envs, 12, seed=0)[1:]])
    np.testing.assert_array_equal(np.flatnonzero(truncated[:, 0]), [3, 7, 11])
    envs.close()


@pytest.mark.parametrize("layout", ["dict", "tuple"])
def test_dict_and_tuple_observations_are_flattened_and_choices_count_from_zero(layout: str) -> None:
    envs = make_vec(f"user/Echo-discrete-{layout}-v0", 3, {}, "auto", module=USER)
    assert envs.single_action_space == spaces.Discrete(3)
    obs, _ = envs.reset(seed=0)
    np.testing.assert_array_equal(obs[0], [0, 0, 1, 0, 0, 0])  # the action of 2, then the step one-hot
    obs, rewards, *_ = envs.step(np.array([0, 1, 2]))
    np.testing.assert_array_equal(obs[:, :2], [[-1, -1], [0, 0], [1, 1]])
    np.testing.assert_array_equal(obs[:, 2:], [[0, 1, 0, 0]] * 3)
    np.testing.assert_array_equal(rewards, [-1, 0, 1])


def test_multidiscrete_actions_count_from_zero() -> None:
    envs = make_vec("user/Echo-multi-dict-v0", 2, {}, "auto", module=USER)
    assert envs.single_action_space == spaces.MultiDiscrete([2, 3])
    envs.reset(seed=0)
    obs = envs.step(np.array([[0, 0], [1, 2]]))[0]
    np.testing.assert_array_equal(obs[:, :2], [[5, -1], [6, 1]])


def test_images_are_flattened() -> None:
    envs = make_vec("user/Image-v0", 2, {}, "auto", module=USER)
    obs, _ = envs.reset(seed=0)
    np.testing.assert_array_equal(obs, [np.arange(6)] * 2)


@pytest.mark.parametrize("vectorization", ["auto", "sync", pytest.param("async", marks=pytest.mark.slow), "envpool"])
def test_a_step_before_the_first_episode_is_refused_in_one_line(vectorization: str) -> None:
    if vectorization == "envpool":
        pytest.importorskip("envpool", reason="the extra envpool is not installed")
    envs = make_vec("CartPole-v1", 2, {}, vectorization)
    with pytest.raises(ValueError, match=r"^no episode has begun; expected: a call of reset before the first step$"):
        envs.step(np.zeros(2, int))
    envs.close()


@pytest.mark.parametrize("num_workers", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_workers_give_what_one_process_gives_however_many(num_workers: int) -> None:
    make_one = partial(make_single, "user/Echo-discrete-dict-v0", {}, USER, None, rescale_actions=False)
    envs = WorkerVectorEnv(make_one, 5, num_workers)
    assert envs.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    want = roll(make_vec("user/Echo-discrete-dict-v0", 5, {}, "sync", module=USER), 20, seed=1)
    for mine, other in zip(roll(envs, 20, seed=1), want, strict=True):
        for a, b in zip(mine, other, strict=True):
            np.testing.assert_array_equal(a, b)
    envs.close()


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_workers_outlive_what_asks_their_parent_to_stop(signum: signal.Signals) -> None:
    envs = make_vec("Acrobot-v1", 4, {}, "async")
    workers = multiprocessing.active_children()
    assert workers
    for _ in range(2):  # while they start, and while they run
        for worker in workers:
            os.kill(worker.pid, signum)
        roll(envs, 3, seed=0)
    envs.close()
    assert [worker.exitcode for worker in workers] == [0] * len(workers)


@pytest.mark.slow
@pytest.mark.parametrize("ends", ["sys.exit(3)", "raise RuntimeError"])
def test_workers_end_with_a_parent_that_does_not_close_them(ends: str) -> None:
    program = f"""
import sys
from algos.envs import make_vec
if __name__ == "__main__":
    envs = make_vec("Acrobot-v1", 2, {{}}, "async")
    envs.reset(seed=0)
    {ends}
"""
    ended = subprocess.run([sys.executable, "-c", program], timeout=120, capture_output=True, check=False)
    assert ended.returncode == (3 if "exit" in ends else 1)


@pytest.mark.slow
def test_async_equals_sync_with_seeded_resets() -> None:
    ours, theirs = (make_vec("Acrobot-v1", 4, {}, kind, max_episode_steps=9) for kind in ("async", "sync"))
    assert isinstance(ours, WorkerVectorEnv)
    for mine, other in zip(roll(ours, 40, seed=3), roll(theirs, 40, seed=3), strict=True):
        for a, b in zip(mine, other, strict=True):
            np.testing.assert_array_equal(a, b)
    ours.close()


@pytest.mark.slow
def test_an_exception_in_a_worker_is_raised_here() -> None:
    envs = make_vec("user/Fragile-v0", 4, {}, "async", module=USER)
    with pytest.raises(RuntimeError, match="the tenth step"):
        roll(envs, 10, seed=0)
    envs.close()


@pytest.mark.parametrize("kind", ["auto", pytest.param("async", marks=pytest.mark.slow)])
def test_mujoco_runs_where_it_is_installed_and_keeps_its_remarks_to_itself(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("mujoco")
    monkeypatch.chdir(tmp_path)  # where MuJoCo would log
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        envs = make_vec("HalfCheetah-v5", 2, {}, kind)
        assert envs.reset(seed=0)[0].shape == (2, 17)
        envs.close()
    assert capfd.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


def test_an_old_version_that_was_asked_for_is_no_news() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for env_id in ("CartPole-v0", "CartPoleSwingUp-v0"):
            make_vec(env_id, 1, {}, "sync")


@pytest.mark.slow
def test_workers_end_when_the_parent_leaves_in_the_middle_of_a_rollout() -> None:
    """Their answer is larger than a pipe holds, and nobody reads it."""
    envs = make_vec("Acrobot-v1", 4, {}, "async", max_episode_steps=50)
    envs.reset(seed=0)
    arrays = (np.zeros((1, 21), np.float32), None, envs.single_action_space, np.zeros((1, 6)), np.ones((1, 6)))
    policy = row_policy(np.zeros(4, np.int64), (6, 3), "tanh", *arrays, np.inf)
    noise = np.full((2000, 4, 1), 0.5, np.float32)
    workers = multiprocessing.active_children()
    for connection, share in zip(envs._connections, envs._shares, strict=True):
        connection.send(("roll", (policy.of(share), np.ascontiguousarray(noise[:, share]))))
    envs.close()
    assert [worker.exitcode for worker in workers] == [0] * len(workers)
