"""The samples of a rollout, flat and in minibatches."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from algos.core.transitions import Estimates, Transitions
from algos.kernels.reduce import normalise_rows
from algos.kernels.threads import shared_out


@dataclass(frozen=True)
class Batch:
    """Samples of every seed, flat over steps and environments. B is the size of a whole rollout or of a minibatch."""

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

    def minibatches(
        self, permutation: np.ndarray | None, num_minibatches: int, normalised: bool = False
    ) -> Sequence["Batch"]:
        """The batch in equal parts, in the order of ``permutation [S, B]``; the whole batch if that is None.

        With ``normalised``, the advantages of each part are normalised as in :meth:`normalised`.
        """
        if permutation is None:
            return [self.normalised() if normalised else self]
        return Minibatches(self, permutation, num_minibatches, normalised)

    def normalised(self) -> Self:
        """The batch with advantages of mean 0 and standard deviation 1 over each seed's samples."""
        batch = copy(self)
        vars(batch)["advantages"] = normalise(self.advantages)
        return batch


class Minibatches(Sequence[Batch]):
    """The minibatches of a batch. A field is gathered for all of them when the first one needs it."""

    def __init__(self, whole: Batch, permutation: np.ndarray, num_minibatches: int, normalised: bool) -> None:
        num_seeds, num_samples = permutation.shape
        self.shape = (num_minibatches, num_seeds, num_samples // num_minibatches)
        rows = permutation + num_samples * np.arange(num_seeds)[:, None]
        parts = rows.reshape(num_seeds, num_minibatches, -1).transpose(1, 0, 2)
        self._rows = torch.from_numpy(parts.reshape(-1)).to(whole.obs.device)
        self.whole = whole
        self.normalised = normalised
        self._stacked: dict[str, Tensor] = {}
        self.gathered: dict[str, Sequence[Tensor]] = {}

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [_Minibatch(self, each) for each in range(*number.indices(len(self)))]
        return _Minibatch(self, range(len(self))[number])

    def stacked(self, name: str) -> Tensor:
        """A field of all minibatches ``[M, S, B, …]``."""
        if name not in self._stacked:
            values = getattr(self.whole, name).flatten(0, 1).index_select(0, self._rows)
            if name == "advantages" and self.normalised:
                values = normalise(values.view(-1, self.shape[2])).view(-1)
            self._stacked[name] = values.unflatten(0, self.shape)
        return self._stacked[name]

    def gather(self, name: str) -> None:
        """Make a field ready for all minibatches."""
        self.gathered[name] = self.stacked(name).unbind(0)


class _Minibatch(Batch):
    """One part of a batch."""

    def __init__(self, parts: Minibatches, number: int) -> None:
        fields = {name: values[number] for name, values in parts.gathered.items()}
        vars(self).update(fields, _parts=parts, _number=number)

    def __getattr__(self, name: str) -> Tensor:
        if name.startswith("_"):  # copy() looks for optional methods
            raise AttributeError(name)
        parts: Minibatches = vars(self)["_parts"]
        if name not in parts.gathered:
            parts.gather(name)
        field = vars(self)[name] = parts.gathered[name][vars(self)["_number"]]
        return field


def normalise(x: Tensor) -> Tensor:
    """``x [S, B]`` less the mean of each row, over its population standard deviation plus ``EPSILON``."""
    if x.device.type == "cpu":
        out = torch.empty_like(x, memory_format=torch.contiguous_format)
        with shared_out(len(x), 10 * x.numel()):
            normalise_rows(x.contiguous().numpy(), EPSILON, out.numpy())
        return out
    variance, mean = torch.var_mean(x, 1, correction=0, keepdim=True)
    return (x - mean) / (torch.sqrt(variance) + EPSILON)


EPSILON = 1e-8  # keeps constant advantages finite
