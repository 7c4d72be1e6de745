"""Stochastic policies: a stacked network and an action distribution on its outputs."""

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
    """A head as the kernels of rollouts and of policy gradients compute it: Gaussian actions, or one discrete choice.

    ``scale`` times a parameter is the logarithm of a Gaussian's standard deviation, the same in every state; None is a
    choice.
    """

    scale: float | None


class Head(Protocol):
    """Turns network outputs into an action distribution; may own parameters behind the network's.

    The last ``num_spread`` of all parameters, its own or the biases of outputs, set the spread everywhere alike.
    """

    num_outputs: int
    num_extra: int
    num_spread: int

    @property
    def compiled(self) -> CompiledHead | None:
        """The form in which ``algos.kernels`` computes this head; None: it is called instead."""

    def __call__(self, outputs: Tensor, extra: Tensor) -> Distribution:
        """The distribution of ``outputs [S, B, num_outputs]`` and ``extra [S, num_extra]``."""

    def fisher_product(
        self, distribution: Distribution, outputs_tangent: Tensor, extra_tangent: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Fisher matrix of (outputs, extra) of each sample times the tangents, which have their shapes."""

    def standard_deviation(self, extra: Tensor) -> Tensor | None:
        """The standard deviations ``[S, A]``; None where they depend on the state or actions are discrete."""


class CategoricalHead:
    """Logits for each Discrete choice, or for each dimension of a MultiDiscrete action one after another."""

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
    """Means from the network and a state-independent parameter per action dimension for the spread.

    ``spread`` says what the parameter is: ``log_std`` or ``log_variance`` (the post's exp(log_sigma) is a covariance).
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
    """The first half of the network's outputs are means, the second half log standard deviations."""

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
    """tanh of what another head's Gaussian gives; its Fisher matrix is the Gaussian's, as tanh is one to one."""

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
        """Those before the squash."""
        return self.gaussian.standard_deviation(extra)


class Policy:
    """The policies of all seeds: flat parameters ``[S, P]``, the network's first and then the head's own.

    ``obs_normaliser`` says what the networks see: :meth:`act` takes observations as environments give them, all else
    takes normalised ones.
    """

    def __init__(self, network: Network, head: Head, params: Tensor, obs_normaliser: ObservationNormaliser) -> None:
        self.network = network
        self.head = head
        self.params = params
        self.obs_normaliser = obs_normaliser

    def distribution(self, obs: Tensor, params: Tensor | None = None, active: Tensor | None = None) -> Distribution:
        """Action distribution at ``obs [S, B, D]``, by default at the current parameters."""
        params = self.params if params is None else params
        network_params, extra = params.split([self.network.num_params, self.head.num_extra], dim=1)
        return self.head(self.network(network_params, obs, active), extra)

    def fisher_vector_product(
        self, obs: Tensor, distribution: Distribution, vector: Tensor, active: Tensor | None = None
    ) -> Tensor:
        """Gauss-Newton product F·v ``[S, P]`` with the mean Fisher matrix over ``obs [S, B, D]``.

        F = mean_b J_bᵀ M_b J_b, with J the network's Jacobian and M the closed-form Fisher matrix of the distribution's
        parameters: jvp, M, vjp. At the parameters of ``distribution`` it is the Hessian of mean KL (Martens 2020, §8).
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
        """The policy as it is now, to act by: where its network can be computed on the CPU, it is there.

        A step of the environments is a small batch, and a call of another device takes longer.
        """
        if self.params.is_cpu or self.network.compiled is None:
            return self
        return Policy(self.network, self.head, self.params.detach().cpu(), self.obs_normaliser)

    @torch.no_grad()
    def standard_deviation(self) -> np.ndarray | None:
        """The standard deviations of Gaussian actions ``[S, A]``; None where they depend on the state, or Discrete."""
        deviation = self.head.standard_deviation(self.params[:, self.network.num_params :])
        return None if deviation is None else deviation.cpu().numpy()

    def state_dict(self) -> State:
        """The parameters and the statistics of the observations."""
        return {"params": self.params.detach().cpu().numpy()} | collect_state(obs_normaliser=self.obs_normaliser)

    @torch.no_grad()
    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        self.params.copy_(torch.from_numpy(state["params"]))
        restore_state(state, obs_normaliser=self.obs_normaliser)

    @torch.no_grad()
    def act(self, obs: np.ndarray, noise: np.ndarray | None) -> np.ndarray:
        """Actions ``[S, N, A]`` at ``obs [S, N, D]``, as environments give them.

        They are sampled from ``noise`` of the actions' shape, or the modes if it is None; those of a squashed policy
        are not squashed yet.
        """
        distribution = self.distribution(torch.as_tensor(self.obs_normaliser(obs), device=self.params.device))
        if noise is None:
            return distribution.mode().cpu().numpy()
        return distribution.sample(torch.as_tensor(noise, device=self.params.device)).cpu().numpy()
