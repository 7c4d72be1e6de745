"""One update of each variant against the same arithmetic for one seed in plain PyTorch, in float64.

Adam without momentum and with an ε far above any gradient is plain gradient descent, so that a step shows the gradient.
"""

from itertools import pairwise

import numpy as np
import pytest
import torch

from algos.core.loop import Trainer
from algos.core.transitions import Estimates, Transitions
from algos.ppo_penalty import adapted
from tests.algos.plain import action_distribution, network
from tests.composing import trainer

RATE = 0.5
DESCENT = (
    *("algo.optimiser.learning_rate=0.5e9", "algo.optimiser.eps=1e9"),
    *("algo.optimiser.beta1=0", "algo.optimiser.beta2=0"),
)
SIZES = (
    *("num_seeds=2", "num_envs=3", "num_steps=20", "env.max_episode_steps=7", "dtype=float64", "gamma=0.9"),
    *("policy.hidden=[5]", "policy.last_layer_scale=1", "policy.spread_init=-0.5", "value.hidden=[5]"),
    *("critic.num_minibatches=1", "critic.update_epochs=3"),
)

each_env = pytest.mark.parametrize("env", ["cartpole", "swingup"])


class Before:
    """What one seed learns from, as plain tensors: taken after the rollout and the fit of the critic."""

    def __init__(
        self, run: Trainer, rollout: Transitions, estimates: Estimates, critic_params: torch.Tensor, seed: int
    ) -> None:
        self.sizes, self.discrete = (
            run.policy.network.sizes,
            not len(run.policy.params[0]) > run.policy.network.num_params,
        )
        self.params = run.policy.params[seed].detach().clone()
        self.value = lambda obs: network(critic_params[seed], torch.from_numpy(obs), run.critic.network.sizes)[..., 0]
        self.obs = torch.from_numpy(rollout.obs[seed]).flatten(0, 1)
        self.actions = torch.from_numpy(rollout.actions[seed]).flatten(0, 1)
        self.advantages = torch.from_numpy(estimates.advantages[seed]).flatten()

    def at(self, params: torch.Tensor, obs: torch.Tensor | None = None) -> torch.distributions.Distribution:
        return action_distribution(params, self.obs if obs is None else obs, self.sizes, self.discrete)

    def log_probs(self, params: torch.Tensor) -> torch.Tensor:
        return self.at(params).log_prob(self.actions[:, 0] if self.discrete else self.actions)

    def surrogate(self, params: torch.Tensor) -> torch.Tensor:
        ratio = torch.exp(self.log_probs(params) - self.log_probs(self.params))
        return (ratio * self.normalised()).mean()

    def normalised(self) -> torch.Tensor:
        return (self.advantages - self.advantages.mean()) / self.advantages.std(correction=0)

    def mean_kl(self, params: torch.Tensor, obs: torch.Tensor | None = None) -> torch.Tensor:
        return torch.distributions.kl_divergence(self.at(self.params, obs), self.at(params, obs)).mean()


def updated(*overrides: str) -> tuple[Trainer, Transitions, list[Before], dict]:
    """A run after one update; what its seeds learned from; what it reported."""
    run = trainer(*overrides, *SIZES)
    critic_params = run.critic.params.detach().clone()
    rollout = run.collector.collect(run.policy)
    estimates, _ = run.fit(rollout)
    before = [Before(run, rollout, estimates, critic_params, seed) for seed in range(2)]
    return run, rollout, before, run.algorithm.update(run.policy, rollout, estimates, run.running)


def assert_params(run: Trainer, expected: list[torch.Tensor], before: list[Before]) -> None:
    """Each seed's policy is the expected one, and not nearly the one before."""
    for seed, params in enumerate(expected):
        change = (params - before[seed].params).numpy()
        assert np.abs(change).max() > 1e-3
        found = (run.policy.params[seed] - before[seed].params).detach().numpy()
        np.testing.assert_allclose(found, change, rtol=1e-5, atol=1e-8)


def gradient(function, params: torch.Tensor) -> torch.Tensor:
    params = params.clone().requires_grad_()
    return torch.autograd.grad(function(params), params)[0]


def rewards_to_go(rollout: Transitions, seed: int, before: Before, gamma: float) -> torch.Tensor:
    """Discounted sums to the end of each episode; where it is cut, the value of the state reached takes over."""
    final_obs = {tuple(index): obs for index, obs in zip(rollout.steps.final_index, rollout.final_obs, strict=True)}
    num_steps, num_envs = rollout.rewards.shape[1:]
    returns = np.zeros((num_steps, num_envs))
    for start in range(num_steps):
        for n in range(num_envs):
            for t in range(start, num_steps):
                returns[start, n] += gamma ** (t - start) * rollout.rewards[seed, t, n]
                if rollout.terminated[seed, t, n]:
                    break
                if rollout.steps.truncated[seed, t, n] or t == num_steps - 1:
                    reached = final_obs.get((seed, t, n), rollout.last_obs[seed, n])
                    returns[start, n] += gamma ** (t - start + 1) * float(before.value(reached))
                    break
    return torch.from_numpy(returns).flatten()


@each_env
@pytest.mark.parametrize("baseline", ["true", "false"])
def test_reinforce_weighs_scores_with_rewards_to_go(env, baseline):
    run, rollout, before, _ = updated("algo=reinforce", f"algo.baseline={baseline}", f"env={env}", *DESCENT)
    assert rollout.steps.truncated[:, :-1].any()
    expected = []
    for seed, one in enumerate(before):
        weights = rewards_to_go(rollout, seed, one, 0.9)
        if baseline == "true":
            weights = weights - one.value(one.obs.numpy())
        ascent = gradient(lambda params, one=one, weights=weights: (one.log_probs(params) * weights).mean(), one.params)
        expected.append(one.params + RATE * ascent)
    assert_params(run, expected, before)


def natural_direction(one: Before, damping: float, obs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """F⁻¹g with F written out as the Hessian of KL, and gᵀF⁻¹g."""
    ascent = gradient(one.surrogate, one.params)
    fisher = torch.autograd.functional.hessian(lambda params: one.mean_kl(params, obs), one.params)
    direction = torch.linalg.solve(fisher + damping * torch.eye(len(ascent), dtype=fisher.dtype), ascent)
    return direction, ascent @ direction


@each_env
@pytest.mark.parametrize(("fraction", "stride"), [(1.0, 1), (0.25, 4)])
@pytest.mark.parametrize("step", ["npg by max_kl", "npg by kl_coef", "trpo"])
def test_natural_steps_are_those_of_the_explicit_fisher_matrix(env, fraction, stride, step):
    algo, _, by = step.partition(" by ")
    settings = {
        "max_kl": ("algo.max_kl=0.02",),
        "kl_coef": ("algo.max_kl=null", "algo.kl_coef=8"),
        "": ("algo.max_kl=0.02",),
    }[by]
    solver = ("algo.cg_iters=200", "algo.cg_tolerance=1e-26", "algo.cg_damping=0.05")
    run, rollout, before, stats = updated(
        f"algo={algo}", f"env={env}", f"algo.fisher_fraction={fraction}", *settings, *solver
    )
    expected = []
    for seed, one in enumerate(before):
        rows = torch.from_numpy(rollout.obs[seed, ::stride]).flatten(0, 1)
        direction, curvature = natural_direction(one, 0.05, rows)
        size = 1 / 8 if by == "kl_coef" else torch.sqrt(0.04 / curvature)
        if algo == "trpo":
            assert stats["step_accepted"][seed]
            size = size * 0.8 ** int(stats["backtracks"][seed])
        expected.append(one.params + size * direction)
    assert not stats["cg_failed"].any()
    assert_params(run, expected, before)


@each_env
@pytest.mark.parametrize(
    ("kl_coef", "overrides"),
    [
        (3.0, ("algo=ppo_penalty", "algo.kl_coef=3")),
        (0.0, ("algo=ppo", "algo.clip_coef=null", "algo.target_kl=null")),
    ],
)
@pytest.mark.slow
def test_penalised_and_unclipped_ppo_ascend_their_objectives(env, kl_coef, overrides):
    """Three steps, so that ratios leave 1 and the penalty has a gradient."""
    run, _, before, _ = updated(*overrides, "algo.update_epochs=3", f"env={env}", *DESCENT)
    expected = []
    for one in before:
        params = one.params
        for _ in range(3):
            params = params + RATE * gradient(
                lambda params, one=one: one.surrogate(params) - kl_coef * one.mean_kl(params), params
            )
        expected.append(params)
    assert_params(run, expected, before)


def test_adaptation_of_the_penalty_by_hand():
    """d_targ = 0.3: halved below 0.2, doubled above 0.45, kept between, at both ends, and where there is no number."""
    kl = torch.tensor([0.0, 0.199, 0.2 + 1e-6, 0.3, 0.45 - 1e-6, 0.451, 7.0, torch.nan], dtype=torch.float64)
    kl_coef = torch.tensor([1.0, 3.0, 3.0, 3.0, 3.0, 3.0, 0.25, 3.0], dtype=torch.float64)
    assert adapted(kl_coef, kl, 0.3).tolist() == [0.5, 1.5, 3.0, 3.0, 3.0, 6.0, 0.5, 3.0]


def test_each_seed_adapts_its_own_penalty():
    """The coefficients of an iteration follow from the KL that the iteration before reports."""
    run = trainer("algo=ppo_penalty", "num_seeds=4", "num_envs=2", "num_steps=32", "iterations=12")
    iterations = [iteration.stats for iteration in run]
    assert iterations[0]["kl_coef"].tolist() == [1.0] * 4
    factors = set()
    for earlier, later in pairwise(iterations):
        for before, after, kl in zip(earlier["kl_coef"], later["kl_coef"], earlier["kl_old_new"], strict=True):
            assert after / before == (0.5 if kl < 0.01 / 1.5 else 2.0 if kl > 0.015 else 1.0)
            factors.add(after / before)
    assert factors == {0.5, 1.0, 2.0}
    assert len(set(iterations[-1]["kl_coef"])) > 1


def test_a_fixed_penalty_stays():
    run = trainer("algo=ppo_penalty", "algo.target_kl=null", "algo.kl_coef=0.3", "num_envs=2", "num_steps=32")
    coefficients = [next(iter(run)).stats["kl_coef"].item() for _ in range(5)]
    assert coefficients == [0.3] * 5


@pytest.mark.parametrize("algo", ["reinforce", "npg", "ppo_penalty"])
def test_a_run_goes_on_from_its_state(algo):
    overrides = [f"algo={algo}", "num_seeds=3", "num_envs=2", "num_steps=32", "iterations=8", "critic.update_epochs=2"]
    if algo == "ppo_penalty":
        overrides += ["algo.num_minibatches=4", "algo.update_epochs=5"]
    whole = [iteration.stats for iteration in trainer(*overrides)]
    first = trainer(*overrides)
    for iteration in first:
        if iteration.number == 3:
            break
    resumed = trainer(*overrides)
    resumed.load_state_dict(first.state_dict())
    for iteration in resumed:
        for name, value in iteration.stats.items():
            np.testing.assert_array_equal(value, whole[iteration.number][name], name)
    assert iteration.number == 7
    if algo == "ppo_penalty":
        assert any(whole[4]["kl_coef"] != whole[0]["kl_coef"])  # there was something to lose
