"""Every variant solves tasks whose values and best actions are known; each task catches errors of its own kind."""

from functools import cache

import numpy as np
import pytest
import torch

from algos.build import make_trainer
from algos.config import Config
from algos.core.loop import Trainer
from tests.composing import composed

GAMMA = 0.5
ONE_STEP = ("algo.optimiser.learning_rate=0.05",)
EPOCHS = ("algo.update_epochs=5", "algo.optimiser.learning_rate=0.03", "algo.optimiser.schedule=linear")
VARIANTS = {
    "reinforce": ("algo=reinforce", *ONE_STEP),
    "reinforce without baseline": (
        *("algo=reinforce", "algo.baseline=false", "algo.optimiser.learning_rate=0.03"),
        *("policy.hidden=[]", "num_envs=20", "iterations=60"),  # its gradient is by far the noisiest
    ),
    "a2c": ("algo=a2c", *ONE_STEP),
    "npg": ("algo=npg", "algo.max_kl=0.02"),
    "npg, fixed step": ("algo=npg", "algo.max_kl=null", "algo.kl_coef=3"),
    "trpo": ("algo=trpo", "algo.max_kl=0.05", "algo.fisher_fraction=0.5"),
    "ppo": ("algo=ppo", *EPOCHS, "algo.target_kl=null"),
    "ppo, joint critic": ("algo=ppo", *EPOCHS, "algo.target_kl=null", "critic=joint", "critic.vf_coef=1"),
    "ppo, unclipped": ("algo=ppo", *EPOCHS, "algo.target_kl=0.03", "algo.clip_coef=null"),
    "ppo_penalty": ("algo=ppo_penalty", *EPOCHS, "algo.target_kl=0.03"),
}
SIZES = (
    *("num_seeds=2", "num_envs=8", "num_steps=10", "iterations=30", f"gamma={GAMMA}"),
    *("policy.hidden=[8]", "policy.spread_init=-0.7", "value.hidden=[8]", "env.module=algos.envs.probe_tasks"),
)
CRITIC = ("critic.update_epochs=10", "critic.num_minibatches=1", "critic.optimiser.learning_rate=0.03")
START, SECOND = [0.0, 0.0], [1.0, 0.0]

each_variant = pytest.mark.parametrize("variant", VARIANTS)
each_form = pytest.mark.parametrize("form", ["discrete", "continuous"])


@cache
def config_of(variant: str) -> Config:
    """The config of a variant, but for its task."""
    overrides = VARIANTS[variant]
    return composed(*SIZES, *overrides, *(() if "critic=joint" in overrides else CRITIC))


def trained(variant: str, task: str) -> Trainer:
    """The agents of ``variant`` after training on ``task``."""
    config = config_of(variant)
    run = make_trainer(config.model_copy(update={"env": config.env.model_copy(update={"id": f"probe/{task}-v0"})}))
    for iteration in run:
        assert not iteration.failures
    return run


def values(run: Trainer, obs: list[float]) -> np.ndarray:
    """The value that each seed's critic gives to an observation ``[S]``."""
    return run.critic.predict(np.tile(np.float32(obs), (2, 1, 1)))[:, 0]


def preference(run: Trainer, obs: list[float]) -> np.ndarray:
    """Each seed's choice at an observation ``[S]``: P(action 1) − P(action 0), or the mean of a continuous action."""
    distribution = run.policy.distribution(torch.tensor(obs).tile(2, 1, 1)).detach()
    if isinstance(run.collector.stepping.envs.single_action_space.sample(), np.ndarray):
        return distribution.mean[:, 0, 0].numpy()
    probabilities = distribution.logits.softmax(-1)[:, 0]
    return (probabilities[:, 1] - probabilities[:, 0]).numpy()


def is_right(preferences: np.ndarray, form: str) -> bool:
    """Whether all seeds prefer choice 1 as they should: mostly, or by about 1/2."""
    low, high = (0.6, 1.0) if form == "discrete" else (0.2, 0.8)
    return bool(((low < preferences) & (preferences <= high)).all())


@pytest.mark.slow
@each_variant
def test_a_reward_after_two_steps_is_worth_gamma_at_first(variant):
    """Discounting; values that run across the end of an episode."""
    run = trained(variant, "TwoSteps-continuous")
    np.testing.assert_allclose(values(run, SECOND), 1.0, atol=0.05)
    np.testing.assert_allclose(values(run, START), GAMMA, atol=0.05)


@pytest.mark.parametrize(
    ("variant", "form"),
    [
        pytest.param(variant, form, marks=[] if number % 2 == place else pytest.mark.slow)
        for number, variant in enumerate(VARIANTS)
        for place, form in enumerate(("continuous", "discrete"))
    ],
)
def test_the_best_action_is_found(variant, form):
    """The sign of the advantage and of the step."""
    assert is_right(preference(trained(variant, f"BestAction-{form}"), START), form)


@pytest.mark.slow
@each_variant
@each_form
def test_the_action_depends_on_the_observation(variant, form):
    """Observations, actions and rewards that belong to different steps, environments or seeds."""
    run = trained(variant, f"Observed-{form}")
    for distractor in (-1.0, 1.0):
        assert is_right(preference(run, [distractor, 1.0]), form)
        assert is_right(-preference(run, [distractor, -1.0]), form)


@pytest.mark.slow
@each_variant
@each_form
def test_credit_goes_to_the_earlier_action(variant, form):
    """Traces: no value in between tells what the first action was worth."""
    assert is_right(preference(trained(variant, f"Delayed-{form}"), START), form)


@pytest.mark.slow
@each_variant
@each_form
def test_a_delay_is_weighed_by_gamma(variant, form):
    """1 a step later is worth 1/2 now: less than 0.9, more than 0.1."""
    run = trained(variant, f"NowOrLater-{form}")
    for distractor in (-1.0, 1.0):
        assert (preference(run, [distractor, 1.0]) > 0.2).all()
        assert (preference(run, [distractor, -1.0]) < -0.2).all()
