"""The interface of a stacked network, and the kernels that compute one."""

from collections.abc import Callable
from functools import lru_cache, partial
from importlib.util import find_spec
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from algos.kernels.mlp import CompiledMLP
from algos.kernels.policy_gradient import PolicyGradient, policy_gradient


class Network(Protocol):
    """One network for each seed, all of one shape. A seed's results depend only on its own rows of the arguments.

    The parameters of all seeds are one flat tensor ``params [S, P]``; observations are ``x [S, B, D]``. ``active [S]``
    marks the seeds to compute, and None marks all. The rows of the others are zero in every result.
    """

    num_params: int
    num_outputs: int

    @property
    def compiled(self) -> CompiledMLP | None:
        """The network as ``algos.kernels`` computes it, or None if no kernel can."""

    def __call__(self, params: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Outputs ``[S, B, out]`` at ``x``; differentiable once, in ``params`` alone."""

    def vjp(self, params: Tensor, cotangents: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Gradient ``[S, P]`` of ``sum(cotangents * outputs)``, with ``cotangents [S, B, out]``."""

    def jvp(self, params: Tensor, tangents: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Derivative ``[S, B, out]`` of the outputs along ``tangents [S, P]`` of the parameters."""


def compiled_form(network: Network, params: Tensor) -> CompiledMLP | None:
    """The network as ``algos.kernels`` computes it; None if no kernel can, or if ``params`` are not on the CPU."""
    return network.compiled if params.device.type == "cpu" else None


class OnePass(NamedTuple):
    """Kernels that compute a loss and its gradient in one pass over the samples."""

    policy_gradient: Callable[..., PolicyGradient]
    error_gradient: Callable[..., tuple[Tensor, Tensor]]


def one_pass(network: Network, params: Tensor) -> OnePass | None:
    """The kernels of ``network`` for the device of ``params``, or None if there are none."""
    compiled = network.compiled
    if compiled is None:
        return None
    if params.is_cpu:
        return OnePass(partial(policy_gradient, compiled), compiled.error_gradient)
    return _on_cuda(tuple(compiled.sizes.tolist()), compiled.relu, params.dtype) if params.is_cuda else None


@lru_cache
def _on_cuda(sizes: tuple[int, ...], relu: bool, dtype: torch.dtype) -> OnePass | None:
    if find_spec("triton") is None:  # PyTorch for Windows has no Triton
        return None
    from algos.kernels.cuda.networks import CudaMLP, has_kernels  # takes a second to import

    if not has_kernels(sizes, dtype):
        return None
    kernels = CudaMLP(sizes, relu)
    return OnePass(kernels.policy_gradient, kernels.error_gradient)
