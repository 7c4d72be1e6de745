"""The reference backend against torch.nn and torch.func, gradients by finite differences, sums, initialisers."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from algos.core.networks import MLP, init_orthogonal, init_torch_default
from algos.core.reductions import batch_mean, batch_sum

SHAPES = [((3, 2), "relu"), ((5, 16, 1), "relu"), ((4, 8, 6, 3), "tanh")]


def stack(mlp: MLP, num_seeds: int, generator: torch.Generator) -> Tensor:
    return torch.randn(num_seeds, mlp.num_params, dtype=torch.float64, generator=generator) / 2


def as_linear_layers(mlp: MLP, flat: Tensor) -> nn.Sequential:
    """One seed's network in torch.nn, whose weights are [out, in]."""
    layers: list[nn.Module] = []
    for n_in, n_out in zip(mlp.sizes[:-1], mlp.sizes[1:], strict=True):
        layer = nn.Linear(n_in, n_out, dtype=flat.dtype)
        w, b, flat = flat[: n_in * n_out], flat[n_in * n_out : (n_in + 1) * n_out], flat[(n_in + 1) * n_out :]
        layer.weight.data, layer.bias.data = w.reshape(n_in, n_out).T.contiguous(), b.clone()
        layers += [layer, nn.ReLU() if mlp.activation == "relu" else nn.Tanh()]
    assert flat.numel() == 0
    return nn.Sequential(*layers[:-1])


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(7)


@pytest.mark.parametrize(("sizes", "activation"), SHAPES)
def test_reference_agrees_with_torch_layers(sizes, activation, generator):
    mlp = MLP(sizes, activation, "reference")
    params = stack(mlp, 3, generator)
    x = torch.randn(3, 10, sizes[0], dtype=torch.float64, generator=generator)
    cotangents = torch.randn(3, 10, sizes[-1], dtype=torch.float64, generator=generator)
    tangents = torch.randn(params.shape, dtype=torch.float64, generator=generator)

    outputs, gradients = mlp(params, x), mlp.vjp(params, cotangents, x)
    derivatives = mlp.jvp(params, tangents, x)
    for s in range(3):
        layers = as_linear_layers(mlp, params[s])
        expected = layers(x[s])
        torch.testing.assert_close(outputs[s], expected)
        (expected * cotangents[s]).sum().backward()
        by_layer = [
            (layer.weight.grad.T.flatten(), layer.bias.grad) for layer in layers if isinstance(layer, nn.Linear)
        ]
        torch.testing.assert_close(gradients[s], torch.cat([part for layer in by_layer for part in layer]))

        direction = dict(as_linear_layers(mlp, tangents[s]).named_parameters())

        def call(parameters, layers=layers, s=s):
            return torch.func.functional_call(layers, parameters, (x[s],))

        _, expected = torch.func.jvp(call, (dict(layers.named_parameters()),), (direction,))
        torch.testing.assert_close(derivatives[s], expected)


@pytest.mark.parametrize("backend", ["reference", "auto"])
@pytest.mark.parametrize(("sizes", "activation"), SHAPES)
def test_gradient_by_finite_differences(sizes, activation, backend, generator):
    mlp = MLP(sizes, activation, backend)
    params = stack(mlp, 2, generator).requires_grad_()
    x = torch.randn(2, 5, sizes[0], dtype=torch.float64, generator=generator)
    assert torch.autograd.gradcheck(lambda p: mlp(p, x), (params,))
    active = torch.tensor([False, True])
    assert torch.autograd.gradcheck(lambda p: mlp(p, x, active), (params,))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((5,), "relu"), "sizes"),
        (((5, 0, 1), "relu"), "sizes"),
        (((5, 1), "gelu"), "gelu"),
        (((5, 1), "relu", "x"), "'x'"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MLP(*arguments)


def test_batch_sum_and_mean_do_not_depend_on_other_seeds_or_threads(generator):
    x = torch.randn(5, 40_000, generator=generator)
    sums, means = batch_sum(x), batch_mean(x)
    torch.testing.assert_close(sums.double(), x.double().sum(1))
    torch.testing.assert_close(means, sums / 40_000)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert all(batch_sum(x[s : s + 1])[0] == sums[s] for s in range(5))
    finally:
        torch.set_num_threads(threads)


def test_batch_mean_is_differentiable(generator):
    x = torch.randn(2, 7, dtype=torch.float64, generator=generator, requires_grad=True)
    assert torch.autograd.gradcheck(batch_mean, (x,))


def test_torch_default_has_the_range_and_order_of_linear_layers():
    sizes = (4, 200, 300)
    flat = init_torch_default(sizes, np.random.default_rng(0), last_scale=1.0)
    first, last = flat[: 5 * 200], flat[5 * 200 :]
    assert flat.shape == (MLP(sizes, "relu").num_params,)
    for part, fan_in in ((first, 4), (last, 200)):
        assert 0.95 / fan_in**0.5 < np.abs(part).max() <= 1 / fan_in**0.5
        assert np.isclose(part.std(), (3 * fan_in) ** -0.5, rtol=0.1)

    scaled = init_torch_default(sizes, np.random.default_rng(0), last_scale=0.5)
    np.testing.assert_array_equal(scaled, np.concatenate([first, 0.5 * last]))


@pytest.mark.parametrize("sizes", [(6, 4, 2), (3, 9, 5)])
def test_orthogonal_weights_are_orthogonal_and_scaled(sizes):
    mlp = MLP(sizes, "tanh")
    flat = torch.from_numpy(init_orthogonal(sizes, np.random.default_rng(1), gain=1.5, last_gain=0.25))
    linear = [layer for layer in as_linear_layers(mlp, flat) if isinstance(layer, nn.Linear)]
    for layer, gain in zip(linear, (1.5, 0.25), strict=True):
        w = layer.weight.data / gain
        gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
        torch.testing.assert_close(gram, torch.eye(len(gram), dtype=torch.float64))
        assert not layer.bias.any()


def test_orthogonal_matrices_are_uniform():
    """Signs of R move into Q: otherwise the first entry of Q would always be negative."""
    first = [init_orthogonal((3, 3), np.random.default_rng(i), gain=1.0, last_gain=1.0)[0] for i in range(200)]
    assert 60 < sum(value > 0 for value in first) < 140
