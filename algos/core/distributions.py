"""Action distributions of stacked seeds, with entropy, KL and Fisher products.

Arguments and results keep the axes ``[S, B]``; sums run over the action dimensions only. On the CPU compiled code
computes the log-probabilities of the usual shapes.
"""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from algos.core.elementary import exp, log
from algos.core.reductions import last_sum
from algos.kernels.distributions import categorical_entropy, categorical_log_prob, gaussian_log_prob

HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)

# The trapezoidal rule for expectations under a standard normal distribution. For analytic functions its error falls
# exponentially with the number of nodes (Trefethen and Weideman 2014).
NODES = np.linspace(-6.0, 6.0, 33)
_DENSITIES = [math.exp(-0.5 * node * node) for node in NODES.tolist()]  # NumPy's exp depends on the processor
WEIGHTS = np.array(_DENSITIES) / math.fsum(_DENSITIES)


@dataclass
class Categorical:
    """One independent categorical choice for each action dimension.

    ``logits [S, B, sum(choices)]`` holds the logits of one dimension after another. Actions are integers ``[S, B,
    len(choices)]``. A Discrete action has one dimension, a MultiDiscrete action has several.
    """

    logits: Tensor
    choices: tuple[int, ...]

    def _log_softmax(self) -> tuple[Tensor, ...]:
        return tuple(log_softmax(part) for part in self.logits.split(self.choices, dim=-1))

    def detach(self) -> Self:
        """The same distribution without its graph."""
        return type(self)(self.logits.detach(), self.choices)

    def log_prob(self, actions: Tensor) -> Tensor:
        """Log-probability of ``actions [S, B, dimensions]``, ``[S, B]``."""
        if len(self.choices) == 1 and self.logits.device.type == "cpu":
            return categorical_log_prob(self.logits, actions[..., 0])
        parts = [part.gather(-1, actions[..., i : i + 1]).squeeze(-1) for i, part in enumerate(self._log_softmax())]
        return sum(parts[1:], start=parts[0])

    def entropy(self) -> Tensor:
        """Entropy in nats, ``[S, B]``."""
        if len(self.choices) == 1 and self.logits.device.type == "cpu":
            return categorical_entropy(self.logits)
        parts = [-last_sum(exp(part) * part) for part in self._log_softmax()]
        return sum(parts[1:], start=parts[0])

    def kl(self, new: Any) -> Tensor:
        """KL(self‖new) in nats, ``[S, B]``."""
        parts = [
            last_sum(exp(old_part) * (old_part - new_part))
            for old_part, new_part in zip(self._log_softmax(), new._log_softmax(), strict=True)
        ]
        return sum(parts[1:], start=parts[0])

    def fisher_product(self, tangent: Tensor) -> Tensor:
        """The Fisher matrix of the logits, diag(p) − p pᵀ, times ``tangent [S, B, sum(choices)]``."""
        products = []
        for log_probs, part in zip(self._log_softmax(), tangent.split(self.choices, dim=-1), strict=True):
            weighted = exp(log_probs) * part
            products.append(weighted - exp(log_probs) * last_sum(weighted)[..., None])
        return torch.cat(products, dim=-1)

    def mode(self) -> Tensor:
        """The most probable action ``[S, B, dimensions]``."""
        return torch.stack([part.argmax(-1) for part in self.logits.split(self.choices, dim=-1)], dim=-1)

    def sample(self, noise: Tensor) -> Tensor:
        """The first choice whose cumulative probability exceeds uniform ``noise [S, B, dimensions]`` (inverse CDF)."""
        samples = []
        for i, part in enumerate(self._log_softmax()):
            cumulative = exp(part).cumsum(-1)[..., :-1]
            samples.append((noise[..., i : i + 1] >= cumulative).sum(-1))
        return torch.stack(samples, dim=-1)


@dataclass
class DiagonalGaussian:
    """A normal distribution with independent dimensions: ``mean [S, B, A]``, ``log_std [S, 1, A]`` or ``[S, B, A]``."""

    mean: Tensor
    log_std: Tensor

    def detach(self) -> Self:
        """The same distribution without its graph."""
        return type(self)(self.mean.detach(), self.log_std.detach())

    def log_prob(self, actions: Tensor) -> Tensor:
        """Log-density of ``actions [S, B, A]``, ``[S, B]``."""
        if self.log_std.shape[1] == 1 and self.mean.device.type == "cpu":
            return gaussian_log_prob(self.mean, self.log_std[:, 0], actions)
        z = (actions - self.mean) * exp(-self.log_std)
        return last_sum(-0.5 * z * z - (self.log_std + HALF_LOG_2PI))

    def entropy(self) -> Tensor:
        """Differential entropy in nats, ``[S, B]``."""
        return last_sum(self.log_std + (0.5 + HALF_LOG_2PI)).expand(self.mean.shape[:2])

    def kl(self, new: Any) -> Tensor:
        """KL(self‖new) in nats, ``[S, B]``."""
        scale = exp(-new.log_std)
        difference = (self.mean - new.mean) * scale
        ratio = exp(self.log_std) * scale
        return last_sum(new.log_std - self.log_std + 0.5 * (ratio * ratio + difference * difference) - 0.5)

    def fisher_product(self, mean_tangent: Tensor, log_std_tangent: Tensor) -> tuple[Tensor, Tensor]:
        """The Fisher matrix of (mean, log_std), diag(1/σ², 2), times the tangents."""
        precision = exp(-2.0 * self.log_std)
        return precision * mean_tangent, 2.0 * log_std_tangent

    def mode(self) -> Tensor:
        """The mean ``[S, B, A]``."""
        return self.mean

    def sample(self, noise: Tensor) -> Tensor:
        """mean + std · noise for standard normal ``noise [S, B, A]``."""
        return self.mean + exp(self.log_std) * noise


@dataclass
class SquashedGaussian:
    """The distribution of tanh(u) for a Gaussian u (Haarnoja et al. 2018, appendix C).

    Actions in arguments and results are u, because tanh(u) loses digits where tanh is flat. Probabilities, entropy and
    KL are those of tanh(u).
    """

    gaussian: DiagonalGaussian

    def detach(self) -> Self:
        """The same distribution without its graph."""
        return type(self)(self.gaussian.detach())

    def log_prob(self, actions: Tensor) -> Tensor:
        """Log-density of tanh(``actions [S, B, A]``), ``[S, B]``."""
        return self.gaussian.log_prob(actions) - last_sum(log_tanh_slope(actions))

    def entropy(self) -> Tensor:
        """Differential entropy in nats, ``[S, B]``: the Gaussian's plus E[Σ log(1 − tanh²u)], by quadrature.

        In each dimension the error of the quadrature is below 1e-5 up to a standard deviation of 2, and 4e-3 at 5.
        """
        mean, std = self.gaussian.mean, exp(self.gaussian.log_std)
        change = torch.zeros_like(mean)
        for node, weight in zip(NODES.tolist(), WEIGHTS.tolist(), strict=True):
            change = change + weight * log_tanh_slope(mean + node * std)
        return self.gaussian.entropy() + last_sum(change)

    def kl(self, new: Any) -> Tensor:
        """KL(self‖new) in nats, ``[S, B]``. It equals the Gaussians', because tanh is one to one."""
        return self.gaussian.kl(new.gaussian)

    def mode(self) -> Tensor:
        """The mean of u, ``[S, B, A]``. Its tanh is the median action."""
        return self.gaussian.mode()

    def sample(self, noise: Tensor) -> Tensor:
        """u = mean + std · noise for standard normal ``noise [S, B, A]``."""
        return self.gaussian.sample(noise)


def log_softmax(logits: Tensor) -> Tensor:
    """Logarithms of the probabilities ``[S, B, A]`` of ``logits [S, B, A]``."""
    if logits.device.type != "cpu":
        return logits.log_softmax(-1)
    # On the CPU, PyTorch's own sum depends on the processor.
    shifted = logits - logits.detach().amax(-1, keepdim=True)
    return shifted - log(last_sum(exp(shifted)))[..., None]


def log_tanh_slope(u: Tensor) -> Tensor:
    """log(1 − tanh²u), elementwise, without cancellation for any u."""
    # softplus and logaddexp would be shorter, but they round a number by its place in the tensor.
    return 2.0 * (math.log(2.0) - u.abs() - log(1.0 + exp(-2.0 * u.abs())))


Distribution = Categorical | DiagonalGaussian | SquashedGaussian
