"""The samples of a rollout as they are laid out for learning."""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import torch
from torch import Tensor

from algos.core.reductions import batch_mean
from algos.core.transitions import Estimates, Transitions
from algos.kernels.reduce import normalise_rows
from algos.kernels.threads import shared_out


@dataclass(frozen=True)
class Batch:
    """Samples of every seed, flat over steps and environments; B may be a whole rollout or a minibatch."""

    obs: Tensor  # [S, B, D]
    actions: Tensor  # [S, B, A]
    log_probs: Tensor  # [S, B], of the policy that acted
    advantages: Tensor  # [S, B]
    returns: Tensor  # [S, B], the critic's targets
    values: Tensor  # [S, B], of the critic before its steps

    @classmethod
    def of(cls, transitions: Transitions, estimates: Estimates) -> Self:
        """All samples of a rollout."""
        return cls(
            obs=transitions.flat(transitions.obs),
            actions=transitions.flat(transitions.actions),
            log_probs=transitions.log_probs,
            advantages=transitions.flat(estimates.advantages),
            returns=transitions.flat(estimates.returns),
            values=transitions.flat(estimates.values),
        )

    def minibatches(self, permutation: np.ndarray | None, num_minibatches: int) -> Iterator["Batch"]:
        """Equal parts in the order of ``permutation [S, B]``; the batch itself, unpermuted, where that is None."""
        if permutation is None:
            yield self
            return
        whole = {field.name: getattr(self, field.name) for field in fields(self)}
        gathered: dict[str, list[Tensor]] = {}
        for number in range(num_minibatches):
            yield _Minibatch(whole, gathered, permutation, num_minibatches, number)

    def normalised(self) -> Self:
        """With advantages of mean 0 and standard deviation 1 over each seed's samples."""
        batch = copy(self)
        vars(batch)["advantages"] = normalise(self.advantages)
        return batch


class _Minibatch(Batch):
    """One of the parts of a batch; what no variant asks for is not gathered."""

    def __init__(
        self,
        whole: dict[str, Tensor],
        gathered: dict[str, list[Tensor]],
        permutation: np.ndarray,
        num_minibatches: int,
        number: int,
    ) -> None:
        def field(name: str) -> Tensor:
            if name not in gathered:
                gathered[name] = [part for (part,) in minibatches([whole[name]], permutation, num_minibatches)]
            return gathered[name][number]

        vars(self)["_field"] = field

    def __getattr__(self, name: str) -> Tensor:
        if name.startswith("_"):  # copy() asks for methods that a batch has not
            raise AttributeError(name)
        part: Tensor = vars(self)["_field"](name)
        return part


def minibatches(
    tensors: Sequence[Tensor], permutation: np.ndarray | None, num_minibatches: int
) -> Iterator[Sequence[Tensor]]:
    """Equal parts of ``tensors [S, B, …]`` in the order of ``permutation [S, B]``; themselves where that is None."""
    if permutation is None:
        yield tensors
        return
    num_seeds, num_samples = permutation.shape
    size = num_samples // num_minibatches
    rows = permutation + num_samples * np.arange(num_seeds)[:, None]
    parts = rows.reshape(num_seeds, num_minibatches, size).transpose(1, 0, 2)  # all gathered at once
    index = torch.from_numpy(parts.reshape(-1)).to(tensors[0].device)
    gathered = [tensor.flatten(0, 1).index_select(0, index) for tensor in tensors]
    shape = (num_minibatches, num_seeds, size)
    yield from zip(*(tensor.unflatten(0, shape).unbind(0) for tensor in gathered), strict=True)


def normalise(x: Tensor) -> Tensor:
    """Each seed's row of ``x [S, B]`` less its mean, over its population standard deviation."""
    if x.device.type == "cpu":
        out = torch.empty_like(x, memory_format=torch.contiguous_format)
        with shared_out(len(x), 10 * x.numel()):
            normalise_rows(x.contiguous().numpy(), EPSILON, out.numpy())
        return out
    centred = x - batch_mean(x)[:, None]
    return centred / (torch.sqrt(batch_mean(centred * centred)) + EPSILON)[:, None]


EPSILON = 1e-8  # added to a standard deviation before it divides
