"""Normalised observations against Gymnasium's own statistics, and what stands on them: acting, saving, loading."""

from collections.abc import Callable

import numpy as np
import pytest
from gymnasium.wrappers.utils import RunningMeanStd

from algos.core.loop import Trainer
from algos.core.normalisation import ObservationNormaliser, RunningMoments
from sweeps.run_directory import CHECKPOINT
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
            seen = np.clip((rollout.raw_obs[s] - oracle.mean) / np.sqrt(oracle.var + 1e-8), -CLIP, CLIP)
            np.testing.assert_allclose(rollout.obs[s], seen, atol=2e-5)
            oracle.update(rollout.raw_obs[s].reshape(-1, 5).astype(np.float64))
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
    policy.observations = ObservationNormaliser(2, 5, np.float32, normalise=False, clip=None)
    assert not np.allclose(policy.act(obs, None), expected)
