"""The oracle itself, against numbers worked out by hand: one environment, four steps, gamma = gae_lambda = 1/2."""

import math
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest

from tests.oracles.post_program import TEXTBOOK, Departures, Iteration, train

POST = Departures()


class Scripted(gym.Env):
    """Plays rewards and ends from a list, whatever the action; the observation says where in the list it is."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (1,))

    def __init__(self, script, action_space):
        self.script, self.action_space = script, action_space
        self.position, self.episodes, self.actions = 0, 0, []

    def reset(self, *, seed=None, options=None):
        self.episodes += 1
        return np.array([float(self.position)]), {}

    def step(self, action):
        self.actions.append(action)
        reward, terminated, truncated = self.script[self.position]
        # An episode's final observation is 10, which no first observation is.
        self.position += 1
        obs = 10.0 if terminated or truncated else float(self.position)
        return np.array([obs]), reward, terminated, truncated, {}


TERMINATED = [(1.0, False, False), (2.0, True, False), (3.0, False, False), (4.0, False, False)]
TRUNCATED = [(1.0, False, False), (2.0, False, True), (3.0, False, False), (4.0, False, False)]
CONTINUOUS = gym.spaces.Box(-1, 1, (1,))
GAUSSIAN = [np.zeros((1, 1)), np.zeros(1), np.zeros(1)]
VALUE_IS_OBS = [np.ones((1, 1)), np.zeros(1)]
VALUE_IS_FOUR = [np.zeros((1, 1)), np.full(1, 4.0)]


def run(
    script, departures=POST, *, critic=VALUE_IS_FOUR, policy=GAUSSIAN, env=None, noise=None, **settings
) -> Iteration:
    settings = {
        "algo": "a2c",
        "gamma": 0.5,
        "gae_lambda": 0.5,
        "policy_lr": 0.0,
        "critic_lr": 0.0,
        "critic_steps": 1,
        "policy_steps": 1,
        "clip_coef": 0.1,
        "target_kl": 0.01,
    } | settings
    env = env or Scripted(script, CONTINUOUS)
    noise = np.zeros((len(script), 1, 1)) if noise is None else noise
    (iteration,) = train([env], [0], policy, critic, [noise], departures=departures, **settings)
    return iteration


def column(array):
    return array[:, 0].tolist()


def test_the_posts_arithmetic():
    # The last reward becomes 4 + 4/2 = 6; the TD errors are -1, -2, 1 and 6 + 2 - 4 = 4; traces of 1/4 run through.
    iteration = run(TERMINATED)
    assert column(iteration.returns) == [2.0, 2.0, 6.0, 6.0]
    assert column(iteration.advantages) == [-1.375, -1.5, 2.0, 4.0]
    assert iteration.post_return == 12.0
    assert iteration.episodic_returns == [3.0]
    assert iteration.approx_kl == 0.0
    expected = np.array([-1.375, -1.5, 2.0, 4.0])
    np.testing.assert_allclose(column(iteration.normalized_advantages), (expected - 0.78125) / expected.std())


@pytest.mark.parametrize(
    ("departures", "returns", "advantages", "post_return"),
    [
        (replace(POST, cut_traces=True), [2.0, 2.0, 6.0, 6.0], [-1.5, -2.0, 2.0, 4.0], 12.0),
        (replace(POST, bootstrap_in_reward=False), [2.0, 2.0, 6.0, 6.0], [-1.40625, -1.625, 1.5, 2.0], 10.0),
        (replace(POST, critic_target="gae"), [2.625, 2.5, 6.0, 8.0], [-1.375, -1.5, 2.0, 4.0], 12.0),
        (TEXTBOOK, [2.5, 2.0, 5.5, 6.0], [-1.5, -2.0, 1.5, 2.0], 10.0),
    ],
)
def test_one_departure_at_a_time(departures, returns, advantages, post_return):
    iteration = run(TERMINATED, departures)
    assert column(iteration.returns) == returns
    assert column(iteration.advantages) == advantages
    assert iteration.post_return == post_return


def test_time_limits():
    # Observations (and values) 0, 1 | 2, 3, 4 with a final 10: the post takes a time limit for a termination.
    post = run(TRUNCATED, critic=VALUE_IS_OBS)
    assert column(post.returns) == [2.0, 2.0, 6.0, 6.0]
    assert column(post.advantages)[1:] == [1.0 + 3.75 / 4, 2.5 + 5.0 / 4, 5.0]
    bootstrapped = run(TRUNCATED, replace(POST, bootstrap_truncations=True), critic=VALUE_IS_OBS)
    assert column(bootstrapped.returns) == [4.5, 7.0, 6.0, 6.0]
    assert column(bootstrapped.advantages)[1:] == [6.0 + 3.75 / 4, 2.5 + 5.0 / 4, 5.0]
    ends_truncated = [*TERMINATED[:3], (4.0, False, True)]
    kept = run(ends_truncated, replace(POST, bootstrap_truncations=True), critic=VALUE_IS_OBS)
    assert column(kept.returns)[2:] == [7.5, 9.0]
    assert column(kept.advantages)[3] == 9.0 + 5.0 - 3.0
    terminated = run(TERMINATED, replace(POST, bootstrap_truncations=True), critic=VALUE_IS_OBS)
    assert column(terminated.returns) == column(post.returns)


def test_values_come_from_before_the_last_critic_step():
    # A linear critic starts at 0; Adam's first step takes weight and bias to 0.1, and V(3), V(4) to 0.4 and 0.5.
    settings = {"critic": [np.zeros((1, 1)), np.zeros(1)], "critic_lr": 0.1}
    only_step = run(TERMINATED, **settings, critic_steps=1)
    assert column(only_step.advantages)[3] == 4.0
    np.testing.assert_allclose(only_step.critic_params[1], 0.1, rtol=1e-6)
    two_steps = run(TERMINATED, **settings, critic_steps=2)
    np.testing.assert_allclose(column(two_steps.advantages)[3], 4.0 + 0.5 * 0.5 - 0.4, rtol=1e-6)
    textbook = run(TERMINATED, replace(POST, values_after_fit=False), **settings, critic_steps=2)
    assert column(textbook.advantages)[3] == 4.0


@pytest.mark.parametrize(("departures", "std"), [(POST, math.exp(0.5)), (TEXTBOOK, math.e)])
def test_log_sigma(departures, std):
    env = Scripted(TERMINATED, CONTINUOUS)
    noise = np.array([1.0, -2.0, 0.0, 3.0]).reshape(4, 1, 1)
    iteration = run(TERMINATED, departures, env=env, policy=[np.zeros((1, 1)), np.ones(1), np.ones(1)], noise=noise)
    np.testing.assert_allclose(np.ravel(env.actions), 1 + std * noise.ravel())
    log_probs = -(noise.ravel() ** 2) / 2 - math.log(std) - math.log(2 * math.pi) / 2
    np.testing.assert_allclose(
        iteration.policy_losses[0], -np.mean(log_probs * column(iteration.normalized_advantages))
    )


def test_categorical_takes_the_first_index_whose_cumulative_probability_exceeds_u():
    env = Scripted(TERMINATED, gym.spaces.Discrete(3))
    logits = [np.zeros((1, 3)), np.log([0.5, 0.25, 0.25])]
    run(TERMINATED, env=env, policy=logits, noise=np.array([[0.0], [0.5], [0.74], [0.76]]))
    assert env.actions == [0, 1, 1, 2]


def test_ppo_stops_after_the_step_whose_kl_exceeded():
    # The mean moves by Adam's first step, 1.0; then KL(old || new) = 1/2 exceeds, and the loop ends after that step.
    noise = np.array([1.0, -1.0, 0.0, 2.0]).reshape(4, 1, 1)
    policy = [np.zeros((1, 1)), np.zeros(1), np.zeros(1)]
    settings = {"algo": "ppo", "policy_lr": 1.0, "policy_steps": 80, "policy": policy, "noise": noise}
    iteration = run([(1.0, False, False), (0.0, True, False), (0.0, True, False), (4.0, True, False)], **settings)
    assert iteration.policy_steps == 2
    assert iteration.approx_kl > 0.01
    assert run(TERMINATED, **settings | {"target_kl": math.inf}).policy_steps == 80


def test_ppo_clips_only_the_side_that_the_advantage_favours():
    noise = np.array([1.0, -1.0, 0.5, 2.0]).reshape(4, 1, 1)
    settings = {"algo": "ppo", "policy_lr": 0.2, "noise": noise, "target_kl": math.inf}
    (weight,), bias, log_sigma = run(TERMINATED, **settings, policy_steps=1).policy_params
    actions = noise.ravel()  # of a standard normal
    mean, variance = np.array([0.0, 1.0, 2.0, 3.0]) * weight + bias, np.exp(log_sigma)
    ratio = np.exp((actions**2 - (actions - mean) ** 2 / variance - log_sigma) / 2)
    second = run(TERMINATED, **settings, policy_steps=2)
    advantages = np.array(column(second.normalized_advantages))
    terms = [min(r, 1.1) * a if a > 0 else max(r, 0.9) * a for r, a in zip(ratio, advantages, strict=True)]
    assert min(ratio) < 0.9
    assert max(ratio) > 1.1
    assert second.policy_losses == pytest.approx([-advantages.mean(), -np.mean(terms)], abs=1e-12)
