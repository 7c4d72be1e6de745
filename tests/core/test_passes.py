"""Compiled passes against the same steps made one by one, and the steps that they leave alone."""

import pytest
import torch

from algos import epochs
from algos.build import make_trainer
from algos.core import passes
from algos.core.passes import one_by_one
from algos.rows import together
from tests.composing import composed

SMALL = ("algo=ppo_sb3", "num_seeds=3", "num_envs=2", "num_steps=48", "iterations=3", "algo.update_epochs=3")
MINIBATCHED = (*SMALL, "algo.num_minibatches=4")
REPEATED = {
    "a discrete choice and a joint critic": ("env=cartpole", "critic=joint", "algo.ent_coef=0.01"),
    "a Gaussian and a clipped critic": ("env=pendulum", "critic=joint", "critic.clip_coef=0.2", "critic.vf_coef=0.25"),
    "recomputed advantages": ("env=pendulum", "critic=joint", "algo.recompute_advantages=true"),
    "a policy alone": ("env=cartpole", "algo.kl_estimator=log_ratio", "algo.optimiser.max_grad_norm=null"),
    "float64": ("env=pendulum", "critic=joint", "dtype=float64", "network=post"),
    "no clipping": ("env=cartpole", "critic=joint", "algo.clip_coef=null"),
}
RMSPROP = (
    "algo.optimiser._target_=algos.core.optimiser.RMSprop",
    "+algo.optimiser.decay=0.99",
    "~algo.optimiser.beta1",
    "~algo.optimiser.beta2",
)
LEFT = {
    "one batch": ("algo.num_minibatches=1",),
    "steps that may stop a seed": ("algo.num_minibatches=4", "algo.target_kl=0.5"),
    "another optimiser": ("algo.num_minibatches=4", *RMSPROP),
    "more rows than a block": ("num_envs=64", "algo.num_minibatches=2"),
    "a head without kernels": ("algo.num_minibatches=4", "policy.spread=state_dependent"),
}


@pytest.fixture
def repeated(monkeypatch):
    """The number of calls of the compiled loop so far, in a list."""
    calls = [0]
    steps = passes.steps

    def counted(*arguments):
        calls[0] += 1
        return steps(*arguments)

    monkeypatch.setattr(passes, "steps", counted)
    return calls


def outcome(config, failed=()):
    """The parameters after all iterations, and the numbers that were reported. Some seeds have failed before."""
    run = make_trainer(config)
    run.running[list(failed)] = False
    rows = [iteration.stats for iteration in run]
    return run.policy.params.detach(), rows


def assert_same(one, other):
    assert torch.equal(one[0], other[0])
    for row, expected in zip(one[1], other[1], strict=True):
        assert row.keys() == expected.keys()
        for name in expected:
            assert row[name].tolist() == pytest.approx(expected[name].tolist(), rel=0, abs=0, nan_ok=True), name


@pytest.mark.parametrize("failed", [(), (1,)], ids=["", "a seed has failed"])
@pytest.mark.parametrize("name", REPEATED)
def test_a_compiled_pass_has_the_bits_of_its_steps(monkeypatch, repeated, name, failed):
    config = composed(*MINIBATCHED, *REPEATED[name])
    found = outcome(config, failed)
    assert repeated == [3 * 3]
    monkeypatch.setattr(epochs, "CompiledPasses", one_by_one)
    assert_same(found, outcome(config, failed))
    assert repeated == [3 * 3]


def test_runs_whose_settings_differ_have_their_own_bits(repeated):
    settings = ("algo.clip_coef=0.1", "algo.clip_coef=0.3", "critic.vf_coef=0.1", "algo.optimiser.max_grad_norm=0.1")
    configs = [composed(*MINIBATCHED, "env=cartpole", "critic=joint", "num_seeds=1", setting) for setting in settings]
    params, _ = outcome(together(configs))
    assert repeated == [3 * 3]
    for row, config in zip(params, configs, strict=True):
        assert torch.equal(row, outcome(config)[0][0])


@pytest.mark.parametrize("name", LEFT)
def test_other_steps_are_made_one_by_one(repeated, name):
    outcome(composed(*SMALL, "env=pendulum", "iterations=1", *LEFT[name]))
    assert repeated == [0]


class Halved:
    """Descends half of the policy's loss, by a tensor operation that no kernel knows."""

    def __init__(self, descent) -> None:
        self.descent = descent

    def step(self, loss, batch, active):
        self.descent.step(loss / 2, batch, active)

    def can_record(self, policy):
        return self.descent.can_record(policy)


def test_a_step_that_does_more_with_the_loss_is_made_one_by_one(repeated):
    run = make_trainer(composed(*MINIBATCHED, "env=cartpole", "critic=joint"))
    run.algorithm.descent = Halved(run.algorithm.descent)
    rows = [iteration.stats for iteration in run]
    assert repeated == [0]
    assert rows[-1]["policy_steps"].tolist() == [12] * 3
