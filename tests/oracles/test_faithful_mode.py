"""The faithful mode and the independent program of the post, fed the same random numbers, must agree."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from algos.build import make_trainer
from algos.config import Config
from algos.envs.make import make_single
from algos.streams import environment_seeds, stream
from tests.composing import composed
from tests.oracles.post_program import TEXTBOOK, Departures, Iteration, train

SWINGUP_PPO, SWINGUP_A2C = "experiment=post/swingup_ppo", "experiment=post/swingup_a2c"
CARTPOLE_PPO, CARTPOLE_A2C = "experiment=post/cartpole_ppo", "experiment=post/cartpole_a2c"
PPO = ("algo.update_epochs=20", "algo.target_kl=0.001")  # some seeds stop early, some do not
SMALL = ("threads=1", "num_steps=300", "iterations=4", "dtype=float64", "critic.update_epochs=20")
POST = Departures()


def layers(flat: np.ndarray, sizes: tuple[int, ...], extra: int) -> list[np.ndarray]:
    """A seed's flat parameters [P] as weights (in, out) and biases, and then what the head owns."""
    shapes = [shape for pair in itertools.pairwise(sizes) for shape in (pair, pair[1:])]
    shapes += [(extra,)] if extra else []
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    assert ends[-1] == len(flat)
    return [part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), shapes, strict=True)]


def flat(params: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([p.ravel() for p in params])


def oracle(config: Config, index: int, initial_policy: np.ndarray, initial_critic: np.ndarray, departures: Departures):
    """The program of the post for one of the seeds, from the same initial parameters and streams."""
    seed = config.seeds[index]
    envs = [make_single(config.env.id, {}, None, None, False) for _ in range(config.num_envs)]
    discrete = hasattr(envs[0].action_space, "n")
    outputs = int(envs[0].action_space.n) if discrete else 1
    obs_dim = envs[0].observation_space.shape[0]
    actions = stream(seed, "actions")
    shape = (config.num_steps, config.num_envs, 1)
    draw = (lambda: actions.random(shape)[..., 0]) if discrete else (lambda: actions.standard_normal(shape))
    ppo = config.algo.name == "ppo"
    return train(
        envs,
        environment_seeds([seed], config.num_envs),
        layers(initial_policy, (obs_dim, *config.policy.hidden, outputs), 0 if discrete else 1),
        layers(initial_critic, (obs_dim, *config.value.hidden, 1), 0),
        [draw() for _ in range(config.iterations)],
        algo=config.algo.name,
        gamma=config.gamma,
        gae_lambda=config.gae_lambda,
        policy_lr=config.algo.optimiser.learning_rate,
        critic_lr=config.critic.optimiser.learning_rate,
        critic_steps=config.critic.update_epochs,
        policy_steps=config.algo.update_epochs if ppo else 1,
        clip_coef=config.algo.clip_coef if ppo else 0.0,
        target_kl=config.algo.target_kl if ppo else 0.0,
        departures=departures,
    )


def agree(overrides: tuple[str, ...], departures: Departures) -> None:
    config = composed(*overrides)
    trainer = make_trainer(config)
    initial = [params.detach().numpy().copy() for params in (trainer.policy.params, trainer.critic.params)]
    expected = [oracle(config, i, initial[0][i], initial[1][i], departures) for i in range(config.num_seeds)]
    for number, iteration in enumerate(trainer):
        for index, theirs in enumerate(run[number] for run in expected):
            compare(iteration.stats, index, theirs)
            assert_close(trainer.policy.params[index].detach(), flat(theirs.policy_params))
            assert_close(trainer.critic.params[index].detach(), flat(theirs.critic_params))


def assert_close(ours, theirs) -> None:
    """Equal but for rounding, which clipping and the pole's own chaos amplify from one iteration to the next."""
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


def compare(stats: dict[str, np.ndarray], index: int, theirs: Iteration) -> None:
    assert stats["episodes"][index] == len(theirs.episodic_returns)
    assert stats["policy_steps"][index] == theirs.policy_steps
    episodic_return = np.mean(theirs.episodic_returns) if theirs.episodic_returns else np.nan
    assert_close(stats["episodic_return"][index], episodic_return)
    if "post_return" in stats:
        assert_close(stats["post_return"][index], theirs.post_return)
    assert_close(stats["value_loss"][index], theirs.value_losses[-1])
    assert_close(stats["policy_loss"][index], theirs.policy_losses[-1])
    if "approx_kl" in stats:
        assert_close(stats["approx_kl"][index], theirs.approx_kl)


def settings(experiment: str) -> tuple[str, ...]:
    return (experiment, *SMALL, *(PPO if experiment.endswith("ppo") else ()))


@pytest.mark.parametrize(
    "experiment",
    [SWINGUP_A2C, CARTPOLE_PPO, *(pytest.param(x, marks=pytest.mark.slow) for x in (SWINGUP_PPO, CARTPOLE_A2C))],
)
def test_the_posts_programs(experiment):
    seeds = 1 if experiment == SWINGUP_A2C else 2  # the program takes seconds, and no seed of A2C stops by itself
    agree((*settings(experiment), f"num_seeds={seeds}"), POST)


@pytest.mark.slow
@pytest.mark.parametrize("experiment", [SWINGUP_PPO, SWINGUP_A2C])
@pytest.mark.parametrize(
    ("overrides", "departures"),
    [
        (["estimator.critic_target=gae"], replace(POST, critic_target="gae")),
        (["estimator.values_after_fit=false"], replace(POST, values_after_fit=False)),
        (["estimator.bootstrap_in_reward=false"], replace(POST, bootstrap_in_reward=False)),
        (["estimator.cut_traces=true"], replace(POST, cut_traces=True)),
        (["estimator.bootstrap_truncations=true"], replace(POST, bootstrap_truncations=True)),
        (["policy.spread=log_std"], replace(POST, log_sigma_is_log_variance=False)),
        (["estimator=textbook", "policy.spread=log_std"], replace(TEXTBOOK, exact_kl=False)),
    ],
)
def test_departures_switched_to_the_textbook(experiment, overrides, departures):
    agree((*settings(experiment), *overrides), departures)
