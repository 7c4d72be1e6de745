"""Tasks of one or two steps whose values and best actions are known. Importing this module registers them.

Each task has a form with two discrete actions and a form with one continuous action. Choice 1 is action 1, or an action
above 0; choice 0 is the other.
"""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Probe(gym.Env):
    """Base of the tasks: one step with reward 1, whatever the action."""

    observation_space = spaces.Box(-1.0, 1.0, (2,), np.float64)
    num_steps = 1

    def __init__(self, continuous: bool) -> None:
        self.continuous = continuous
        self.action_space = spaces.Box(-2.0, 2.0, (1,), np.float64) if continuous else spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.actions: list[Any] = []
        return self.obs(), {}

    def step(self, action: Any) -> Any:
        self.actions.append(action)
        ends = self.ends()
        return self.obs(), self.reward() if ends else 0.0, ends, False, {}

    def obs(self) -> np.ndarray:
        """The observation ``[2]``. By default it holds the number of steps taken."""
        return np.array([len(self.actions), 0.0])

    def ends(self) -> bool:
        """Whether the episode ends now. Rewards before the end are 0."""
        return len(self.actions) == self.num_steps

    def reward(self) -> float:
        """The reward of the last step."""
        return 1.0

    def score(self, action: Any, right: bool) -> float:
        """The reward of an action when ``right`` is the best choice. The best continuous actions are 1/2 and -1/2."""
        if self.continuous:
            return -((float(action[0]) - (0.5 if right else -0.5)) ** 2)
        return 1.0 if action == right else -1.0

    def chosen(self, action: Any) -> bool:
        """The choice that an action stands for."""
        return bool(action[0] > 0 if self.continuous else action == 1)


class TwoSteps(Probe):
    """The reward is 1 after two steps. The values are γ, then 1."""

    num_steps = 2


class BestAction(Probe):
    """Choice 1 is the best action."""

    def reward(self) -> float:
        return self.score(self.actions[0], True)


class Delayed(BestAction):
    """Choice 1 is the best first action. Its reward comes after the second action, and no observation shows it."""

    num_steps = 2


class Observed(Probe):
    """The best choice is 1 where the observation's second number is positive. The first number is noise."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.signs = self.np_random.choice([-1.0, 1.0], 2)
        return self.signs, {}

    def obs(self) -> np.ndarray:
        return np.zeros(2)

    def reward(self) -> float:
        return self.score(self.actions[0], self.signs[1] > 0)


class NowOrLater(Observed):
    """Choice 1 ends the episode with reward 0.9 or 0.1, which the observation tells. Choice 0 earns 1 a step later."""

    def ends(self) -> bool:
        return self.chosen(self.actions[0]) or len(self.actions) == 2

    def reward(self) -> float:
        return 0.5 + 0.4 * self.signs[1] if self.chosen(self.actions[0]) else 1.0


for _task in (TwoSteps, BestAction, Delayed, Observed, NowOrLater):
    for _form in ("discrete", "continuous"):
        gym.register(
            f"probe/{_task.__name__}-{_form}-v0",
            f"{__name__}:{_task.__name__}",
            kwargs={"continuous": _form == "continuous"},
        )
