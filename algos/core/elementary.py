"""Differentiable exp, log, tanh and sqrt of tensors, with the same bits on every processor.

On the CPU PyTorch calls MKL, whose results depend on the processor. On other devices these are PyTorch's own functions.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from algos.kernels.elementary import CHUNK, each_exp, each_log, each_tanh
from algos.kernels.threads import shared_out


def exp(x: Tensor) -> Tensor:
    """exp(x), elementwise."""
    return torch.exp(x) if x.device.type != "cpu" else _Exp.apply(x)


def log(x: Tensor) -> Tensor:
    """log(x), elementwise, for normal numbers x > 0, infinity and NaN."""
    return torch.log(x) if x.device.type != "cpu" else _Log.apply(x)


def tanh(x: Tensor) -> Tensor:
    """tanh(x), elementwise."""
    return torch.tanh(x) if x.device.type != "cpu" else _Tanh.apply(x)


def sqrt(x: Tensor) -> Tensor:
    """√x, elementwise, correctly rounded."""
    return torch.sqrt(x) if x.device.type != "cpu" else _Sqrt.apply(x)


def _apply(kernel: Callable[..., None], x: Tensor) -> Tensor:
    out = torch.empty(x.shape, dtype=x.dtype)
    with shared_out(-(-x.numel() // CHUNK), 10 * x.numel()):
        kernel(x.detach().contiguous().numpy().reshape(-1), out.numpy().reshape(-1))
    return out


class _Exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        out = _apply(each_exp, x)
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (out,) = ctx.saved_tensors
        return grad * out


class _Log(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return _apply(each_log, x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad / x


class _Tanh(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        out = _apply(each_tanh, x)
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (out,) = ctx.saved_tensors
        return grad * (1 - out * out)


class _Sqrt(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        out = torch.from_numpy(np.sqrt(x.detach().numpy()))
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (out,) = ctx.saved_tensors
        return grad / (2 * out)
