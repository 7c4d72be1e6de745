"""An endless task with reward 1 is worth 1/(1 − γ) everywhere, which only a bootstrap at its time limit can find."""

import gymnasium as gym
import numpy as np
import pytest

from tests.composing import trainer

GAMMA = 0.9


class Endless(gym.Env):
    """Reward 1 for ever; only the time limit ends an episode."""

    observation_space = gym.spaces.Box(0.0, 1.0, (1,))
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.ones(1, np.float32), {}

    def step(self, action):
        return np.ones(1, np.float32), 1.0, False, False, {}


gym.register("SeedbedTest/Endless-v0", Endless, max_episode_steps=5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "low", "high"),
    [
        (["estimator=textbook"], 9.5, 10.5),
        # A limit that counts as termination leaves the mean of Σγᵏ over 1 to 5 steps to go.
        (["estimator=post", "estimator.critic_target=gae", "estimator.cut_traces=true"], 2.0, 4.5),
    ],
)
def test_value_of_an_endless_task(estimator, low, high):
    run = trainer(
        "algo=a2c",
        "env.id=SeedbedTest/Endless-v0",
        "num_envs=2",
        "num_steps=20",
        f"gamma={GAMMA}",
        "iterations=80",
        "critic.optimiser.learning_rate=0.02",
        *estimator,
    )
    for _ in run:
        pass
    (value,) = run.critic.predict(np.ones((1, 1, 1), np.float32)).ravel()
    assert low < value < high
