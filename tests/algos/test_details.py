"""Details of PPO that are options: each against its formula, and each changes what is trained."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from algos.core.loop import Trainer
from algos.envs import make_vec
from algos.envs.batched import BatchedEnv
from algos.envs.errors import TaskError
from algos.streams import environment_seeds, evaluation_seeds
from sweeps.errors import InputError
from sweeps.evaluation import evaluate
from sweeps.trained import load_agents
from tests.composing import composed, train_rows, trainer
from tests.core.test_bytes import rows_of_seed
from tests.sweeps import command

SIZES = ["num_envs=2", "num_steps=32", "num_seeds=2", "policy.hidden=[8]", "value.hidden=[8]", "iterations=4"]
EPOCHS = ["algo.target_kl=null", "algo.update_epochs=3"]
PPO = ["algo=ppo", "env=pendulum", "critic=joint", *EPOCHS, *SIZES]


def after(run: Trainer, iterations: int) -> dict[str, np.ndarray]:
    """The state after some iterations."""
    while run.next_iteration < iterations:
        next(iter(run))
    return {name: np.array(value) for name, value in run.state_dict().items()}


def test_a_linear_clip_range_is_each_iterations_constant_one():
    """The third of four iterations from 0.2 on, from one state, has the bits of one with ε = 0.1."""
    annealed = trainer(*PPO, "algo.clip_coef=0.2", "algo.clip_schedule=linear")
    state = after(annealed, 2)
    results = {}
    for clip_coef in (0.1, 0.2):
        constant = trainer(*PPO, f"algo.clip_coef={clip_coef}")
        constant.load_state_dict(state)
        results[clip_coef] = after(constant, 3)["policy.params"]
    found = after(annealed, 3)["policy.params"]
    np.testing.assert_array_equal(found, results[0.1])
    assert not np.array_equal(found, results[0.2])


@pytest.mark.parametrize("step", ["joint", "separate"])
def test_value_clipping_holds_the_values_near_the_old_ones(step):
    """A range that is never left changes nothing; a narrow one does."""
    settings = ["algo=ppo", "env=pendulum", f"critic={step}", *EPOCHS, *SIZES, "algo.num_minibatches=2", "iterations=1"]
    settings += ["critic.num_minibatches=2"] if step == "separate" else []
    moved = {}
    for clip_coef in ("null", "1e6", "0.001"):
        run = trainer(*settings, f"critic.clip_coef={clip_coef}")
        before = run.critic.params.detach().numpy().copy()
        moved[clip_coef] = after(run, 1)["critic.params"] - before
    np.testing.assert_allclose(moved["1e6"], moved["null"], atol=1e-5)
    assert np.linalg.norm(moved["0.001"] - moved["null"]) > 0.1 * np.linalg.norm(moved["null"])


@pytest.mark.parametrize("algo", ["ppo", "ppo_penalty"])
def test_recomputed_advantages_are_those_of_the_critic_of_each_epoch(algo):
    """As the explicit sum of TD errors (no episode of Pendulum ends in 32 steps); without, those of the first."""
    settings = [f"algo={algo}", "env=pendulum", "critic=joint", *EPOCHS, *SIZES]
    settings += ["algo.advantage_normalisation=none", "gamma=0.9", "gae_lambda=0.8"]
    for recompute in (True, False):
        run = trainer(*settings, f"algo.recompute_advantages={recompute}")
        rollout = run.collector.collect(run.policy)
        estimates, _ = run.fit(rollout)
        critics, batches, descend = [], [], run.algorithm.descent.step

        def kept(loss, batch, active, critics=critics, batches=batches, descend=descend, run=run):
            critics.append(run.critic.params.detach().clone())
            batches.append(batch)
            descend(loss, batch, active)

        run.algorithm.descent.step = kept
        run.algorithm.update(run.policy, rollout, estimates, run.running)
        assert len(batches) == 3
        for params, batch in zip(critics if recompute else critics[:1] * 3, batches, strict=True):
            values = run.critic.predict(np.concatenate([rollout.obs, rollout.last_obs[:, None]], 1), params)
            deltas = rollout.rewards + 0.9 * values[:, 1:] - values[:, :-1]
            weights = np.triu(0.72 ** (np.arange(32) - np.arange(32)[:, None]).clip(0))  # (γλ)^(l − t) for l ≥ t
            advantages = np.einsum("tl,sln->stn", weights, deltas)
            np.testing.assert_allclose(batch.advantages, advantages.reshape(2, -1), rtol=1e-4, atol=1e-3)
            np.testing.assert_allclose(
                batch.returns, (advantages + values[:, :-1]).reshape(2, -1), rtol=1e-4, atol=1e-3
            )
        assert not np.allclose(critics[0], critics[2])


def test_advantages_that_nothing_would_change_are_not_recomputed():
    with pytest.raises(InputError, match=r"expected: critic=joint"):
        composed("algo=ppo", "algo.recompute_advantages=true", "critic=separate")


def test_rows_do_not_depend_on_what_ran_beside(tmp_path):
    details = ["algo.clip_schedule=linear", "algo.recompute_advantages=true", "critic.clip_coef=0.2"]
    rows = []
    for name, overrides in {"alone": ["seed=1", "num_seeds=1"], "among": ["seed=0", "num_seeds=3"]}.items():
        (tmp_path / name).mkdir()
        settings = [*PPO, *details, "algo.num_minibatches=4", *overrides]
        rows.append(rows_of_seed(train_rows(tmp_path / name, settings), 1))
    assert rows[0] == rows[1]
    assert len(rows[0]) == 4


class Told(gym.Env):
    """Rewards the sum of the action it is told; the box is given."""

    observation_space = spaces.Box(-1, 1, (1,))

    def __init__(self, low, high):
        self.action_space = spaces.Box(np.float32(low), np.float32(high))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action):
        return np.zeros(1, np.float32), float(action @ [1, 100]), False, False, {}


gym.register("Told-v0", Told, max_episode_steps=50)


def test_rescaled_actions_fill_a_lopsided_box():
    envs = make_vec("Told-v0", 3, {"low": [-1, 2], "high": [3, 4]}, "sync", rescale_actions=True)
    np.testing.assert_array_equal(envs.single_action_space.low, [-1, -1])
    np.testing.assert_array_equal(envs.single_action_space.high, [1, 1])
    envs.reset(seed=[0, 1, 2])
    rewards = envs.step(np.array([[-1, -1], [0, 0], [1, 0.5]], np.float32))[1]
    np.testing.assert_allclose(rewards, [-1 + 200, 1 + 300, 3 + 350])


def test_actions_without_bounds_cannot_be_rescaled():
    with pytest.raises(TaskError, match="without bounds"):
        make_vec("Told-v0", 1, {"low": [-1, -np.inf], "high": [1, np.inf]}, "sync", rescale_actions=True)


def test_pendulums_torque_is_twice_the_rescaled_action():
    """A policy's action of 1 is the whole torque of 2; rewards are those of Gymnasium's own environment."""
    settings = ["algo=ppo", "env=pendulum", *SIZES, "num_seeds=1"]
    run = trainer(*settings, "env.rescale_actions=true")
    rollout = run.collector.collect(run.policy)
    assert np.abs(rollout.actions).max() > 1.5
    rewards = {}
    for factor in (2.0, 1.0):
        env = gym.make("Pendulum-v1")
        env.reset(seed=environment_seeds([0], 2)[0])
        torques = [factor * np.clip(action, -1, 1) for action in rollout.actions[0, :, 0]]
        rewards[factor] = [env.step(torque)[1] for torque in torques]
    np.testing.assert_allclose(rollout.rewards[0, :, 0], rewards[2.0], rtol=1e-5)
    assert not np.allclose(rollout.rewards[0, :, 0], rewards[1.0], rtol=1e-2)


def test_a_box_that_fits_already_stays_batched():
    for env_id, fits in {"CartPoleSwingUp-v1": True, "MountainCarContinuous-v0": True, "Pendulum-v1": False}.items():
        assert isinstance(make_vec(env_id, 2, {}, "auto", rescale_actions=True), BatchedEnv) == fits
        assert isinstance(make_vec(env_id, 2, {}, "auto"), BatchedEnv)


STATE_DEPENDENT = "policy.spread=state_dependent"
SQUASHED = ["policy.squash=tanh", "env.rescale_actions=true"]


@pytest.mark.parametrize("spread", ["state_dependent", "log_std"])
def test_the_spread_may_come_from_the_network(spread):
    """Its second half of outputs, which start at ``spread_init``; without, one number for all states."""
    settings = ["algo=ppo", "env=pendulum", *SIZES, f"policy.spread={spread}", "policy.spread_init=-0.5"]
    rng = np.random.default_rng(0)
    obs = rng.standard_normal((2, 5, 3)).astype(np.float32)
    flat, bent = (trainer(*settings, f"policy.last_layer_scale={scale}").policy for scale in (0.0, 1.0))
    np.testing.assert_allclose(flat.act(obs, np.ones((2, 5, 1), np.float32)), np.exp(-0.5), rtol=1e-6)

    means, ones = (
        bent.act(obs, None if noise is None else np.full((2, 5, 1), noise, np.float32)) for noise in (None, 1)
    )
    params = bent.params.detach().numpy()
    weights, biases = params[:, :24].reshape(2, 3, 8), params[:, 24:32]
    hidden = np.tanh(obs @ weights + biases[:, None])
    if spread == "state_dependent":
        outputs = hidden @ params[:, 32:48].reshape(2, 8, 2) + params[:, None, 48:]
        expected_means, log_std = outputs[..., :1], outputs[..., 1:]
        assert np.ptp(ones - means, axis=1).min() > 0.1
    else:
        expected_means = hidden @ params[:, 32:40].reshape(2, 8, 1) + params[:, None, 40:41]
        log_std = np.full((2, 5, 1), -0.5)
    np.testing.assert_allclose(means, expected_means, atol=1e-5)
    np.testing.assert_allclose(ones - means, np.exp(log_std), rtol=1e-4)


@pytest.mark.parametrize("overrides", [SQUASHED, SQUASHED[1:]], ids=["tanh", "clipped"])
def test_pendulums_torque_is_twice_the_squashed_action(overrides):
    """Rewards are those of Gymnasium's own environment, and log-probabilities those of tanh of what is kept."""
    run = trainer("algo=ppo", "env=pendulum", *SIZES, "num_seeds=1", *overrides)
    rollout = run.collector.collect(run.policy)
    assert np.abs(rollout.actions).max() > 1.5
    squash = np.tanh if overrides == SQUASHED else lambda actions: np.clip(actions, -1, 1)
    env = gym.make("Pendulum-v1")
    env.reset(seed=environment_seeds([0], 2)[0])
    rewards = [env.step(2 * squash(action))[1] for action in rollout.actions[0, :, 0]]
    np.testing.assert_allclose(rollout.rewards[0, :, 0], rewards, rtol=1e-5)
    actions, means = rollout.actions.reshape(1, -1), run.policy.act(rollout.steps.obs[:, :, 0], None)[0, :, 0]
    normal = torch.distributions.Normal(torch.tensor(means), 1.0).log_prob(torch.tensor(rollout.actions[0, :, 0, 0]))
    slope = 2 * np.log(np.cosh(actions[0].reshape(-1, 2)[:, 0])) if overrides == SQUASHED else 0.0
    np.testing.assert_allclose(rollout.log_probs.numpy().reshape(-1, 2)[:, 0], normal.numpy() + slope, atol=1e-4)


def test_squashed_actions_need_the_range_of_tanh():
    with pytest.raises(InputError, match=r"expected: env\.rescale_actions=True"):
        composed("env=pendulum", SQUASHED[0])


@pytest.mark.parametrize("algo", ["a2c", *(pytest.param(algo, marks=pytest.mark.slow) for algo in ("ppo", "trpo"))])
def test_squashed_policies_with_a_spread_per_state_learn_and_go_on(algo):
    """Two iterations in one go, or from a state after the first: the same bits, and not those of other policies."""
    settings = [f"algo={algo}", "env=swingup_v1", *SIZES]
    settings += [] if algo == "trpo" else ["algo.ent_coef=0.01"]
    both = [STATE_DEPENDENT, *SQUASHED]
    whole, first, resumed = (trainer(*settings, *both) for _ in range(3))
    before = whole.policy.params.detach().numpy().copy()
    state = after(first, 1)
    resumed.load_state_dict(state)
    found, expected = after(resumed, 2), after(whole, 2)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    assert np.isfinite(expected["policy.params"]).all()
    assert (before != expected["policy.params"]).mean() > 0.9
    for other in ([STATE_DEPENDENT], SQUASHED):
        params = after(trainer(*settings, *other), 2)["policy.params"]
        assert params.shape != before.shape or not np.allclose(params, expected["policy.params"])


@pytest.mark.parametrize("algo", ["ppo", pytest.param("trpo", marks=pytest.mark.slow)])
def test_rows_of_squashed_policies_do_not_depend_on_what_ran_beside(tmp_path, algo):
    settings = [f"algo={algo}", "env=swingup_v1", *SIZES, "num_envs=3", "iterations=2"]
    settings += [STATE_DEPENDENT, *SQUASHED]
    settings += ["algo.ent_coef=0.01", "algo.num_minibatches=4", *EPOCHS] if algo == "ppo" else []
    rows = []
    for name, overrides in {"alone": ["seed=1", "num_seeds=1"], "among": ["seed=0", "num_seeds=3"]}.items():
        (tmp_path / name).mkdir()
        rows.append(rows_of_seed(train_rows(tmp_path / name, [*settings, *overrides]), 1))
    assert rows[0] == rows[1]
    assert len(rows[0]) == 2


@pytest.mark.slow
def test_loaded_squashed_policies_play_as_they_were_trained(tmp_path):
    """Their actions are those of the trained ones, and tanh of the mean is what an evaluation plays."""
    settings = [*command.sizes("ppo"), "env=pendulum", "env.max_episode_steps=20", "num_seeds=2", "iterations=2"]
    settings += [STATE_DEPENDENT, *SQUASHED]
    assert command.train(*settings, f"hydra.run.dir={tmp_path}").status == 0
    trained = trainer(*settings)
    for _ in trained:
        pass
    _, policy, _ = load_agents(tmp_path, range(2))
    obs, noise = (np.random.default_rng(0).standard_normal((2, 4, n)).astype(np.float32) for n in (3, 1))
    for drawn in (noise, None):
        np.testing.assert_array_equal(policy.act(obs, drawn), trained.policy.act(obs, drawn))

    played = evaluate(tmp_path, 1)
    for row in played[played["mode"] == "deterministic"].itertuples():
        env = gym.make("Pendulum-v1", max_episode_steps=20)
        obs, _ = env.reset(seed=evaluation_seeds(range(2), 1, 2)[row.seed])
        total, over = 0.0, False
        while not over:
            mean = policy.act(np.tile(obs, (2, 1, 1)), None)[row.seed, 0]
            obs, reward, terminated, truncated, _ = env.step(2 * np.tanh(mean))
            total, over = total + float(reward), terminated or truncated
        np.testing.assert_allclose(row[played.columns.get_loc("return") + 1], total, rtol=1e-4)
