"""The variants against each other, against Stable-Baselines3 and against sb3-contrib."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from sb3_contrib import TRPO as ContribTRPO
from stable_baselines3 import A2C as StableA2C
from stable_baselines3 import PPO as StablePPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.logger import Logger

import algos.envs  # noqa: F401  (registers the swing-up)
from tests.composing import VARIANTS, median_final_return, train_rows, trainer

SIZES = ["num_envs=4", "num_steps=64", "policy.hidden=[16]", "value.hidden=[16]", "policy.last_layer_scale=1.0"]
TASKS = {"cartpole": "CartPole-v1", "swingup": "CartPoleSwingUp-v0"}


def strip(rows: list[str], *names: str) -> list[tuple[str, ...]]:
    header = rows[0].split(",")
    return [tuple(row.split(",")[header.index(name)] for name in names) for row in rows[1:]]


@pytest.mark.parametrize("env", TASKS)
def test_a2c_is_ppo_with_one_epoch_and_one_batch(tmp_path, env):
    """Their gradients are summed in different orders (Huang et al. 2022, arXiv 2205.09123).

    Rounding a mean of 256 terms of about 100 costs at most 256 · 1e-16 · 100 in float64, which Adam divides by 1e-5 or
    more: 3e-7 of a step.
    """
    common = [f"env={env}", "num_seeds=2", "iterations=4", "dtype=float64", *SIZES]
    optimiser = ["learning_rate=0.01", "max_grad_norm=0.5", "eps=1e-5"]
    a2c = ["algo=a2c", "algo.normalise_advantages=false", *(f"algo.optimiser.{item}" for item in optimiser)]
    ppo = [
        "algo=ppo",
        "algo.update_epochs=1",
        "algo.num_minibatches=1",
        "algo.advantage_normalisation=none",
        *(f"algo.optimiser.{item}" for item in optimiser),
    ]
    compared = []
    for name, overrides in {"a2c": a2c, "ppo": ppo}.items():
        (tmp_path / name).mkdir()
        rows = train_rows(tmp_path / name, common + overrides)
        compared.append(strip(rows, "seed", "episodic_return", "value_loss", "entropy", "kl_old_new"))
    a2c_rows, ppo_rows = ([[float(cell or "nan") for cell in row] for row in rows] for rows in compared)
    np.testing.assert_allclose(a2c_rows, ppo_rows, rtol=1e-6)
    assert len({row[4] for row in compared[0]}) == 8  # every seed moved, in every iteration


def stable_model(model_class, env, run, **settings):
    """An SB3 model with the parameters of seed 1 of ``run``."""
    model = model_class(
        "MlpPolicy",
        gym.make(TASKS[env]),
        device="cpu",
        normalize_advantage=False,
        policy_kwargs={"net_arch": {"pi": [16], "vf": [16]}, "activation_fn": torch.nn.Tanh, "ortho_init": False},
        **settings,
    )
    policy, params, values = model.policy, run.policy.params[1].detach(), run.critic.params[1].detach()
    copy_into([policy.mlp_extractor.policy_net[0], policy.action_net], params)
    copy_into([policy.mlp_extractor.value_net[0], policy.value_net], values)
    if env == "swingup":
        policy.log_std.data.copy_(params[-1:])
    model.set_logger(Logger(folder=None, output_formats=[]))
    return model


def copy_into(layers, flat):
    start = 0
    for layer in layers:
        size = layer.weight.numel()
        layer.weight.data.copy_(flat[start : start + size].view(layer.in_features, layer.out_features).T)
        layer.bias.data.copy_(flat[start + size : start + size + layer.out_features])
        start += size + layer.out_features


def flat_from(layers, *extra):
    parts = [part for layer in layers for part in (layer.weight.data.T.flatten(), layer.bias.data)]
    return torch.cat([*parts, *extra]).numpy()


def stable_params(model, env):
    policy = model.policy
    extra = [policy.log_std.data] if env == "swingup" else []
    return flat_from([policy.mlp_extractor.policy_net[0], policy.action_net], *extra)


def stable_values(model):
    return flat_from([model.policy.mlp_extractor.value_net[0], model.policy.value_net])


def fill(model, rollout, estimates, env):
    """Give the model seed 1's rollout as its buffer."""
    T, N = rollout.rewards.shape[1:]
    space = model.env.action_space
    buffer = RolloutBuffer(T, model.env.observation_space, space, "cpu", n_envs=N)
    buffer.observations = rollout.obs[1].astype(np.float32)
    buffer.actions = rollout.actions[1].astype(np.float32)
    buffer.log_probs = rollout.log_probs[1].numpy().reshape(T, N)
    buffer.values = estimates.values[1].astype(np.float32)
    buffer.advantages = estimates.advantages[1].astype(np.float32)
    buffer.returns = estimates.returns[1].astype(np.float32)
    buffer.full = True
    model.rollout_buffer = buffer


def collect_and_estimate(run):
    """The first half of an iteration, up to the policy's update."""
    rollout = run.collector.collect(run.policy)
    return rollout, run.fit(rollout)[0]


def assert_same_update(run, model, env):
    """Seed 1 of ``run`` and ``model``, updated from one batch, end with the same parameters."""
    before = run.policy.params[1].detach().numpy().copy()
    rollout, estimates = collect_and_estimate(run)
    fill(model, rollout, estimates, env)
    model.train()
    run.algorithm.update(run.policy, rollout, estimates, run.running)
    after = run.policy.params[1].detach().numpy()
    assert np.abs(after - before).max() > 0.005
    np.testing.assert_allclose(after, stable_params(model, env), atol=2e-4)
    np.testing.assert_allclose(run.critic.params[1].detach().numpy(), stable_values(model), atol=2e-4)


@pytest.mark.parametrize("env", TASKS)
def test_ppo_update_is_that_of_stable_baselines(env):
    run = trainer(
        "algo=ppo",
        f"env={env}",
        "num_seeds=2",
        "critic=joint",
        "algo.clip_coef=0.2",
        "algo.update_epochs=4",
        "algo.num_minibatches=1",
        "algo.advantage_normalisation=none",
        "algo.target_kl=null",
        "algo.ent_coef=0.01",
        "algo.optimiser.learning_rate=0.01",
        "algo.optimiser.max_grad_norm=0.5",
        "algo.optimiser.eps=1e-5",
        *SIZES,
    )
    model = stable_model(
        StablePPO, env, run, n_steps=64, batch_size=256, n_epochs=4, ent_coef=0.01, learning_rate=0.01, vf_coef=0.5
    )
    assert_same_update(run, model, env)


@pytest.mark.parametrize("env", TASKS)
def test_a2c_update_is_that_of_stable_baselines(env):
    run = trainer(
        "algo=a2c",
        f"env={env}",
        "num_seeds=2",
        "critic=joint",
        "algo.normalise_advantages=false",
        "algo.ent_coef=0.01",
        "algo.optimiser.max_grad_norm=0.5",
        "algo.optimiser.eps=1e-5",
        *SIZES,
    )
    model = stable_model(
        StableA2C, env, run, n_steps=64, use_rms_prop=False, learning_rate=0.01, ent_coef=0.01, vf_coef=0.5
    )
    model.policy.optimizer = torch.optim.Adam(model.policy.parameters(), lr=0.01, eps=1e-5)
    assert_same_update(run, model, env)


@pytest.mark.parametrize("env", TASKS)
def test_trpo_step_is_that_of_sb3_contrib(env):
    """Enough CG iterations for their random start not to matter; a small region, where both KL directions agree."""
    run = trainer(
        "algo=trpo",
        f"env={env}",
        "num_seeds=2",
        "dtype=float32",
        "algo.cg_iters=60",
        "algo.cg_tolerance=1e-12",
        "algo.max_kl=1e-4",
        "algo.normalise_advantages=false",
        *SIZES,
    )
    model = stable_model(
        ContribTRPO, env, run, n_steps=64, cg_max_steps=60, cg_damping=0.1, target_kl=1e-4, n_critic_updates=0
    )
    before = run.policy.params[1].detach().numpy().copy()
    rollout, estimates = collect_and_estimate(run)
    fill(model, rollout, estimates, env)
    model.train()
    stats = run.algorithm.update(run.policy, rollout, estimates, run.running)
    assert stats["step_accepted"][1] == 1
    ours, theirs = run.policy.params[1].detach().numpy() - before, stable_params(model, env) - before
    assert np.linalg.norm(ours - theirs) < 0.02 * np.linalg.norm(theirs)


@pytest.mark.slow
@pytest.mark.parametrize("env", TASKS)
def test_trpo_never_leaves_its_region(tmp_path, env):
    rows = train_rows(tmp_path, ["algo=trpo", f"env={env}", "num_seeds=3", "iterations=12", "num_steps=128"])
    figures = [tuple(map(float, row)) for row in strip(rows, "kl_old_new", "step_accepted")]
    assert all(0 <= kl <= 0.01 * (1 + 1e-4) for kl, _ in figures)
    assert sum(accepted for _, accepted in figures) > 30
    assert max(kl for kl, _ in figures) > 0.005


def test_ppo_stops_each_seed_by_itself(tmp_path):
    settings = ["num_steps=64", "algo.update_epochs=10", "algo.num_minibatches=4", "algo.target_kl=0.002"]
    rows = train_rows(tmp_path, ["algo=ppo", "env=cartpole", "num_seeds=4", "iterations=3", *settings])
    steps = [int(row[0]) for row in strip(rows, "policy_steps")]
    assert min(steps) < 40
    assert len(set(steps)) > 1


@pytest.mark.slow
@pytest.mark.parametrize("algo", VARIANTS)
def test_every_variant_learns_cartpole(algo):
    run = trainer(f"algo={algo}", "env=cartpole", "num_seeds=3", "iterations=20", "num_steps=128")
    assert median_final_return(run) > 100
