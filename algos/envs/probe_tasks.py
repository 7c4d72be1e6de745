"""Tasks of one or two steps whose values and best actions are known; importing this registers them.

Each has a discrete form, two actions, and a continuous one. The right choice is action 1, or an action above 0.
"""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Probe(gym.Env):
    """Base of the tasks: one step, which pays 1 whatever is done."""

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
        """By default the number of steps taken."""
        return np.array([len(self.actions), 0.0])

    def ends(self) -> bool:
        """After ``num_steps``; a reward is paid at the end alone."""
        return len(self.actions) == self.num_steps

    def reward(self) -> float:
        """What the episode pays."""
        return 1.0

    def score(self, action: Any, right: bool) -> float:
        """What an action earns where ``right`` is the choice to make: most at 1/2 or -1/2 where it is continuous."""
        if self.continuous:
            return -((float(action[0]) - (0.5 if right else -0.5)) ** 2)
        return 1.0 if action == right else -1.0

    def chosen(self, action: Any) -> bool:
        """The choice that an action makes."""
        return bool(action[0] > 0 if self.continuous else action == 1)


class TwoSteps(Probe):
    """Pays 1 after two steps: worth γ at first, then 1."""

    num_steps = 2


class BestAction(Probe):
    """Pays for action 1, or for an action near 1/2."""

    def reward(self) -> float:
        return self.score(self.actions[0], True)


class Delayed(BestAction):
    """Pays for the first of two actions, after the second; the observation in between does not tell which it was."""

    num_steps = 2


class Observed(Probe):
    """The second number of the observation tells the right choice; the first is there to confuse."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.signs = self.np_random.choice([-1.0, 1.0], 2)
        return self.signs, {}

    def obs(self) -> np.ndarray:
        return np.zeros(2)

    def reward(self) -> float:
        return self.score(self.actions[0], self.signs[1] > 0)


class NowOrLater(Observed):
    """Choice 1 pays at once, 0.9 or 0.1 as the observation's second number tells; the other pays 1 a step later."""

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
