"""Compiled log-probabilities and entropy against torch.distributions, by finite differences, and in their bits."""

import numba
import pytest
import torch
from torch import distributions

from algos.kernels.distributions import categorical_entropy, categorical_log_prob, gaussian_log_prob

ENTROPY, CHOICE, GAUSSIAN = "entropy", "choice", "gaussian"


def problem(kind, dtype, num_seeds=3, batch=1100, dimensions=3):
    """The function's arguments, those that want a gradient first."""
    generator = torch.Generator().manual_seed(5)

    def normal(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

    first = normal(num_seeds, batch, dimensions)
    if kind == GAUSSIAN:
        return gaussian_log_prob, [first, normal(num_seeds, dimensions) / 2, normal(num_seeds, batch, dimensions)]
    if kind == CHOICE:
        actions = torch.randint(dimensions, (num_seeds, batch), generator=generator)
        return categorical_log_prob, [3 * first, actions]
    return categorical_entropy, [3 * first]


def oracle(kind, arguments):
    if kind == GAUSSIAN:
        mean, log_std, actions = arguments
        return distributions.Normal(mean, log_std.exp()[:, None]).log_prob(actions).sum(-1)
    if kind == CHOICE:
        return distributions.Categorical(logits=arguments[0]).log_prob(arguments[1])
    return distributions.Categorical(logits=arguments[0]).entropy()


def result_and_gradients(function, arguments, weights, **options):
    arguments = [a.detach().clone() for a in arguments]
    wanted = [a.requires_grad_() for a in arguments[:2] if a.is_floating_point()]
    result = function(*arguments, **options)
    return [result.detach(), *torch.autograd.grad((result * weights).sum(), wanted)]


def weights_of(arguments):
    return torch.randn(arguments[0].shape[:2], generator=torch.Generator().manual_seed(6), dtype=arguments[0].dtype)


KINDS = [ENTROPY, CHOICE, GAUSSIAN]


@pytest.mark.parametrize("dimensions", [1, 2, 5])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)])
@pytest.mark.parametrize("kind", KINDS)
def test_agree_with_torch_distributions(kind, dtype, tolerance, dimensions):
    function, arguments = problem(kind, dtype, dimensions=dimensions)
    weights = weights_of(arguments)
    expected = result_and_gradients(lambda *a: oracle(kind, a), arguments, weights)
    for result, other in zip(result_and_gradients(function, arguments, weights), expected, strict=True):
        torch.testing.assert_close(result, other, rtol=tolerance, atol=tolerance * max(1.0, float(other.abs().max())))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_by_finite_differences(kind):
    function, arguments = problem(kind, torch.float64, num_seeds=2, batch=4)
    wanted = [a.requires_grad_() for a in arguments[:2] if a.is_floating_point()]
    rest = arguments[len(wanted) :]
    assert torch.autograd.gradcheck(lambda *w: function(*w, *rest), wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_has_the_same_bits_alone_and_with_another_thread_count(kind):
    function, arguments = problem(kind, torch.float32)
    weights = weights_of(arguments)
    together = result_and_gradients(function, arguments, weights)
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        for s in range(3):
            alone = result_and_gradients(function, [a[s : s + 1] for a in arguments], weights[s : s + 1])
            for one, all_ in zip(alone, together, strict=True):
                assert torch.equal(one, all_[s : s + 1])
    finally:
        numba.set_num_threads(threads)


@pytest.mark.parametrize("kind", KINDS)
def test_inactive_seeds_are_zeros_and_change_nothing(kind):
    function, arguments = problem(kind, torch.float32)
    weights = weights_of(arguments)
    arguments[0][1] = torch.nan
    active = torch.tensor([True, False, True])
    everything = result_and_gradients(function, arguments, weights)
    for result, other in zip(
        result_and_gradients(function, arguments, weights, active=active), everything, strict=True
    ):
        assert torch.equal(result[active], other[active])
        assert not result[1].any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_has_the_same_bits_wherever_it_stands(kind):
    function, arguments = problem(kind, torch.float32)
    whole = function(*arguments)
    order = torch.randperm(1100, generator=torch.Generator().manual_seed(1))
    for count in (1, 7, 600):
        rows = order[:count]
        assert torch.equal(
            function(*(a if a.ndim == 2 and kind == GAUSSIAN else a[:, rows] for a in arguments)), whole[:, rows]
        )


@pytest.mark.parametrize("kind", KINDS)
def test_nan_stays_visible(kind):
    function, arguments = problem(kind, torch.float32)
    arguments[0][1, 3, 2] = torch.nan
    result = function(*arguments)
    assert result[1, 3].isnan()
    assert result.isnan().sum() == 1
