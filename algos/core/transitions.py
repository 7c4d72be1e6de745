"""The way of the data: steps as environments gave them, transitions to learn from, estimates of these."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from algos.core.distributions import Distribution

Stats = dict[str, Tensor]
"""Numbers to report, ``[S]`` each, by the name of their column in ``progress.csv``."""


@dataclass(frozen=True)
class Episodes:
    """Episodes that ended in an iteration, per seed, from true rewards; each array is ``[S]``."""

    count: np.ndarray
    return_sum: np.ndarray
    length_sum: np.ndarray


@dataclass(frozen=True)
class Steps:
    """T steps of N environments for each of S seeds, as the environments gave them: NumPy arrays on the CPU.

    ``final_obs [K, D]`` are the last observations of the K episodes that were truncated, and ``final_index [K, 3]``
    says where: (s, t, n), sorted.
    """

    obs: np.ndarray  # [S, T, N, D]
    actions: np.ndarray  # [S, T, N, A]
    rewards: np.ndarray  # [S, T, N] float64
    terminated: np.ndarray  # [S, T, N] bool
    truncated: np.ndarray  # [S, T, N] bool
    last_obs: np.ndarray  # [S, N, D]
    final_obs: np.ndarray
    final_index: np.ndarray
    episodes: Episodes

    @property
    def ended(self) -> np.ndarray:
        """Where an episode ended, whatever the reason ``[S, T, N]``."""
        return self.terminated | self.truncated


@dataclass(frozen=True)
class Transitions:
    """Steps as they are learned from: observations as the networks see them, rewards on the scale of the learning.

    Shapes are those of :class:`Steps`.
    """

    steps: Steps
    obs: np.ndarray
    last_obs: np.ndarray
    final_obs: np.ndarray
    rewards: np.ndarray
    flat: "FlatTensors"  # arrays [S, T, N, …] as tensors [S, B, …] on the device of the learning
    old: Distribution  # of the policy that acted, [S, B, ...]
    log_probs: Tensor  # [S, B], its log-probabilities of the actions

    @property
    def actions(self) -> np.ndarray:
        """What was done ``[S, T, N, A]``."""
        return self.steps.actions

    @property
    def terminated(self) -> np.ndarray:
        """Where an episode came to its own end ``[S, T, N]``."""
        return self.steps.terminated

    @property
    def ended(self) -> np.ndarray:
        """Where an episode ended, whatever the reason ``[S, T, N]``."""
        return self.steps.ended


@dataclass(frozen=True)
class Estimates:
    """What an estimator makes of transitions, each ``[S, T, N]``; ``stats`` are numbers ``[S]`` to report."""

    values: np.ndarray
    next_values: np.ndarray  # of the states that the steps led to
    advantages: np.ndarray
    returns: np.ndarray  # the critic's targets
    stats: Mapping[str, np.ndarray] = field(default_factory=dict)


class FlatTensors:
    """Turns arrays ``[S, T, N, …]`` into tensors ``[S, B, …]`` on a device; each is copied there once."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._known: dict[int, tuple[np.ndarray, Tensor]] = {}

    def __call__(self, array: np.ndarray) -> Tensor:
        if id(array) not in self._known:  # an array that is kept keeps its id
            samples = array.reshape(len(array), -1, *array.shape[3:])
            self._known[id(array)] = array, torch.from_numpy(samples).to(self.device)
        return self._known[id(array)][1]
