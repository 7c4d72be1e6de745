"""Tasks for the tests of ``make_vec``; importing this module registers them. Most break Gymnasium's contract."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

BOX, CHOICE = spaces.Box(-1.0, 1.0, (2,), np.float32), spaces.Discrete(2)


class Scripted(gym.Env):
    """Returns what it is told to."""

    def __init__(
        self, observation_space: spaces.Space, action_space: spaces.Space, reset_returns: Any, step_returns: Any
    ) -> None:
        self.observation_space, self.action_space = observation_space, action_space
        self.reset_returns, self.step_returns = reset_returns, step_returns

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        return self.reset_returns

    def step(self, action: Any) -> Any:
        if isinstance(self.step_returns, Exception):
            raise self.step_returns
        return self.step_returns


OBS = np.zeros(2, np.float32)


def broken(
    observation_space: spaces.Space = BOX,
    action_space: spaces.Space = CHOICE,
    reset_returns: Any = (OBS, {}),
    step_returns: Any = (OBS, 0.0, False, False, {}),
) -> dict[str, Any]:
    return {
        "observation_space": observation_space,
        "action_space": action_space,
        "reset_returns": reset_returns,
        "step_returns": step_returns,
    }


def _step(obs: Any = OBS, reward: Any = 0.0, terminated: Any = False, truncated: Any = False) -> tuple[Any, ...]:
    return obs, reward, terminated, truncated, {}


# id: what it does, and what the message must name
BROKEN = {
    "broken/NanAtReset-v0": (broken(reset_returns=(np.full(2, np.nan, np.float32), {})), "NaN"),
    "broken/ShapeAtReset-v0": (broken(reset_returns=(np.zeros(3, np.float32), {})), r"shape \(3,\)"),
    "broken/TypeOfObs-v0": (broken(reset_returns=(np.zeros(2, complex), {})), "complex128"),
    "broken/ListAsObs-v0": (broken(reset_returns=([0.0, 0.0], {})), "type list"),
    "broken/OldReset-v0": (broken(reset_returns=OBS), "reset returned ndarray"),
    "broken/OldStep-v0": (broken(step_returns=(OBS, 0.0, False, {})), "step returned 4 values"),
    "broken/ShapeAtStep-v0": (broken(step_returns=_step(obs=np.zeros((1, 2), np.float32))), r"shape \(1, 2\)"),
    "broken/TextAsReward-v0": (broken(step_returns=_step(reward="1")), "reward '1'"),
    "broken/NanAsReward-v0": (broken(step_returns=_step(reward=float("nan"))), "reward nan"),
    "broken/NoneAsReward-v0": (broken(step_returns=_step(reward=None)), "reward None"),
    "broken/IntAsTerminated-v0": (broken(step_returns=_step(terminated=1)), "terminated=1; expected: a bool"),
    "broken/NoneAsTruncated-v0": (broken(step_returns=_step(truncated=None)), "truncated=None"),
    "broken/RaisesInStep-v0": (broken(step_returns=RuntimeError("out of\n fuel")), "RuntimeError: out of fuel"),
    "broken/DiscreteObs-v0": (broken(observation_space=spaces.Discrete(3)), r"observations Discrete\(3\)"),
    "broken/SequenceObs-v0": (broken(observation_space=spaces.Sequence(BOX)), "observations Sequence"),
    "broken/TextAction-v0": (broken(action_space=spaces.Text(3)), "actions Text"),
    "broken/MatrixAction-v0": (broken(action_space=spaces.Box(-1, 1, (2, 2))), "actions Box"),
    "broken/IntegerBoxAction-v0": (broken(action_space=spaces.Box(0, 9, (2,), np.int64)), "actions Box"),
}

for env_id, (kwargs, _) in BROKEN.items():
    gym.register(id=env_id, entry_point="tests.envs.broken:Scripted", kwargs=kwargs, order_enforce=False)
