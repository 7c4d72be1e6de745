"""Sums in an order that does not depend on other seeds, and gradients of losses."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from algos.kernels.reduce import sum_last, sum_rows
from algos.kernels.threads import shared_out


def batch_sum(x: Tensor) -> Tensor:
    """Sum ``[S]`` of each row of ``x [S, B]``. On the CPU the order of the sum depends on B alone.

    ``torch.sum`` splits a single long row among threads, but not several rows. So a seed's sum would depend on whether
    there are other seeds.
    """
    return _BatchSum.apply(x)


def last_sum(x: Tensor) -> Tensor:
    """Sum ``[S, B]`` of ``x [S, B, A]`` over the last axis. On the CPU it adds in order, on every processor."""
    if x.device.type != "cpu":
        return x.sum(-1)
    return x[..., 0] if x.shape[-1] == 1 else _LastSum.apply(x)


def batch_mean(x: Tensor) -> Tensor:
    """Mean ``[S]`` of each row of ``x [S, B]``, by :func:`batch_sum`."""
    return batch_sum(x) / x.shape[1]


def with_gradient(loss: Tensor, params: Tensor, gradient: Tensor) -> Tensor:
    """``loss [S]`` as a function of the leaf ``params [S, P]`` with a known ``gradient [S, P]``; differentiable once.

    What is computed from the result can be differentiated as usual.
    """
    if params.requires_grad:
        loss = _Known.apply(params, (loss, gradient))
    loss.known_gradient = (params, gradient, loss._version)  # type: ignore[attr-defined]
    return loss


def gradients(losses: Sequence[Tensor], params: Sequence[Tensor]) -> Sequence[Tensor]:
    """Gradients ``[S, P_i]`` of the sum of ``losses [S]`` with respect to the leaves ``params``.

    Known gradients (:func:`with_gradient`) are returned as they are if each loss has its own leaf.
    """
    known = [_known(loss) for loss in losses]
    by_params = {id(entry[0]): entry[1] for entry in known if entry is not None}
    if len(by_params) == len(losses) and by_params.keys() == {id(param) for param in params}:
        return [by_params[id(param)] for param in params]
    total = losses[0] if len(losses) == 1 else sum(losses[1:], start=losses[0])
    return torch.autograd.grad(total.sum(), params)


def _known(loss: Tensor) -> tuple[Tensor, Tensor] | None:
    """The parameters and the known gradient of a loss, unless the loss was changed in place."""
    known = getattr(loss, "known_gradient", None)
    return None if known is None or known[2] != loss._version else known[:2]


class _Known(torch.autograd.Function):
    """A loss ``[S]`` with a known gradient."""

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
