"""First-order optimisers of stacked parameters."""

import math
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from algos.config import Decay, OptimiserSettings
from algos.core.checkpoint import State
from algos.core.elementary import sqrt
from algos.core.reductions import batch_sum, gradients
from algos.kernels.arguments import as_array, per_seed
from algos.kernels.calls import note
from algos.kernels.optimisers import Arrays, adam, rmsprop
from algos.kernels.threads import shared_out
from algos.per_row import PerRow


class OptimiserCall(NamedTuple):
    """A step of an optimiser; see :meth:`Optimiser.apply`."""

    optimiser: "Optimiser"
    grads: Sequence[Tensor]
    active: Tensor


def as_arrays(tensors: Sequence[Tensor]) -> Arrays:
    """Each tensor as an array that shares its memory."""
    return tuple([as_array(tensor) for tensor in tensors])


def per_seeds(settings: Sequence[PerRow[float]], num_seeds: int) -> tuple[np.ndarray, ...]:
    """The number of each setting in each seed ``[S]``."""
    return tuple([per_seed(setting, num_seeds) for setting in settings])


def has_kernel(params: Sequence[Tensor]) -> bool:
    """Whether ``algos.kernels.cuda`` has a kernel for steps of these parameters."""
    return all(param.is_cuda and param.dtype == torch.float32 for param in params) and (
        len(params) <= 2 and find_spec("triton") is not None
    )


class Optimiser:
    """Base of the optimisers. A seed that is not active keeps its parameters and its state.

    Attributes:
        params: leaf tensors ``[S, P_i]``.
        learning_rate: may be set between steps.
        max_grad_norm: bound on the norm of each seed's gradient over all ``params``, or None.
    """

    def __init__(self, settings: OptimiserSettings, params: Sequence[Tensor]) -> None:
        self.params = list(params)
        self.learning_rate = settings.learning_rate
        self.max_grad_norm = settings.max_grad_norm
        self.eps = settings.eps

    def step(self, loss: Tensor, active: Tensor, *others: Tensor) -> None:
        """Make one step down ``loss [S]`` plus ``others [S]`` for the ``active [S]`` seeds."""
        self.apply(gradients([loss, *others], self.params), active)

    def apply(self, grads: Sequence[Tensor], active: Tensor) -> None:
        """Make one step with the gradients ``[S, P_i]`` for the ``active [S]`` seeds."""
        note(OptimiserCall(self, grads, active))
        if active.is_cpu:
            arrays, mask = as_arrays(grads), active.numpy()
            with shared_out(mask.size, 10 * sum([array.size for array in arrays])):
                self._compiled_step(arrays, mask)
        else:
            self._device_step(grads, active)

    @torch.no_grad()
    def _device_step(self, grads: Sequence[Tensor], active: Tensor) -> None:
        """Make one step on a device other than the CPU."""
        scale = self._scale(grads)
        for index, (param, grad) in enumerate(zip(self.params, grads, strict=True)):
            change = self._change(index, grad * scale[:, None], active)
            param.copy_(torch.where(active[:, None], param - change, param))

    @property
    def _max_norm(self) -> PerRow[float]:
        return math.inf if self.max_grad_norm is None else self.max_grad_norm

    def _scale(self, grads: Sequence[Tensor]) -> Tensor:
        """Factors ``[S]``, at most 1, that clip the norm of each seed's gradient to ``max_grad_norm``."""
        first = grads[0]
        if self.max_grad_norm is None:
            return torch.ones(len(first), dtype=first.dtype, device=first.device)
        squares = batch_sum(torch.cat([(grad * grad).double() for grad in grads], dim=1))
        return (self.max_grad_norm / (sqrt(squares) + 1e-6)).clamp(max=1.0).to(first.dtype)

    def _compiled_step(self, grads: Arrays, active: np.ndarray) -> None:
        """Make one step on the CPU, with ``algos.kernels.optimisers``."""
        raise NotImplementedError

    def _change(self, index: int, grad: Tensor, active: Tensor) -> Tensor:
        """Update the state of ``params[index]``. Returns what to subtract from it, ``[S, P_i]``."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Tensor]:
        """The state as tensors ``[S, …]`` by name. :meth:`load_state_dict` copies into them."""
        raise NotImplementedError

    @torch.no_grad()
    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        for name, value in self.state_dict().items():
            value.copy_(torch.from_numpy(state[name]))


class Adam(Optimiser):
    """Adam (Kingma and Ba 2015, Algorithm 1), with a step count per seed."""

    class Settings(OptimiserSettings):
        beta1: PerRow[Decay]
        beta2: PerRow[Decay]

    def __init__(self, settings: Settings, params: Sequence[Tensor]) -> None:
        super().__init__(settings, params)
        self.beta1, self.beta2 = settings.beta1, settings.beta2
        self.means = [torch.zeros_like(param) for param in self.params]
        self.squares = [torch.zeros_like(param) for param in self.params]
        self.steps = [torch.zeros(param.shape[0], 1, dtype=torch.float64, device=param.device) for param in self.params]

    @cached_property
    def memory(self) -> tuple[Arrays, Arrays, Arrays, Arrays]:
        """The parameters and the state as arrays: parameters, means, squares, steps."""
        return as_arrays(self.params), as_arrays(self.means), as_arrays(self.squares), as_arrays(self.steps)

    def numbers(self, num_seeds: int) -> tuple[np.ndarray, ...]:
        """The learning rate, ε, β1, β2 and the bound on the norm, each ``[S]``, as the kernel takes them."""
        return per_seeds((self.learning_rate, self.eps, self.beta1, self.beta2, self._max_norm), num_seeds)

    def _compiled_step(self, grads: Arrays, active: np.ndarray) -> None:
        params, means, squares, steps = self.memory
        rate, eps, beta1, beta2, max_norm = self.numbers(active.size)
        adam(params, grads, means, squares, steps, rate, eps, beta1, beta2, max_norm, active)

    def _device_step(self, grads: Sequence[Tensor], active: Tensor) -> None:
        if not has_kernel(self.params):
            super()._device_step(grads, active)
            return
        from algos.kernels.cuda.optimisers import adam_step  # takes a second to import

        groups = list(zip(self.params, grads, self.means, self.squares, self.steps, strict=True))
        adam_step(groups, self.learning_rate, self.eps, self.beta1, self.beta2, self.max_grad_norm, active)

    def _change(self, index: int, grad: Tensor, active: Tensor) -> Tensor:
        mask, mean, square, steps = active[:, None], self.means[index], self.squares[index], self.steps[index]
        mean.copy_(torch.where(mask, self.beta1 * mean + (1 - self.beta1) * grad, mean))
        square.copy_(torch.where(mask, self.beta2 * square + (1 - self.beta2) * (grad * grad), square))
        steps.copy_(torch.where(mask, steps + 1, steps))
        root = torch.sqrt(1 - self.beta2**steps)
        rate, small = self.learning_rate * root / (1 - self.beta1**steps), self.eps * root
        return rate.to(grad.dtype) * mean / (torch.sqrt(square) + small.to(grad.dtype))

    def state_dict(self) -> dict[str, Tensor]:
        names = {"mean": self.means, "square": self.squares, "steps": self.steps}
        return {f"{name}{index}": value for name, values in names.items() for index, value in enumerate(values)}


class RMSprop(Optimiser):
    """RMSprop (Tieleman and Hinton 2012) with ε outside the root, as in ``torch.optim.RMSprop``."""

    class Settings(OptimiserSettings):
        decay: PerRow[Decay]

    def __init__(self, settings: Settings, params: Sequence[Tensor]) -> None:
        super().__init__(settings, params)
        self.decay = settings.decay
        self.squares = [torch.zeros_like(param) for param in self.params]

    @cached_property
    def _memory(self) -> tuple[Arrays, Arrays]:
        return as_arrays(self.params), as_arrays(self.squares)

    def _compiled_step(self, grads: Arrays, active: np.ndarray) -> None:
        params, squares = self._memory
        rate, eps, decay, max_norm = per_seeds((self.learning_rate, self.eps, self.decay, self._max_norm), active.size)
        rmsprop(params, grads, squares, rate, eps, decay, max_norm, active)

    def _change(self, index: int, grad: Tensor, active: Tensor) -> Tensor:
        square = self.squares[index]
        square.copy_(torch.where(active[:, None], self.decay * square + (1 - self.decay) * (grad * grad), square))
        return self.learning_rate * grad / (torch.sqrt(square) + self.eps)

    def state_dict(self) -> dict[str, Tensor]:
        return {f"square{index}": value for index, value in enumerate(self.squares)}
