"""The swing-up task against gym-cartpole-swingup 0.1.4, and as a Gymnasium environment."""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import algos.envs
from algos.envs.swingup import TASKS, X_LIMIT

STEPS = 2_000
pytestmark = pytest.mark.filterwarnings("ignore:.*out of date")


def stand_in(name: str, **contents: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(contents)
    return module


@pytest.fixture(scope="module")
def original() -> Iterator[ModuleType]:
    """The original's environments; of gym and poetry_version they need only what stands in here."""
    assert importlib.util.find_spec("gym_cartpole_swingup"), (
        "the oracle is missing: pip install --no-deps gym-cartpole-swingup==0.1.4 (make install does it)"
    )
    seeding = stand_in("gym.utils.seeding", np_random=gym.utils.seeding.np_random)
    modules = [
        stand_in("gym", Env=object, spaces=gym.spaces),
        stand_in("gym.utils", seeding=seeding),
        seeding,
        stand_in("gym.envs"),
        stand_in("gym.envs.registration", register=lambda **kwargs: None),
        stand_in("poetry_version", extract=lambda source_file: "0.1.4"),
    ]
    with pytest.MonkeyPatch.context() as patch:
        for module in modules:
            patch.setitem(sys.modules, module.__name__, module)
        yield importlib.import_module("gym_cartpole_swingup.envs.cartpole_swingup")


def oracle_of(original: ModuleType, version: str) -> Any:
    return getattr(original, f"CartPoleSwingUp{version.upper()}")()


def put(oracle: Any, state: np.ndarray) -> None:
    """Into a state in float64: its own reset leaves float32, which NumPy 2 would then keep in all its arithmetic."""
    oracle.state = type(oracle.state)(*map(float, state))


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_single_environment_equals_the_original(original: ModuleType, version: str) -> None:
    env, oracle = gym.make(f"CartPoleSwingUp-{version}"), oracle_of(original, version)
    rng = np.random.default_rng(0)
    oracle.reset()
    env.reset(seed=1)
    put(oracle, env.unwrapped.state)
    ends = {"terminated": 0, "truncated": 0}
    for _ in range(STEPS):
        action = rng.uniform(-1.5, 1.5, 1).astype(np.float32)
        obs, reward, terminated, truncated, _ = env.step(action)
        want_obs, want_reward, want_terminated, _ = oracle.step(action.astype(np.float64))
        np.testing.assert_allclose(obs, want_obs, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(env.unwrapped.state, oracle.state, rtol=1e-10, atol=1e-10)
        assert reward == pytest.approx(want_reward, abs=1e-6)
        assert terminated == want_terminated
        ends["terminated"] += terminated
        ends["truncated"] += truncated
        if terminated or truncated:
            env.reset()
            put(oracle, env.unwrapped.state)
    assert min(ends.values()) > 0


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_batched_environment_equals_the_original(original: ModuleType, version: str) -> None:
    num_envs = 8
    envs = gym.make_vec(f"CartPoleSwingUp-{version}", num_envs, vectorization_mode="vector_entry_point")
    oracles = [oracle_of(original, version) for _ in range(num_envs)]
    rng = np.random.default_rng(1)
    envs.reset(seed=2)
    for oracle, state in zip(oracles, envs.states, strict=True):
        oracle.reset()
        put(oracle, state)
    elapsed = np.zeros(num_envs, int)
    ends = 0
    for _ in range(520):
        actions = rng.uniform(-1.5, 1.5, (num_envs, 1)).astype(np.float32)
        obs, rewards, terminated, truncated, infos = envs.step(actions)
        elapsed += 1
        np.testing.assert_array_equal(truncated, elapsed >= 500)
        for e, oracle in enumerate(oracles):
            want_obs, want_reward, want_terminated, _ = oracle.step(actions[e].astype(np.float64))
            ended = terminated[e] or truncated[e]
            np.testing.assert_allclose(infos["final_obs"][e] if ended else obs[e], want_obs, rtol=1e-6, atol=1e-6)
            assert rewards[e] == pytest.approx(want_reward, abs=1e-6)
            assert terminated[e] == want_terminated
            if ended:
                put(oracle, envs.states[e])
                elapsed[e] = 0
                ends += 1
    assert ends >= num_envs


def test_reset_equals_the_original_which_rounds_to_float32(original: ModuleType) -> None:
    oracle, env = oracle_of(original, "v0"), gym.make("CartPoleSwingUp-v0")
    oracle.seed(3)
    for seed in (3, *[None] * 20):
        oracle.reset()
        env.reset(seed=seed)
        np.testing.assert_array_equal(env.unwrapped.state.astype(np.float32), oracle.state)


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_check_env(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    check_env(gym.make(f"CartPoleSwingUp-{version}").unwrapped)


def test_rgb_array_shows_cart_and_pole_where_they_are() -> None:
    env = gym.make("CartPoleSwingUp-v1", render_mode="rgb_array")
    env.reset(seed=0)
    left_edges, poles = [], []
    for x, theta in ((0.0, 0.0), (1.2, np.pi / 2)):
        env.unwrapped.state[:] = (x, 0.0, theta, 0.0)
        image = env.render()
        assert image.shape == (400, 600, 3)
        assert image.dtype == np.uint8
        left_edges.append(np.argwhere((image == 0).all(-1))[:, 1].min())
        poles.append(np.argwhere((image == (202, 152, 101)).all(-1)).mean(0))
    pixels_per_metre = 600 / (2 * X_LIMIT + 1)
    assert left_edges[1] - left_edges[0] == pytest.approx(1.2 * pixels_per_metre, abs=2)
    assert poles[0][0] < 200  # upright: above the cart
    assert poles[1][0] == pytest.approx(220, abs=2)  # a quarter turn clockwise: level with it, to its right
    assert poles[1][1] > left_edges[1] + 50
    env.close()


def test_human_mode_draws_to_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame = pytest.importorskip("pygame")
    env = gym.make("CartPoleSwingUp-v0", render_mode="human")
    env.reset(seed=0)
    env.step(env.action_space.sample())
    window = pygame.surfarray.array3d(pygame.display.get_surface())
    assert (window == (202, 152, 101)).all(-1).any()
    env.close()
    assert not pygame.display.get_init()


def test_registered_once_and_only_our_ids() -> None:
    assert algos.envs.make_vec("CartPoleSwingUp-v1", 2, {}, "auto").task is TASKS["v1"]
    assert gym.spec("CartPole-v1").vector_entry_point != gym.spec("CartPoleSwingUp-v1").vector_entry_point
    assert gym.spec("CartPoleSwingUp-v0").max_episode_steps == 500
