"""Sums over a seed's samples whose order does not depend on the other seeds."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from algos.kernels.reduce import sum_last, sum_rows
from algos.kernels.threads import shared_out


def batch_sum(x: Tensor) -> Tensor:
    """Sum [S] of each seed's row of x [S, B]. On the CPU its order depends on B alone.

    ``torch.sum`` splits one long row by the number of threads, but not several rows. A seed's loss would then depend on
    the seeds beside it.
    """
    return _BatchSum.apply(x)


def last_sum(x: Tensor) -> Tensor:
    """Sum [S, B] of x [S, B, A] over its last axis. On the CPU it adds in the order of the axis, on every processor."""
    if x.device.type != "cpu":
        return x.sum(-1)
    return x[..., 0] if x.shape[-1] == 1 else _LastSum.apply(x)


def batch_mean(x: Tensor) -> Tensor:
    """Mean [S] of each seed's row of x [S, B], in the order of ``batch_sum``."""
    return batch_sum(x) / x.shape[1]


def with_gradient(loss: Tensor, params: Tensor, gradient: Tensor) -> Tensor:
    """The ``loss [S]``, differentiable once: its ``gradient [S, P]`` by the leaf ``params`` is given.

    Whatever is computed from the loss is differentiated as usual.
    """
    if params.requires_grad:
        loss = _Known.apply(params, (loss, gradient))
    loss.known_gradient = (params, gradient, loss._version)  # type: ignore[attr-defined]
    return loss


def gradients(losses: Sequence[Tensor], params: Sequence[Tensor]) -> Sequence[Tensor]:
    """Gradients ``[S, P_i]`` of the sum of ``losses [S]`` with respect to the leaves ``params``.

    Nothing is computed again where the gradients are known and each loss has parameters of its own.
    """
    known = [_known(loss) for loss in losses]
    by_params = {id(entry[0]): entry[1] for entry in known if entry is not None}
    if len(by_params) == len(losses) and by_params.keys() == {id(param) for param in params}:
        return [by_params[id(param)] for param in params]
    total = losses[0] if len(losses) == 1 else sum(losses[1:], start=losses[0])
    return torch.autograd.grad(total.sum(), params)


def _known(loss: Tensor) -> tuple[Tensor, Tensor] | None:
    """The parameters and the gradient of a loss, if it was not changed since."""
    known = getattr(loss, "known_gradient", None)
    return None if known is None or known[2] != loss._version else known[:2]


class _Known(torch.autograd.Function):
    """A loss [S] of parameters [S, P] as a pair: its numbers and its gradient."""

    @staticmethod
    def forward(ctx: Any, params: Tensor, known: tuple[Tensor, Tensor]) -> Tensor:
        loss, ctx.gradient = known
        return loss

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return ctx.gradient * grad[:, None], None


class _BatchSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.batch = x.shape[1]
        if x.device.type != "cpu":
            return x.sum(1)
        total = torch.empty(x.shape[0], dtype=x.dtype)
        with shared_out(len(x), x.numel()):
            sum_rows(x.detach().contiguous().numpy(), total.numpy())
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad[:, None].expand(-1, ctx.batch)


class _LastSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.size = x.shape[-1]
        total = torch.empty(x.shape[:-1], dtype=x.dtype)
        with shared_out(len(x), x.numel()):
            sum_last(x.detach().contiguous().numpy(), total.numpy())
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad[..., None].expand(*grad.shape, ctx.size)
