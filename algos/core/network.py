"""What the core asks of a network, whoever wrote it."""

from typing import Protocol

from torch import Tensor

from algos.kernels.mlp import CompiledMLP


class Network(Protocol):
    """One network per seed, all of one shape; row s of every result depends on row s of the arguments alone.

    Parameters of all seeds are one flat tensor ``[S, P]``, observations are ``x [S, B, D]``. ``active`` ([S] bool;
    None: all) marks the seeds to compute; the rows of the others are zeros in every result.

    """

    num_params: int
    num_outputs: int

    @property
    def compiled(self) -> CompiledMLP | None:
        """The form in which ``algos.kernels`` computes this very network on the CPU; None: it is called instead."""

    def __call__(self, params: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Outputs ``[S, B, out]``; differentiable once, in ``params`` alone."""

    def vjp(self, params: Tensor, cotangents: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Gradient ``[S, P]`` of ``sum(cotangents * outputs)`` by ``params``; cotangents ``[S, B, out]``."""

    def jvp(self, params: Tensor, tangents: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Derivative ``[S, B, out]`` of the outputs as ``params`` move along ``tangents [S, P]``."""


def compiled_form(network: Network, params: Tensor) -> CompiledMLP | None:
    """What kernels compute ``network`` by, at parameters that lie on the CPU; None where they do not."""
    return network.compiled if params.device.type == "cpu" else None
