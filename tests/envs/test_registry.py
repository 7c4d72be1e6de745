"""Batched tasks of a user's own: registered, checked, stepped, trained, resumed, evaluated and recorded as ours."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env
from numba import njit

from algos.build import make_trainer
from algos.core.stepping import CompiledStepping
from algos.envs import OBSERVE, STEP, TaskError, make_vec, register
from algos.envs.batched import BatchedEnv
from sweeps.compose import composed_config
from sweeps.evaluation import evaluate
from sweeps.recording import record
from sweeps.run_config import validate
from tests.composing import trainer
from tests.envs.outside import CORRIDOR
from tests.envs.test_make import roll
from tests.sweeps import command

EXAMPLES = Path(__file__).parents[2] / "examples" / "extending"
ID = "tests.envs.outside:user/Corridor-v0"


@pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
def test_equal_to_its_single_environment_and_to_workers(kind: str) -> None:
    ours = make_vec(ID, 5, {}, "auto")
    assert isinstance(ours, BatchedEnv)
    record = roll(ours, 80, seed=3)
    assert np.concatenate([step[3] for step in record[1:]]).any()
    envs = make_vec(ID, 5, {}, kind)
    for mine, other in zip(record, roll(envs, 80, seed=3), strict=True):
        for a, b in zip(mine, other, strict=True):
            np.testing.assert_array_equal(a, b)
    envs.close()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*infinity")  # its observation has no bounds
        check_env(gym.make("user/Corridor-v0").unwrapped, skip_render_check=True)


def test_it_runs_in_the_compiled_rollout_and_resumes_in_mid_episode() -> None:
    overrides = (f"env.id={ID}", "num_seeds=2", "num_envs=2", "num_steps=20", "iterations=4", "policy.hidden=[8]")
    whole = trainer(*overrides)
    assert isinstance(whole.collector.stepping, CompiledStepping)
    iterations = list(whole)
    first = trainer(*overrides)
    next(iter(first))
    second = trainer(*overrides)
    second.load_state_dict(first.state_dict())
    for mine, other in zip(second, iterations[1:], strict=True):
        for name, values in mine.stats.items():
            np.testing.assert_array_equal(values, other.stats[name])


@pytest.mark.slow
def test_it_is_evaluated_and_recorded(tmp_path: Path) -> None:
    sizes = (*command.sizes("ppo"), "iterations=1")
    for name, task in {
        "run": (f"env.id={ID}",),
        "unseen": ("env.id=user/Unseen-v0", "env.module=tests.envs.outside"),
    }.items():
        ended = command.train(*sizes, *task, f"hydra.run.dir={tmp_path / name}")
        assert ended.status == 0, ended.err
    table = evaluate(tmp_path / "run", 3)
    assert len(table) == 6
    assert (table["length"] <= 30).all()
    assert record(tmp_path / "run", 0, 12, tmp_path / "corridor.gif") == 12
    with pytest.raises(TaskError, match="Unseen-v0 does not render"):
        record(tmp_path / "unseen", 0, 12, tmp_path / "unseen.gif")


def test_the_example_trains_from_its_own_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLES)
    monkeypatch.syspath_prepend(EXAMPLES)
    overrides = ["env=corridor", "num_envs=2", "num_steps=16", "iterations=2", "policy.hidden=[8]", "threads=1"]
    run = make_trainer(validate(composed_config(overrides, "conf")))
    assert isinstance(run.collector.stepping, CompiledStepping)
    assert all(not iteration.failures for iteration in run)
    assert gym.make("Corridor-v0", render_mode="rgb_array").unwrapped.task.render is not None


@njit(STEP)
def random_step(state: np.ndarray, action: np.ndarray) -> tuple[float, bool]:
    state[0] = np.random.random()  # noqa: NPY002
    return 0.0, False


@njit(STEP)
def endless_state(state: np.ndarray, action: np.ndarray) -> tuple[float, bool]:
    state[0] = np.inf
    return 0.0, False


@njit(STEP)
def nan_reward(state: np.ndarray, action: np.ndarray) -> tuple[float, bool]:
    return np.nan, False


@njit(OBSERVE)
def observe_nothing(state: np.ndarray, obs: np.ndarray) -> None:
    pass


@njit(OBSERVE)
def observe_two(state: np.ndarray, obs: np.ndarray) -> None:
    obs[0] = state[0]
    obs[1] = 0.0


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "PlainStep-v0": ({"step": CORRIDOR.step.py_func}, r"step is not compiled .* @njit\(STEP, cache=True\)"),
    "Swapped-v0": ({"observe": CORRIDOR.step}, r"observe is not compiled .* @njit\(OBSERVE, cache=True\)"),
    "StateSize-v0": ({"state_size": 0}, "state_size=0; expected: a positive int"),
    "Limit-v0": ({"max_episode_steps": None}, "max_episode_steps=None"),
    "Image-v0": ({"observation_space": spaces.Box(0, 1, (2, 2), np.float32)}, "observation_space=Box"),
    "Double-v0": ({"action_space": spaces.Box(-1, 1, (1,), np.float64)}, "action_space=Box"),
    "States-v0": ({"draw_reset": lambda rng, k: np.zeros(k)}, r"draw_reset\(rng, 3\) returned .* \[3, 1\]"),
    "Draws-v0": (
        {"draw_reset": lambda rng, k: rng.uniform(size=(k + 1, 1))[1:]},
        "differs from three draws",
    ),
    "Random-v0": ({"step": random_step}, "two results for one state and action"),
    "Infinite-v0": ({"step": endless_state}, "a state with NaN or infinity"),
    "Reward-v0": ({"step": nan_reward}, "the reward nan"),
    "Unfilled-v0": ({"observe": observe_nothing}, "observe left NaN or infinity"),
    "Beyond-v0": ({"observe": observe_two}, "observe writes beyond the observation; expected: 1 numbers"),
    "Render-v0": ({"render": "rgb_array"}, "render='rgb_array'"),
}


@pytest.mark.parametrize("env_id", WRONG)
def test_a_wrong_task_is_refused_in_one_line(env_id: str) -> None:
    changes, message = WRONG[env_id]
    with pytest.raises(TaskError, match=message) as raised:
        register(f"wrong/{env_id}", replace(CORRIDOR, **changes))
    assert "\n" not in str(raised.value)
    assert f"wrong/{env_id}" not in gym.registry


def test_names_are_unique_and_well_formed() -> None:
    with pytest.raises(TaskError, match="CartPole-v1 is taken"):
        register("CartPole-v1", CORRIDOR)
    with pytest.raises(TaskError, match="not an id that Gymnasium accepts"):
        register("two words", CORRIDOR)
    with pytest.raises(TaskError, match="expected: a Task"):
        register("user/NoTask-v0", CORRIDOR.step)
    with pytest.raises(TaskError, match=r"Corridor-v0 cannot be constructed with {'length': 2}"):
        make_vec(ID, 2, {"length": 2}, "auto")
