"""GAE and returns against tables worked by hand, with a termination and a truncation inside the rollout."""

import numpy as np
import pytest

from algos.core.advantages import discounted_returns, generalised_advantages

# One seed, one environment, γ = ½, λ = ½. Step 1 terminates, step 3 is truncated (final state worth 8), the rollout
# ends inside the third episode, whose next state is worth 4.
REWARDS = [1.0, 2.0, 3.0, 4.0, 5.0]
VALUES = [2.0, 4.0, 6.0, 8.0, 2.0]
NEXT_VALUES = [4.0, 99.0, 8.0, 8.0, 4.0]
TERMINATED = [False, True, False, False, False]
TRUNCATED = [False, False, False, True, False]
# δ: 1 + 2 − 2 = 1; 2 − 4 = −2; 3 + 4 − 6 = 1; 4 + 4 − 8 = 0; 5 + 2 − 2 = 5
ADVANTAGES = [1 - 0.25 * 2, -2.0, 1 + 0.25 * 0, 0.0, 5.0]
# R: 5 + 4/2 = 7; 4 + 8/2 = 8; 3 + 8/2 = 7; 2; 1 + 2/2 = 2
RETURNS = [2.0, 2.0, 7.0, 8.0, 7.0]


def axes(values, dtype=float):
    return np.array(values, dtype).reshape(1, -1, 1)


def test_advantages_table():
    terminated, truncated = axes(TERMINATED, bool), axes(TRUNCATED, bool)
    advantages = generalised_advantages(
        axes(REWARDS), axes(VALUES), axes(NEXT_VALUES), terminated, terminated | truncated, 0.5, 0.5
    )
    np.testing.assert_array_equal(advantages.ravel(), ADVANTAGES)


def test_returns_table():
    terminated, truncated = axes(TERMINATED, bool), axes(TRUNCATED, bool)
    returns = discounted_returns(axes(REWARDS), axes(NEXT_VALUES), terminated, terminated | truncated, 0.5)
    np.testing.assert_array_equal(returns.ravel(), RETURNS)


@pytest.mark.parametrize("gae_lambda", [0.0, 1.0])
def test_limits_of_lambda(gae_lambda):
    """λ = 0 leaves the TD errors; λ = 1 gives rewards-to-go less the values."""
    rng = np.random.default_rng(0)
    rewards, values, next_values = rng.normal(size=(3, 2, 40, 3))
    terminated = rng.random((2, 40, 3)) < 0.1
    ended = terminated | (rng.random((2, 40, 3)) < 0.1)
    next_values[:, :-1] = np.where(ended[:, :-1], next_values[:, :-1], values[:, 1:])
    advantages = generalised_advantages(rewards, values, next_values, terminated, ended, 0.9, gae_lambda)
    if gae_lambda == 0:
        expected = rewards + 0.9 * np.where(terminated, 0, next_values) - values
    else:
        expected = discounted_returns(rewards, next_values, terminated, ended, 0.9) - values
    np.testing.assert_allclose(advantages, expected, rtol=1e-12, atol=1e-12)
