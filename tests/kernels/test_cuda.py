"""The kernels for CUDA against those for the CPU; where there is no device, Triton interprets them."""

import os
from importlib.util import find_spec
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Normal

from algos.core.networks import MLP
from algos.core.optimiser import Adam
from algos.kernels.mlp import CompiledMLP
from algos.kernels.policy_gradient import policy_gradient

if find_spec("triton") is None:
    pytest.skip("needs Triton, which PyTorch brings along where it computes on CUDA", allow_module_level=True)
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
if DEVICE == "cpu":
    os.environ["TRITON_INTERPRET"] = "1"  # before a kernel is defined

from algos.kernels.cuda.networks import CudaMLP, has_kernels  # noqa: E402
from algos.kernels.cuda.optimisers import adam_step  # noqa: E402

NETWORKS = {"one layer": ((5, 64, 2), "relu"), "two layers": ((4, 33, 20, 3), "tanh")}
CLOSE = 1e-5
"""Of sums of float32 products, each of which may be off by 2⁻²¹; a mean of numbers near 1 may be near 0."""


def normal(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator)


def assert_near(found: Tensor, expected: Tensor) -> None:
    assert float((found.cpu() - expected).norm()) <= CLOSE * max(1.0, float(expected.norm()))


def moved(arguments: tuple) -> tuple:
    return tuple(each.to(DEVICE) if isinstance(each, Tensor) else each for each in arguments)


@pytest.mark.parametrize("actions", ["gaussian", "choice"])
@pytest.mark.parametrize("network", NETWORKS)
def test_policy_gradient(network, actions):
    sizes, activation = NETWORKS[network]
    generator, num_seeds, batch, choices = torch.Generator().manual_seed(0), 3, 100, sizes[-1]
    compiled = CompiledMLP(sizes, activation)
    count = sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))
    gaussian = actions == "gaussian"
    params = 0.3 * normal(generator, num_seeds, count + gaussian * choices)
    taken = normal(generator, num_seeds, batch, choices)
    if not gaussian:
        taken = torch.randint(choices, (num_seeds, batch, 1), generator=generator)
    obs, advantages, shifts = (normal(generator, num_seeds, batch, *more) for more in (sizes[:1], (), ()))
    outputs = MLP(sizes, activation, "reference")(params[:, :count], obs)
    if gaussian:
        old = Normal(outputs, torch.exp(0.5 * params[:, None, count:])).log_prob(taken).sum(-1) + 0.3 * shifts
    else:
        old = Categorical(logits=outputs).log_prob(taken[..., 0]) + 0.3 * shifts
    active = torch.tensor([True, False, True])
    clip_range = (0.8, 1.2)
    arguments = (params, obs, taken, old, advantages)
    settings = (0.5 if gaussian else None, clip_range, 0.02)
    expected = policy_gradient(compiled, *arguments, *settings, active)
    kernels = CudaMLP(sizes, compiled.relu)
    found = kernels.policy_gradient(*moved(arguments), *settings, *moved((active,)))
    for one, other in zip(found, expected, strict=True):
        assert_near(one, other)
    assert 0 < found.outside[0] < 1
    alone = kernels.policy_gradient(
        *moved(tuple(each[2:].contiguous() for each in arguments)), *settings, active[2:].to(DEVICE)
    )
    for one, other in zip(found, alone, strict=True):
        assert torch.equal(one[2:], other)


@pytest.mark.parametrize("clipped", [False, True])
@pytest.mark.parametrize("network", NETWORKS)
def test_error_gradient(network, clipped):
    sizes, activation = NETWORKS[network]
    sizes = (*sizes[:-1], 1)
    generator, num_seeds, batch = torch.Generator().manual_seed(1), 2, 70
    compiled = CompiledMLP(sizes, activation)
    count = sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))
    params, obs = 0.3 * normal(generator, num_seeds, count), normal(generator, num_seeds, batch, sizes[0])
    targets, old_values = normal(generator, num_seeds, batch), normal(generator, num_seeds, batch)
    arguments = (
        params,
        obs,
        targets,
        old_values if clipped else None,
        0.5,
        0.25,
        torch.ones(num_seeds, dtype=torch.bool),
    )
    expected = compiled.error_gradient(*arguments)
    found = CudaMLP(sizes, compiled.relu).error_gradient(*moved(arguments))
    for one, other in zip(found, expected, strict=True):
        assert_near(one, other)


def test_a_nan_stays_in_its_seed():
    kernels, batch = CudaMLP((2, 4, 1), relu=True), 40
    params, obs = torch.ones(2, 17), torch.ones(2, batch, 2)
    obs[1, 0, 0] = torch.nan
    zeros, active = torch.zeros(2, batch), torch.ones(2, dtype=torch.bool)
    loss, gradient = kernels.error_gradient(*moved((params, obs, zeros, zeros, 0.2, 1.0, active)))
    assert loss.isnan().tolist() == [False, True]
    assert gradient.isnan().any(1).tolist() == [False, True]


@pytest.mark.parametrize("max_norm", [None, 0.5])
@pytest.mark.parametrize("groups", [1, 2])
def test_adam(groups, max_norm):
    generator, sizes = torch.Generator().manual_seed(2), (1030, 7)[:groups]
    settings = Adam.Settings.model_construct(
        learning_rate=0.03, max_grad_norm=max_norm, eps=1e-5, beta1=0.8, beta2=0.95
    )
    optimiser = Adam(settings, [normal(generator, 3, size) for size in sizes])
    own = [
        moved(tuple(each.clone() for each in group))
        for group in zip(optimiser.params, optimiser.means, optimiser.squares, optimiser.steps, strict=True)
    ]
    for active in ([True, True, False], [True, False, True]):
        grads = [normal(generator, 3, size) for size in sizes]
        optimiser.apply(grads, torch.tensor(active))
        together = [(param, grad.to(DEVICE), *state) for (param, *state), grad in zip(own, grads, strict=True)]
        adam_step(together, 0.03, 1e-5, 0.8, 0.95, max_norm, torch.tensor(active, device=DEVICE))
    for index, (param, _, square, steps) in enumerate(own):
        assert_near(param, optimiser.params[index])
        assert_near(square, optimiser.squares[index])
        assert torch.equal(steps.cpu(), optimiser.steps[index])


def test_what_has_no_kernel_is_left_to_the_formulae():
    assert has_kernels((5, 64, 64, 1), torch.float32)
    for sizes in ((5, 1), (5, 65, 1), (5, 8, 8, 8, 1)):
        assert not has_kernels(sizes, torch.float32)
    assert not has_kernels((5, 64, 1), torch.float64)
