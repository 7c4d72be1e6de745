"""The Gaussians with a spread per state and with tanh, against torch.distributions, SciPy and finer quadrature."""

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch import distributions

from algos.core.distributions import DiagonalGaussian, SquashedGaussian, log_tanh_slope


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gaussian(seed: int) -> DiagonalGaussian:
    """Of two seeds, five states with a spread each, three dimensions."""
    return DiagonalGaussian(normal(2, 5, 3, seed=seed), 0.5 * normal(2, 5, 3, seed=seed + 1))


def reference(of: DiagonalGaussian, squashed: bool) -> distributions.Distribution:
    base = distributions.Independent(distributions.Normal(of.mean, of.log_std.exp()), 1)
    return distributions.TransformedDistribution(base, distributions.TanhTransform()) if squashed else base


@pytest.mark.parametrize("squashed", [False, True], ids=["gaussian", "tanh"])
def test_log_prob_and_kl_are_those_of_torch_distributions(squashed):
    old, new, u = gaussian(0), gaussian(2), normal(2, 5, 3, seed=4)
    mine = [SquashedGaussian(one) if squashed else one for one in (old, new)]
    theirs = [reference(one, squashed) for one in (old, new)]
    at = torch.tanh(u) if squashed else u
    np.testing.assert_allclose(mine[0].log_prob(u), theirs[0].log_prob(at), rtol=1e-10)
    np.testing.assert_allclose(mine[0].kl(mine[1]), distributions.kl_divergence(*theirs), rtol=1e-10)
    assert not torch.allclose(SquashedGaussian(old).log_prob(u), old.log_prob(u), atol=0.1)


def test_densities_stay_finite_where_tanh_rounds_to_one():
    u = torch.tensor([-80.0, -9.0, 0.0, 1e-4, 9.0, 80.0])
    expected = np.log(4) - 2 * np.logaddexp(u.double().numpy(), -u.double().numpy())
    np.testing.assert_allclose(log_tanh_slope(u), expected, rtol=1e-6, atol=1e-6)


def test_the_slope_of_tanh_rounds_alike_wherever_a_number_stands():
    u = 3 * normal(1003, seed=0).float()
    assert torch.equal(log_tanh_slope(u), torch.cat([log_tanh_slope(one) for one in u.split(1)]))


@pytest.mark.parametrize(
    ("std", "tolerance"), [(0.05, 1e-6), (0.7, 1e-6), (2.0, 1e-5), (5.0, 4e-3)], ids=lambda value: f"{value:g}"
)
@pytest.mark.parametrize("mean", [0.0, -0.4, 3.0])
def test_entropy_and_its_slope_are_those_of_adaptive_quadrature(mean, std, tolerance):
    """−∫ p(a) log p(a) da with a = tanh(u), and its derivative in the mean, −2·E[tanh(u)]."""
    density = stats.norm(mean, std).pdf

    def expectation(function):
        ends = mean - 9 * std, mean + 9 * std
        return integrate.quad(lambda u: density(u) * function(u), *ends, limit=500, epsabs=1e-10)[0]

    expected = expectation(lambda u: -np.log(density(u) * np.cosh(u) ** 2))
    centre = torch.full((1, 1, 2), mean, dtype=torch.float64, requires_grad=True)
    squashed = SquashedGaussian(DiagonalGaussian(centre, torch.full_like(centre, np.log(std)).detach()))
    entropy = squashed.entropy()
    np.testing.assert_allclose(entropy.detach(), [[2 * expected]], rtol=0, atol=2 * tolerance)
    (slope,) = torch.autograd.grad(entropy.sum(), centre)
    np.testing.assert_allclose(slope[0, 0], [-2 * expectation(np.tanh)] * 2, rtol=0, atol=5 * tolerance)
    assert abs(squashed.gaussian.entropy().item() - 2 * expected) > 10 * tolerance
