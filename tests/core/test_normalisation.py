"""Observations and rewards against Gymnasium's statistics and SB3's VecNormalize; acting, saving and loading."""

from collections.abc import Callable

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.wrappers.utils import RunningMeanStd
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from algos.core.loop import Trainer
from algos.core.normalisation import ObservationNormaliser, RewardNormaliser, RunningMoments
from analysis.run_format import CHECKPOINT
from sweeps.trained import load_agents
from tests.composing import train_rows, trainer
from tests.core.test_bytes import rows_of_seed
from tests.sweeps import command

SIZES = ["num_envs=3", "num_steps=64", "num_seeds=2", "critic.num_minibatches=1", "critic.update_epochs=2"]
PATHS = ["env.vectorization=auto", "env.vectorization=sync"]
CLIP = 1.5


def kept(function: Callable) -> tuple[Callable, list]:
    """The function, and a list of what it has returned so far."""
    results: list = []
    return lambda *arguments: results.append(function(*arguments)) or results[-1], results


def spied(*overrides: str) -> tuple[Trainer, list, list]:
    """A run, the rollouts it has collected so far, and the noise that it acted by."""
    run = trainer(*overrides)
    run.collector.collect, rollouts = kept(run.collector.collect)
    run.collector.draw, noise = kept(run.collector.draw)
    return run, rollouts, noise


def test_moments_are_gymnasiums():
    """Over batches of several sizes; Gymnasium's with no pseudo-sample at the start."""
    rng = np.random.default_rng(0)
    ours, theirs = RunningMoments(2, 3), [RunningMeanStd(0.0, (3,)) for _ in range(2)]
    for size in (5, 1, 300):
        batch = rng.normal([1e3, 0, -5], [1, 1e-3, 40], (2, size, 3))
        ours.update(batch)
        for s, oracle in enumerate(theirs):
            oracle.update(batch[s])
            np.testing.assert_allclose(ours.mean[s], oracle.mean, rtol=1e-12)
            np.testing.assert_allclose(ours.variance[s], oracle.var, rtol=1e-9)


def test_a_seed_that_is_not_finite_leaves_the_statistics_and_the_others_alone():
    moments, alone = RunningMoments(2, 1), RunningMoments(1, 1)
    for values in ([1.0, 2.0], [np.nan, 3.0], [np.inf, 5.0]):
        batch = np.stack([np.array(values), np.arange(2.0)])[:, :, None]
        moments.update(batch)
        alone.update(batch[1:])
    assert (moments.mean[0], moments.count[0]) == (1.5, 2)
    assert (moments.mean[1], moments.variance[1]) == (alone.mean, alone.variance) == (0.5, 0.25)


def test_clipping_leaves_what_is_not_finite_to_be_seen():
    clipped = ObservationNormaliser(1, 4, np.float32, normalise=False, clip=2.0)(np.array([[[3, -1, np.inf, np.nan]]]))
    np.testing.assert_array_equal(clipped, [[[2, -1, np.inf, np.nan]]])


@pytest.mark.parametrize("path", PATHS)
def test_networks_see_what_gymnasiums_statistics_give(path):
    """Each rollout by the statistics of those before it; the last and the truncated observations too."""
    settings = ["env=swingup", "env.max_episode_steps=30", "normalisation.obs=true", f"normalisation.obs_clip={CLIP}"]
    run, rollouts, _ = spied(*settings, path, "iterations=3", *SIZES)
    statistics = [RunningMeanStd(0.0, (5,)) for _ in range(2)]
    for _ in run:
        rollout = rollouts[-1]
        for s, oracle in enumerate(statistics):
            seen = np.clip((rollout.steps.obs[s] - oracle.mean) / np.sqrt(oracle.var + 1e-8), -CLIP, CLIP)
            np.testing.assert_allclose(rollout.obs[s], seen, atol=2e-5)
            oracle.update(rollout.steps.obs[s].reshape(-1, 5).astype(np.float64))
    assert np.abs(rollout.obs).max() == CLIP
    assert len(rollout.final_obs) > 3
    assert np.abs(rollout.last_obs).max() <= CLIP
    assert np.abs(rollout.final_obs).max() <= CLIP
    last = rollouts[-2].last_obs, rollout.obs[:, 0]  # one observation, by the statistics before and after
    assert not np.allclose(*last)


@pytest.mark.parametrize("path", PATHS)
def test_the_policy_that_acts_is_the_one_that_learns(path):
    """Actions, from the noise and the rollout's own observations; the switch changes them."""
    settings = ["env=swingup", path, "iterations=3", "policy.last_layer_scale=1.0", *SIZES]
    actions = {}
    for normalised in ("true", "false"):
        run, rollouts, noise = spied(*settings, f"normalisation.obs={normalised}")
        for _ in run:
            pass
        rollout = rollouts[-1]
        expected = rollout.old.sample(rollout.flat(noise[-1])).numpy()
        np.testing.assert_allclose(rollout.flat(rollout.actions).numpy(), expected, atol=2e-5)
        actions[normalised] = rollout.actions
    assert not np.allclose(actions["true"], actions["false"], atol=0.01)


@pytest.mark.parametrize("path", PATHS)
def test_rows_do_not_depend_on_what_ran_beside(tmp_path, path):
    base = ["env=cartpole", "normalisation=running", path, *SIZES, "iterations=3"]
    rows = []
    for index, overrides in enumerate((["seed=2", "num_seeds=1", "threads=1"], ["seed=0", "num_seeds=4", "threads=2"])):
        (tmp_path / str(index)).mkdir()
        rows.append(rows_of_seed(train_rows(tmp_path / str(index), base + overrides), 2))
    assert rows[0] == rows[1]
    assert len(rows[0]) == 3


def test_a_run_goes_on_from_its_state_to_the_same_bits():
    settings = ["env=swingup", "normalisation=running", "iterations=4", *SIZES]
    whole, stopped = trainer(*settings), trainer(*settings)
    for iteration in stopped:
        if iteration.number == 1:
            break
    resumed = trainer(*settings)
    resumed.load_state_dict(stopped.state_dict())
    for run in (whole, resumed):
        for _ in run:
            pass
    for name, value in whole.state_dict().items():
        np.testing.assert_array_equal(resumed.state_dict()[name], value, err_msg=name)


@pytest.mark.slow
def test_loaded_policies_see_what_the_trained_ones_saw(tmp_path):
    """Raw observations in, the actions of the policy that was trained out; playing moves no statistics."""
    settings = (*command.sizes("ppo"), "num_seeds=3", "iterations=2", "env=swingup", "normalisation=running")
    assert command.train(*settings, f"hydra.run.dir={tmp_path}").status == 0
    assert (tmp_path / CHECKPOINT).exists()
    trained = trainer(*settings)
    for _ in trained:
        pass
    _, policy, _ = load_agents(tmp_path, range(1, 3))
    obs = np.random.default_rng(0).normal(0.5, 2.0, (2, 4, 5)).astype(np.float32)
    expected = trained.policy.act(np.concatenate([obs[:1], obs]), None)[1:]
    assert np.abs(expected).max() > 0
    for _ in range(2):
        np.testing.assert_array_equal(policy.act(obs, None), expected)
    policy.obs_normaliser = ObservationNormaliser(2, 5, np.float32, normalise=False, clip=None)
    assert not np.allclose(policy.act(obs, None), expected)


class Replay(VecEnv):
    """Rewards ``[T, N]`` and episode ends of a rollout, as an environment of Stable-Baselines3."""

    def __init__(self, rewards: np.ndarray, ended: np.ndarray) -> None:
        super().__init__(rewards.shape[1], spaces.Box(-1, 1, (1,)), spaces.Discrete(2))
        self.steps = iter(zip(rewards, ended, strict=True))

    def reset(self):
        return np.zeros((self.num_envs, 1), np.float32)

    def step_wait(self):
        return (self.reset(), *next(self.steps), [{} for _ in range(self.num_envs)])

    def step_async(self, actions):
        pass

    def close(self):
        pass

    env_is_wrapped = env_method = get_attr = set_attr = lambda self, *_, **__: [None] * self.num_envs


def test_the_discounted_return_is_vecnormalizes():
    """Over two rollouts that an episode spans; VecNormalize starts with a pseudo-sample of weight 1e-4."""
    rng = np.random.default_rng(1)
    rewards, ended = rng.normal(1, 3, (2, 400, 3)), rng.random((2, 400, 3)) < 0.05
    normaliser = RewardNormaliser(2, 3, 0.97, normalise=True, clip=None)
    parts = [normaliser(rewards[:, part], ended[:, part]) for part in (slice(0, 150), slice(150, 400))]
    for s in range(2):
        oracle = VecNormalize(Replay(rewards[s], ended[s]), norm_obs=False, gamma=0.97)
        oracle.reset()
        variances = []
        for _ in range(400):
            oracle.step(np.zeros(3))
            variances.append(oracle.ret_rms.var)
        np.testing.assert_allclose(normaliser.episode_return[s], oracle.returns, rtol=1e-12)
        for part, seen, last in zip(parts, (rewards[s, :150], rewards[s, 150:]), (149, 399), strict=True):
            np.testing.assert_allclose(part[s], seen / np.sqrt(variances[last]), rtol=1e-6)


def test_rewards_by_hand():
    """γ = ½: the returns are 2, 4 + 1 and, after the end, 6, of mean 13/3 and variance 26/9."""
    rewards, ended = np.array([2.0, 4.0, 6.0]).reshape(1, 3, 1), np.array([False, True, False]).reshape(1, 3, 1)
    learned = RewardNormaliser(1, 1, 0.5, normalise=True, clip=3.0)(rewards, ended)
    np.testing.assert_allclose(learned.ravel(), [2 / (26 / 9) ** 0.5, 4 / (26 / 9) ** 0.5, 3.0])
    clipped = RewardNormaliser(1, 1, 0.5, normalise=False, clip=3.0)(rewards, ended)
    assert clipped.ravel().tolist() == [2, 3, 3]


@pytest.mark.parametrize("switch", ["normalisation.reward=true", "normalisation.reward_clip=0.25"])
def test_returns_of_processed_rewards_are_learned_and_true_ones_reported(switch):
    settings = ["env=swingup", "env.max_episode_steps=30", "iterations=2", "gae_lambda=1.0", *SIZES]
    plain, plain_rollouts, _ = spied(*settings)
    changed, changed_rollouts, _ = spied(*settings, switch)
    plain.fit, plain_fits = kept(plain.fit)
    changed.fit, changed_fits = kept(changed.fit)
    first, second = next(iter(plain)), next(iter(changed))
    np.testing.assert_array_equal(first.stats["episodic_return"], second.stats["episodic_return"])
    rewards = plain_rollouts[0].rewards
    clipped = "clip" in switch
    expected = (
        np.clip(rewards, -0.25, 0.25)
        if clipped
        else rewards / changed.collector.reward_normaliser.moments.scale[:, :, None]
    )
    np.testing.assert_allclose(changed_rollouts[0].rewards, expected)
    assert not np.allclose(expected, rewards)
    assert not np.allclose(changed_fits[0][0].returns, plain_fits[0][0].returns)
    assert not np.allclose(first.stats["value_loss"], second.stats["value_loss"])
