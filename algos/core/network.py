"""What the core asks of a network, whoever wrote it."""

from collections.abc import Callable
from functools import lru_cache, partial
from importlib.util import find_spec
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from algos.kernels.mlp import CompiledMLP
from algos.kernels.policy_gradient import PolicyGradient, policy_gradient


class Network(Protocol):
    """One network per seed, all of one shape; row s of every result depends on row s of the arguments alone.

    Parameters of all seeds are one flat tensor ``[S, P]``, observations are ``x [S, B, D]``. ``active`` ([S] bool;
    None: all) marks the seeds to compute; the rows of the others are zeros in every result.

    """

    num_params: int
    num_outputs: int

    @property
    def compiled(self) -> CompiledMLP | None:
        """The form in which ``algos.kernels`` computes this very network; None: it is called instead."""

    def __call__(self, params: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Outputs ``[S, B, out]``; differentiable once, in ``params`` alone."""

    def vjp(self, params: Tensor, cotangents: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Gradient ``[S, P]`` of ``sum(cotangents * outputs)`` by ``params``; cotangents ``[S, B, out]``."""

    def jvp(self, params: Tensor, tangents: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Derivative ``[S, B, out]`` of the outputs as ``params`` move along ``tangents [S, P]``."""


def compiled_form(network: Network, params: Tensor) -> CompiledMLP | None:
    """What kernels compute ``network`` by, at parameters that lie on the CPU; None where they do not."""
    return network.compiled if params.device.type == "cpu" else None


class OnePass(NamedTuple):
    """Losses of a network with their gradients, each in one pass over the samples."""

    policy_gradient: Callable[..., PolicyGradient]
    error_gradient: Callable[..., tuple[Tensor, Tensor]]


def one_pass(network: Network, params: Tensor) -> OnePass | None:
    """The kernels for ``network`` where ``params`` lie; None where there are none: its formulae are differentiated."""
    compiled = network.compiled
    if compiled is None:
        return None
    if params.is_cpu:
        return OnePass(partial(policy_gradient, compiled), compiled.error_gradient)
    return _on_cuda(tuple(compiled.sizes.tolist()), compiled.relu, params.dtype) if params.is_cuda else None


@lru_cache
def _on_cuda(sizes: tuple[int, ...], relu: bool, dtype: torch.dtype) -> OnePass | None:
    if find_spec("triton") is None:  # PyTorch for Windows comes without
        return None
    from algos.kernels.cuda.networks import CudaMLP, has_kernels  # takes a second to import

    if not has_kernels(sizes, dtype):
        return None
    kernels = CudaMLP(sizes, relu)
    return OnePass(kernels.policy_gradient, kernels.error_gradient)
