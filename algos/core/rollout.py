"""What one iteration collects, and how its samples are laid out for learning."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from algos.core.distributions import Distribution
from algos.core.elementary import sqrt
from algos.core.networks import batch_mean


@dataclass
class Batch:
    """Samples of every seed, flat over steps and environments; B may be a whole rollout or a minibatch."""

    obs: Tensor  # [S, B, D]
    actions: Tensor  # [S, B, A]
    log_probs: Tensor  # [S, B], of the policy that acted
    advantages: Tensor  # [S, B]
    returns: Tensor  # [S, B], the critic's targets
    values: Tensor | None  # [S, B], that the critic's steps are clipped around; None: they are not

    def minibatches(self, permutation: np.ndarray | None, num_minibatches: int) -> Iterator[Self]:
        """Equal parts in the order of ``permutation [S, B]``; the batch itself, unpermuted, where that is None."""
        present = {name: tensor for name, tensor in vars(self).items() if tensor is not None}
        for parts in minibatches(list(present.values()), permutation, num_minibatches):
            yield replace(self, **dict(zip(present, parts, strict=True)))

    def normalised(self) -> Self:
        """With advantages of mean 0 and standard deviation 1 over each seed's samples."""
        return replace(self, advantages=normalise(self.advantages))


def minibatches(
    tensors: Sequence[Tensor], permutation: np.ndarray | None, num_minibatches: int
) -> Iterator[Sequence[Tensor]]:
    """Equal parts of ``tensors [S, B, …]`` in the order of ``permutation [S, B]``; themselves where that is None."""
    if permutation is None:
        yield tensors
        return
    num_seeds, num_samples = permutation.shape
    rows = torch.from_numpy(permutation + num_samples * np.arange(num_seeds)[:, None]).to(tensors[0].device)
    flat = [tensor.flatten(0, 1) for tensor in tensors]
    for part in rows.chunk(num_minibatches, dim=1):
        index = part.flatten()
        yield [tensor.index_select(0, index).unflatten(0, part.shape) for tensor in flat]


def normalise(x: Tensor) -> Tensor:
    """Each seed's row of ``x [S, B]`` less its mean, over its population standard deviation."""
    centred = x - batch_mean(x)[:, None]
    return centred / (sqrt(batch_mean(centred * centred)) + 1e-8)[:, None]


@dataclass
class Episodes:
    """Episodes that ended in an iteration, per seed, from true rewards; each array is ``[S]``."""

    count: np.ndarray
    return_sum: np.ndarray
    length_sum: np.ndarray


@dataclass
class Rollout:
    """T steps of N environments for each of S seeds, as NumPy arrays on the CPU.

    ``obs`` are as the networks see them. ``final_obs [K, D]`` are the last observations of the K episodes that were
    truncated in this rollout, and ``final_index [K, 3]`` says where: (s, t, n), sorted.
    The collector fills ``raw_obs``, ``device``, ``old`` and ``log_probs``, the estimator the rest.
    """

    obs: np.ndarray  # [S, T, N, D]
    actions: np.ndarray  # [S, T, N, A]
    rewards: np.ndarray  # [S, T, N] float64; the environments', until the loop makes of them what is learned from
    terminated: np.ndarray  # [S, T, N] bool
    truncated: np.ndarray  # [S, T, N] bool
    last_obs: np.ndarray  # [S, N, D]
    final_obs: np.ndarray
    final_index: np.ndarray
    episodes: Episodes
    raw_obs: np.ndarray = field(init=False)  # [S, T, N, D], as the environments give them
    device: torch.device = field(init=False)  # of the learning
    old: Distribution = field(init=False)  # of the policy that acted, [S, B, ...]
    log_probs: Tensor = field(init=False)  # [S, B]
    values: np.ndarray = field(init=False)  # [S, T, N]
    next_values: np.ndarray = field(init=False)  # [S, T, N], of the states that the steps led to
    advantages: np.ndarray = field(init=False)  # [S, T, N]
    returns: np.ndarray = field(init=False)  # [S, T, N]
    batches_carry_values: bool = field(default=False, init=False)

    @property
    def ended(self) -> np.ndarray:
        """Where an episode ended, whatever the reason ``[S, T, N]``."""
        return self.terminated | self.truncated

    def flat(self, array: np.ndarray) -> Tensor:
        """``array [S, T, N, …]`` as a tensor ``[S, B, …]`` on the device of the learning."""
        num_seeds, num_steps, num_envs = array.shape[:3]
        tensor = torch.from_numpy(array.reshape(num_seeds, num_steps * num_envs, *array.shape[3:]))
        return tensor.to(self.device)

    def batch(self) -> Batch:
        """All samples of the rollout."""
        return Batch(
            obs=self.flat(self.obs),
            actions=self.flat(self.actions),
            log_probs=self.log_probs,
            advantages=self.flat(self.advantages),
            returns=self.flat(self.returns),
            values=self.flat(self.values) if self.batches_carry_values else None,
        )
