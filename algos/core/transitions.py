"""The data of an iteration: steps of the environments, transitions for the update, and estimates."""

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
    """Number, summed true returns and summed lengths of the episodes that ended in a rollout, each ``[S]``."""

    count: np.ndarray
    return_sum: np.ndarray
    length_sum: np.ndarray


@dataclass(frozen=True)
class Steps:
    """T steps of N environments for each of S seeds, as the environments gave them.

    K of their episodes were truncated without terminating. Only for these the last observations are kept.
    """

    obs: np.ndarray  # [S, T, N, D]
    actions: np.ndarray  # [S, T, N, A]
    rewards: np.ndarray  # [S, T, N] float64
    terminated: np.ndarray  # [S, T, N] bool
    truncated: np.ndarray  # [S, T, N] bool
    last_obs: np.ndarray  # [S, N, D], after the last step
    final_obs: np.ndarray  # [K, D], the last observations of truncated episodes
    final_index: np.ndarray  # [K, 3], their (s, t, n), sorted
    episodes: Episodes

    @property
    def ended(self) -> np.ndarray:
        """Whether a step ended its episode, for any reason, ``[S, T, N]``."""
        return self.terminated | self.truncated


@dataclass(frozen=True)
class Transitions:
    """Steps with normalised observations and rewards. Shapes are those of :class:`Steps`."""

    steps: Steps
    obs: np.ndarray
    last_obs: np.ndarray
    final_obs: np.ndarray
    rewards: np.ndarray
    flat: "FlatTensors"  # turns arrays [S, T, N, …] into tensors [S, B, …] on the policy's device
    old: Distribution  # of the policy that acted, [S, B, ...]
    log_probs: Tensor  # [S, B], its log-probabilities of the actions

    @property
    def actions(self) -> np.ndarray:
        """The actions ``[S, T, N, A]`` as sampled."""
        return self.steps.actions

    @property
    def terminated(self) -> np.ndarray:
        """Whether a step terminated its episode, ``[S, T, N]``."""
        return self.steps.terminated

    @property
    def ended(self) -> np.ndarray:
        """Whether a step ended its episode, for any reason, ``[S, T, N]``."""
        return self.steps.ended


@dataclass(frozen=True)
class Estimates:
    """The result of an estimator."""

    values: np.ndarray  # [S, T, N]
    next_values: np.ndarray  # [S, T, N], of the states that the steps led to
    advantages: np.ndarray  # [S, T, N]
    returns: np.ndarray  # [S, T, N], the critic's targets
    stats: Mapping[str, np.ndarray] = field(default_factory=dict)  # [S] by name, to report


class FlatTensors:
    """Turns arrays ``[S, T, N, …]`` into tensors ``[S, B, …]`` on a device. Each array is copied once."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._known: dict[int, tuple[np.ndarray, Tensor]] = {}

    def __call__(self, array: np.ndarray) -> Tensor:
        if id(array) not in self._known:  # the id stays taken, because the array is kept too
            samples = array.reshape(len(array), -1, *array.shape[3:])
            self._known[id(array)] = array, torch.from_numpy(samples).to(self.device)
        return self._known[id(array)][1]
