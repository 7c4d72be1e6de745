"""First-order optimisers over stacked parameters; a seed that is not active keeps its parameters and its state."""

from collections.abc import Sequence

import torch
from torch import Tensor

from algos.config import Decay, OptimiserSettings
from algos.core.checkpoint import State
from algos.core.elementary import sqrt
from algos.core.reductions import batch_sum, gradients
from algos.kernels.optimisers import adam, norm_scales, rmsprop
from algos.kernels.threads import shared_out
from algos.per_row import PerRow, per_row


class Optimiser:
    """Base of the optimisers: gradients per seed, global-norm clipping per seed, frozen state for stopped seeds.

    ``params`` are leaf tensors ``[S, P_i]``. ``max_grad_norm`` bounds the norm over all of them together, or is None.
    ``learning_rate`` may be set between steps.
    """

    def __init__(self, settings: OptimiserSettings, params: Sequence[Tensor]) -> None:
        self.params = list(params)
        self.learning_rate = settings.learning_rate
        self.max_grad_norm = settings.max_grad_norm
        self.eps = settings.eps

    def step(self, loss: Tensor, active: Tensor, *others: Tensor) -> None:
        """Descend ``loss [S]``, or the sum of several, one step for the seeds where ``active [S]``."""
        self.apply(gradients([loss, *others], self.params), active)

    @torch.no_grad()
    def apply(self, grads: Sequence[Tensor], active: Tensor) -> None:
        """One step along given gradients ``[S, P_i]`` for the seeds where ``active [S]``."""
        with shared_out(len(active), 10 * sum(grad.numel() for grad in grads)):
            self._step(grads, active)

    def _step(self, grads: Sequence[Tensor], active: Tensor) -> None:
        scale = self._scale(grads)
        for index, grad in enumerate(grads):
            if grad.device.type == "cpu":
                self._compiled_step(index, grad.contiguous(), scale, active)
            else:
                change = self._change(index, grad * scale[:, None], active)
                param = self.params[index]
                param.copy_(torch.where(active[:, None], param - change, param))

    def _scale(self, grads: Sequence[Tensor]) -> Tensor:
        """What brings the global norm of each seed's gradients down to ``max_grad_norm``; 1 where it is below."""
        first = grads[0]
        if self.max_grad_norm is None:
            return torch.ones(len(first), dtype=first.dtype, device=first.device)
        if first.device.type == "cpu" and len(grads) <= 2:
            scale = torch.empty(len(first), dtype=first.dtype)
            second = grads[1] if len(grads) > 1 else first[:, :0]
            bound = per_row(self.max_grad_norm, len(first))
            norm_scales(first.contiguous().numpy(), second.contiguous().numpy(), bound, scale.numpy())
            return scale
        squares = batch_sum(torch.cat([(grad * grad).double() for grad in grads], dim=1))
        return (self.max_grad_norm / (sqrt(squares) + 1e-6)).clamp(max=1.0).to(first.dtype)

    def _compiled_step(self, index: int, grad: Tensor, scale: Tensor, active: Tensor) -> None:
        raise NotImplementedError

    def _change(self, index: int, grad: Tensor, active: Tensor) -> Tensor:
        """What to take from the parameters, and the state's update: the same as a formula, for other devices."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Tensor]:
        """Tensors to restore with :meth:`load_state_dict`."""
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

    def _compiled_step(self, index: int, grad: Tensor, scale: Tensor, active: Tensor) -> None:
        rows = len(active)
        adam(
            self.params[index].detach().numpy(),
            grad.numpy(),
            scale.numpy(),
            self.means[index].numpy(),
            self.squares[index].numpy(),
            self.steps[index].numpy()[:, 0],
            per_row(self.learning_rate, rows),
            per_row(self.eps, rows),
            per_row(self.beta1, rows),
            per_row(self.beta2, rows),
            active.numpy(),
        )

    def _change(self, index: int, grad: Tensor, active: Tensor) -> Tensor:
        mask, mean, square, steps = active[:, None], self.means[index], self.squares[index], self.steps[index]
        mean.copy_(torch.where(mask, self.beta1 * mean + (1 - self.beta1) * grad, mean))
        square.copy_(torch.where(mask, self.beta2 * square + (1 - self.beta2) * (grad * grad), square))
        steps.copy_(torch.where(mask, steps + 1, steps))
        rate = (self.learning_rate / (1 - self.beta1**steps)).to(grad.dtype)
        root = torch.sqrt(1 - self.beta2**steps).to(grad.dtype)
        return rate * mean / (torch.sqrt(square) / root + self.eps)

    def state_dict(self) -> dict[str, Tensor]:
        names = {"mean": self.means, "square": self.squares, "steps": self.steps}
        return {f"{name}{index}": value for name, values in names.items() for index, value in enumerate(values)}


class RMSprop(Optimiser):
    """RMSprop (Tieleman and Hinton 2012) with ε outside the root, as torch.optim.RMSprop; A2C's usual optimiser."""

    class Settings(OptimiserSettings):
        decay: PerRow[Decay]

    def __init__(self, settings: Settings, params: Sequence[Tensor]) -> None:
        super().__init__(settings, params)
        self.decay = settings.decay
        self.squares = [torch.zeros_like(param) for param in self.params]

    def _compiled_step(self, index: int, grad: Tensor, scale: Tensor, active: Tensor) -> None:
        rows = len(active)
        rmsprop(
            self.params[index].detach().numpy(),
            grad.numpy(),
            scale.numpy(),
            self.squares[index].numpy(),
            per_row(self.learning_rate, rows),
            per_row(self.eps, rows),
            per_row(self.decay, rows),
            active.numpy(),
        )

    def _change(self, index: int, grad: Tensor, active: Tensor) -> Tensor:
        square = self.squares[index]
        square.copy_(torch.where(active[:, None], self.decay * square + (1 - self.decay) * (grad * grad), square))
        return self.learning_rate * grad / (torch.sqrt(square) + self.eps)

    def state_dict(self) -> dict[str, Tensor]:
        return {f"square{index}": value for index, value in enumerate(self.squares)}
