"""Optimisers, estimators and critics from outside are named, checked, trained and resumed as ours are."""

import numpy as np
import pytest

from algos.build import make_trainer
from algos.conformance import CHECKS
from algos.rehearsal import Rehearsals
from sweeps.errors import InputError
from sweeps.run_config import validate
from tests.composing import plain

HERE = "tests.algos.outside_parts"
SMALL = ["algo=a2c", "num_envs=2", "num_steps=32", "critic.num_minibatches=1", "policy.hidden=[8]", "value.hidden=[8]"]


def content(**sections: dict) -> dict:
    """A2C's config with sections of one's own."""
    composed = plain(*SMALL, "num_seeds=2", "iterations=3")
    return composed | sections


def sign_descent(**changes) -> dict:
    settings = {"_target_": f"{HERE}.SignDescent", "learning_rate": 0.001, "schedule": "linear"}
    return settings | {"max_grad_norm": None, "eps": 1e-8, "beta": 0.9} | changes


def test_an_optimiser_steps_by_its_rule_on_its_schedule():
    algo = content()["algo"] | {"optimiser": sign_descent(beta=0.0)}
    run = make_trainer(validate(content(algo=algo)))
    before = run.policy.params.detach().numpy().copy()
    moved = []
    for _ in run:
        after = run.policy.params.detach().numpy().copy()
        moved.append(np.abs(after - before).max(axis=1))
        before = after
    np.testing.assert_allclose(moved, np.outer([3e-3, 2e-3, 1e-3], [1, 1]) / 3, rtol=1e-3)


def test_advantages_are_the_estimators():
    run = make_trainer(validate(content(estimator={"_target_": f"{HERE}.OneStep"})))
    transitions = run.collector.collect(run.policy)
    values, _ = run.critic.values(transitions)
    estimates, _ = run.fit(transitions)
    going_on = ~transitions.ended[:, :-1]
    expected = transitions.rewards[:, :-1] + 0.99 * values[:, 1:] - values[:, :-1]
    np.testing.assert_allclose(estimates.advantages[:, :-1][going_on], expected[going_on], rtol=1e-5)


def test_a_critic_that_is_not_fitted_stays():
    run = make_trainer(validate(content(critic={"_target_": f"{HERE}.Untrained", "clip_coef": None})))
    before = run.critic.params.detach().clone()
    rows = [iteration.stats for iteration in run]
    assert (run.critic.params == before).all()
    assert "value_loss" not in rows[0]
    assert run.next_iteration == 3


@pytest.mark.parametrize("promise", [name for name in CHECKS if "bytes" in name or "stopped" in name])
def test_they_keep_the_promises_together(promise):
    algo = content()["algo"] | {"optimiser": sign_descent()}
    CHECKS[promise](content(algo=algo, estimator={"_target_": f"{HERE}.OneStep"}))


def test_they_pass_a_rehearsal():
    critic = {"_target_": f"{HERE}.Untrained", "clip_coef": None}
    Rehearsals().check(validate(content(critic=critic, estimator={"_target_": f"{HERE}.OneStep"})))


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        (
            {"critic": {"_target_": f"{HERE}.Untrained", "clip_coef": 0.1}},
            r"^critic\.clip_coef=0\.1: nothing is clipped",
        ),
        ({"critic": {"_target_": f"{HERE}.OneStep", "clip_coef": 0.1}}, r"nested Settings\(CriticSettings\)"),
        ({"estimator": {"_target_": f"{HERE}.OneStep", "steps": 3}}, r"^estimator\.steps=3: unknown key"),
        ({"estimator": {"_target_": "algos.ppo.PPO"}}, r"^estimator\._target_='algos.ppo.PPO': has no settings class"),
    ],
)
def test_what_is_wrong_with_them_is_one_line(sections, words):
    with pytest.raises(InputError, match=words):
        validate(content(**sections))


def test_an_optimisers_setting_out_of_range_is_one_line():
    algo = content()["algo"] | {"optimiser": sign_descent(beta=1.0)}
    with pytest.raises(InputError, match=r"^algo\.optimiser\.beta=1\.0: expected: less than 1"):
        validate(content(algo=algo))
