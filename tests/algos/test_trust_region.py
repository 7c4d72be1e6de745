"""Conjugate gradients, Fisher products and the line search against explicit matrices and double backprop."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from algos.core.networks import MLP
from algos.core.policy import CategoricalHead, GaussianHead, Policy, SquashedHead, StateDependentGaussianHead
from algos.trust_region import conjugate_gradient, line_search
from tests.composing import RAW

ALL = torch.ones(3, dtype=torch.bool)
HEADS = {
    "discrete": CategoricalHead((3,)),
    "multi-discrete": CategoricalHead((2, 4)),
    "log_std": GaussianHead(2, "log_std"),
    "log_variance": GaussianHead(2, "log_variance"),
    "state_dependent": StateDependentGaussianHead(2),
    "tanh": SquashedHead(GaussianHead(2, "log_variance")),
    "state_dependent tanh": SquashedHead(StateDependentGaussianHead(2)),
}


def spd_systems(size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    roots = rng.normal(size=(3, size, size))
    return roots @ roots.transpose(0, 2, 1) + np.eye(size), rng.normal(size=(3, size))


@settings(max_examples=25, deadline=None)
@given(size=st.integers(1, 12), seed=st.integers(0, 2**32 - 1))
def test_conjugate_gradient_solves_what_numpy_solves(size, seed):
    matrices, b = spd_systems(size, np.random.default_rng(seed))
    product = lambda v, active: torch.einsum("sij,sj->si", torch.from_numpy(matrices), v)  # noqa: E731
    x = conjugate_gradient(product, torch.from_numpy(b), 3 * size, 1e-24, ALL)
    np.testing.assert_allclose(x.numpy(), np.linalg.solve(matrices, b[..., None])[..., 0], rtol=1e-6, atol=1e-8)


def test_conjugate_gradient_of_degenerate_seeds():
    """A zero gradient, a negative curvature and a NaN stay with their seeds and give zero steps."""
    matrices = torch.stack([torch.eye(2), -torch.eye(2), torch.full((2, 2), torch.nan), 2 * torch.eye(2)]).double()
    b = torch.tensor([[0.0, 0.0], [1.0, 2.0], [1.0, 1.0], [4.0, 6.0]], dtype=torch.float64)
    product = lambda v, active: torch.einsum("sij,sj->si", matrices, v)  # noqa: E731
    x = conjugate_gradient(product, b, 5, 1e-10, torch.ones(4, dtype=torch.bool))
    np.testing.assert_array_equal(x.numpy(), [[0, 0], [0, 0], [0, 0], [2, 3]])


def make_policy(head) -> Policy:
    network = MLP((4, 5, head.num_outputs), "tanh")
    generator = torch.Generator().manual_seed(3)
    params = torch.randn(3, network.num_params + head.num_extra, generator=generator, dtype=torch.float64) * 0.5
    return Policy(network, head, params.requires_grad_(), RAW)


@pytest.fixture(params=HEADS)
def policy(request):
    return make_policy(HEADS[request.param])


def functional_kl(policy: Policy, obs: torch.Tensor, old_params: torch.Tensor):
    """Mean KL(old‖new) of each seed as a twice differentiable function, by plain torch operations."""
    reference = Policy(MLP(policy.network.sizes, "tanh"), policy.head, policy.params, RAW)
    reference.network.__class__ = _PlainMLP
    old = reference.distribution(obs, old_params).detach()
    return lambda params: old.kl(reference.distribution(obs, params)).mean(1).sum()


class _PlainMLP(MLP):
    def __call__(self, params, x, active=None):
        start = 0
        for layer, (fan_in, fan_out) in enumerate(zip(self.sizes[:-1], self.sizes[1:], strict=True)):
            weights = params[:, start : start + fan_in * fan_out].reshape(-1, fan_in, fan_out)
            start += fan_in * fan_out
            x = x @ weights + params[:, None, start : start + fan_out]
            start += fan_out
            if layer < len(self.sizes) - 2:
                x = torch.tanh(x)
        return x


def test_fisher_product_is_the_hessian_of_kl(policy):
    """Against double backprop of the KL, and against the explicit Hessian."""
    generator = torch.Generator().manual_seed(5)
    obs = torch.randn(3, 7, 4, generator=generator, dtype=torch.float64)
    vector = torch.randn(policy.params.shape, generator=generator, dtype=torch.float64)
    product = policy.fisher_vector_product(obs, policy.distribution(obs).detach(), vector, ALL)

    params = policy.params.detach().clone().requires_grad_()
    kl = functional_kl(policy, obs, params.detach())
    (gradient,) = torch.autograd.grad(kl(params), params, create_graph=True)
    np.testing.assert_allclose(gradient.detach().numpy(), 0, atol=1e-12)
    (double_backprop,) = torch.autograd.grad((gradient * vector).sum(), params)
    np.testing.assert_allclose(product.numpy(), double_backprop.numpy(), rtol=1e-8, atol=1e-10)

    hessian = torch.autograd.functional.hessian(kl, params.detach())
    for s in range(3):
        np.testing.assert_allclose(product[s].numpy(), (hessian[s, :, s] @ vector[s]).numpy(), rtol=1e-8, atol=1e-10)


def test_fisher_matrix_is_the_covariance_of_scores():
    """The explicit Fisher matrix E[∇log π ∇log πᵀ] of a discrete policy, where it is a finite sum over actions."""
    policy = make_policy(HEADS["discrete"])
    obs = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    distribution = policy.distribution(obs)
    fisher = torch.zeros(3, policy.params.shape[1], policy.params.shape[1], dtype=torch.float64)
    for b in range(4):
        for action in range(3):
            log_prob = policy.distribution(obs[:, b : b + 1]).log_prob(torch.full((3, 1, 1), action))
            (score,) = torch.autograd.grad(log_prob.sum(), policy.params)
            weight = distribution.log_prob(torch.full((3, 4, 1), action))[:, b].exp().detach() / 4
            fisher += weight[:, None, None] * score[:, :, None] * score[:, None, :]
    for column in range(policy.params.shape[1]):
        unit = torch.zeros_like(fisher[:, 0])
        unit[:, column] = 1
        product = policy.fisher_vector_product(obs, distribution.detach(), unit, ALL)
        np.testing.assert_allclose(product.numpy(), fisher[:, column].numpy(), rtol=1e-8, atol=1e-12)


def test_line_search_takes_the_first_step_that_serves_and_restores_the_rest():
    params = torch.tensor([[0.1], [0.2], [0.3], [0.4]])
    step = torch.tensor([[1.0], [1.0], [1.0], [torch.nan]])

    def evaluate(candidate, active):
        moved = (candidate - params)[:, 0]
        surrogate = torch.where(torch.tensor([True, True, False, True]), moved, -moved)  # seed 2 never improves
        return surrogate, moved**2 * torch.tensor([1.0, 4.0, 1.0, 1.0])

    search = line_search(evaluate, params, step, torch.zeros(4), 1.0, 3, 0.5, torch.ones(4, dtype=torch.bool))
    assert search.accepted.tolist() == [True, True, False, False]
    assert search.backtracks.tolist() == [0, 1, 4, 4]
    assert search.params[:2].flatten().tolist() == pytest.approx([1.1, 0.7])
    assert search.params[2:].numpy().tobytes() == params[2:].numpy().tobytes()
