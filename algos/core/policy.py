"""Stochastic policies: a stacked network, and an action distribution of its outputs."""

from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from algos.core.checkpoint import State, collect_state, restore_state
from algos.core.distributions import Categorical, DiagonalGaussian, Distribution, SquashedGaussian
from algos.core.elementary import exp
from algos.core.network import Network
from algos.core.normalisation import ObservationNormaliser


class CompiledHead(NamedTuple):
    """A head as kernels compute it: a Gaussian whose spread is the same in every state, or one discrete choice.

    ``scale`` times a parameter of the head is the log standard deviation. It is None for a discrete choice.
    """

    scale: float | None


class Head(Protocol):
    """Turns the outputs of a network into an action distribution.

    Attributes:
        num_outputs: number of outputs that the network must have.
        num_extra: number of the head's own parameters, which follow the network's.
        num_spread: number of parameters at the end of all that set the spread in every state: the head's own, or the
            last biases of the network.
    """

    num_outputs: int
    num_extra: int
    num_spread: int

    @property
    def compiled(self) -> CompiledHead | None:
        """The head as ``algos.kernels`` computes it, or None if no kernel can."""

    def __call__(self, outputs: Tensor, extra: Tensor) -> Distribution:
        """The action distribution for ``outputs [S, B, num_outputs]`` and own parameters ``extra [S, num_extra]``."""

    def fisher_product(
        self, distribution: Distribution, outputs_tangent: Tensor, extra_tangent: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Each sample's Fisher matrix of (outputs, extra) times the tangents, in the tangents' shapes."""

    def standard_deviation(self, extra: Tensor) -> Tensor | None:
        """Standard deviations ``[S, A]``; None if they depend on the state or actions are discrete."""


class CategoricalHead:
    """The outputs are logits of a Discrete action, or of each dimension of a MultiDiscrete action in turn."""

    num_extra = num_spread = 0

    def __init__(self, choices: tuple[int, ...]) -> None:
        self.choices = choices
        self.num_outputs = sum(choices)
        self.compiled = CompiledHead(scale=None) if len(choices) == 1 else None

    def __call__(self, outputs: Tensor, extra: Tensor) -> Categorical:
        return Categorical(outputs, self.choices)

    def fisher_product(
        self, distribution: Distribution, outputs_tangent: Tensor, extra_tangent: Tensor
    ) -> tuple[Tensor, Tensor]:
        assert isinstance(distribution, Categorical)
        return distribution.fisher_product(outputs_tangent), extra_tangent

    def standard_deviation(self, extra: Tensor) -> None:
        return None


class GaussianHead:
    """The outputs are means. One parameter for each action dimension sets the spread, the same in every state.

    ``spread`` is what this parameter means: ``log_std``, or ``log_variance`` as in the post.
    """

    def __init__(self, num_actions: int, spread: str) -> None:
        self.num_outputs = self.num_extra = self.num_spread = num_actions
        self.scale = {"log_std": 1.0, "log_variance": 0.5}[spread]
        self.compiled = CompiledHead(self.scale)

    def __call__(self, outputs: Tensor, extra: Tensor) -> DiagonalGaussian:
        return DiagonalGaussian(outputs, self.scale * extra[:, None])

    def fisher_product(
        self, distribution: Distribution, outputs_tangent: Tensor, extra_tangent: Tensor
    ) -> tuple[Tensor, Tensor]:
        assert isinstance(distribution, DiagonalGaussian)
        mean, log_std = distribution.fisher_product(outputs_tangent, self.scale * extra_tangent)
        return mean, self.scale * log_std

    def standard_deviation(self, extra: Tensor) -> Tensor:
        return exp(self.scale * extra)


class StateDependentGaussianHead:
    """The first half of the outputs are means, the second half are log standard deviations."""

    num_extra = 0
    compiled = None

    def __init__(self, num_actions: int) -> None:
        self.num_outputs = 2 * num_actions
        self.num_spread = num_actions

    def __call__(self, outputs: Tensor, extra: Tensor) -> DiagonalGaussian:
        mean, log_std = outputs.chunk(2, dim=-1)
        return DiagonalGaussian(mean, log_std)

    def fisher_product(
        self, distribution: Distribution, outputs_tangent: Tensor, extra_tangent: Tensor
    ) -> tuple[Tensor, Tensor]:
        assert isinstance(distribution, DiagonalGaussian)
        return torch.cat(distribution.fisher_product(*outputs_tangent.chunk(2, dim=-1)), dim=-1), extra_tangent

    def standard_deviation(self, extra: Tensor) -> None:
        return None


class SquashedHead:
    """Actions are tanh of another head's Gaussian. The Fisher matrix is the Gaussian's, because tanh is one to one."""

    compiled = None

    def __init__(self, gaussian: GaussianHead | StateDependentGaussianHead) -> None:
        self.gaussian = gaussian
        self.num_outputs = gaussian.num_outputs
        self.num_extra = gaussian.num_extra
        self.num_spread = gaussian.num_spread

    def __call__(self, outputs: Tensor, extra: Tensor) -> SquashedGaussian:
        return SquashedGaussian(self.gaussian(outputs, extra))

    def fisher_product(
        self, distribution: Distribution, outputs_tangent: Tensor, extra_tangent: Tensor
    ) -> tuple[Tensor, Tensor]:
        assert isinstance(distribution, SquashedGaussian)
        return self.gaussian.fisher_product(distribution.gaussian, outputs_tangent, extra_tangent)

    def standard_deviation(self, extra: Tensor) -> Tensor | None:
        """Standard deviations of the Gaussian, before tanh."""
        return self.gaussian.standard_deviation(extra)


class Policy:
    """The policies of all seeds.

    :meth:`act` takes observations as the environments give them. All other methods take normalised ones.

    Attributes:
        params: flat parameters ``[S, P]``: the network's, then the head's own.
    """

    def __init__(self, network: Network, head: Head, params: Tensor, obs_normaliser: ObservationNormaliser) -> None:
        self.network = network
        self.head = head
        self.params = params
        self.obs_normaliser = obs_normaliser

    def distribution(self, obs: Tensor, params: Tensor | None = None, active: Tensor | None = None) -> Distribution:
        """The action distribution at ``obs [S, B, D]`` with ``params``, or with the current parameters."""
        params = self.params if params is None else params
        network_params, extra = params.split([self.network.num_params, self.head.num_extra], dim=1)
        return self.head(self.network(network_params, obs, active), extra)

    def fisher_vector_product(
        self, obs: Tensor, distribution: Distribution, vector: Tensor, active: Tensor | None = None
    ) -> Tensor:
        """F·v ``[S, P]`` for ``vector [S, P]``, with the mean Fisher matrix F over ``obs [S, B, D]``.

        F = mean_b J_bᵀ M_b J_b: J is the network's Jacobian, and M the Fisher matrix of the distribution's parameters.
        F is the Hessian of the mean KL from ``distribution``, which must be that of the current parameters (Martens
        2020, §8).
        """
        sizes = [self.network.num_params, self.head.num_extra]
        params, _ = self.params.detach().split(sizes, dim=1)
        network_vector, extra_vector = vector.split(sizes, dim=1)
        tangent = self.network.jvp(params, network_vector, obs, active)
        cotangent, extra = self.head.fisher_product(distribution, tangent, extra_vector[:, None])
        product = self.network.vjp(params, cotangent / obs.shape[1], obs, active)
        return torch.cat([product, extra[:, 0]], dim=1)

    @torch.no_grad()
    def on_cpu(self) -> "Policy":
        """A copy of the policy on the CPU, for acting.

        It is the policy itself if that is on the CPU already, or if no kernel computes its network there.
        """
        # One step is a small batch: a call of another device would take longer.
        if self.params.is_cpu or self.network.compiled is None:
            return self
        return Policy(self.network, self.head, self.params.detach().cpu(), self.obs_normaliser)

    @torch.no_grad()
    def standard_deviation(self) -> np.ndarray | None:
        """Standard deviations ``[S, A]``; None if they depend on the state or actions are discrete."""
        deviation = self.head.standard_deviation(self.params[:, self.network.num_params :])
        return None if deviation is None else deviation.cpu().numpy()

    def state_dict(self) -> State:
        """The parameters and the statistics of observations."""
        return {"params": self.params.detach().cpu().numpy()} | collect_state(obs_normaliser=self.obs_normaliser)

    @torch.no_grad()
    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        self.params.copy_(torch.from_numpy(state["params"]))
        restore_state(state, obs_normaliser=self.obs_normaliser)

    @torch.no_grad()
    def act(self, obs: np.ndarray, noise: np.ndarray | None) -> np.ndarray:
        """Actions ``[S, N, A]`` at ``obs [S, N, D]`` as the environments give them.

        They are sampled from ``noise [S, N, A]``; with None they are the modes. Actions of a squashed policy are those
        before tanh.
        """
        distribution = self.distribution(torch.as_tensor(self.obs_normaliser(obs), device=self.params.device))
        if noise is None:
            return distribution.mode().cpu().numpy()
        return distribution.sample(torch.as_tensor(noise, device=self.params.device)).cpu().numpy()
