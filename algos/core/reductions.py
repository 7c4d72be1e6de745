"""Sums over a seed's samples whose order does not depend on the other seeds."""

from typing import Any

import torch
from torch import Tensor

from algos.kernels.reduce import sum_last, sum_rows
from algos.kernels.threads import shared_out


def batch_sum(x: Tensor) -> Tensor:
    """Sum [S] of each seed's row of x [S, B]; on the CPU in an order that depends on B alone.

    ``torch.sum`` of one long row splits it by the number of threads, of many rows it does not: a seed's loss would
    then depend on the seeds beside it.
    """
    return _BatchSum.apply(x)


def last_sum(x: Tensor) -> Tensor:
    """Sum [S, B] of x [S, B, A] over its last axis; on the CPU in its order, on every processor alike."""
    if x.device.type != "cpu":
        return x.sum(-1)
    return x[..., 0] if x.shape[-1] == 1 else _LastSum.apply(x)


def batch_mean(x: Tensor) -> Tensor:
    """Mean [S] of each seed's row of x [S, B], in the order of ``batch_sum``."""
    return batch_sum(x) / x.shape[1]


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
