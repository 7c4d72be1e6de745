"""Modules as stacked networks: against torch.func and double backprop; bytes; what is refused."""

import random

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from algos.core import modules
from algos.core.activations import ACTIVATIONS
from algos.core.module_trial import ModuleError
from algos.core.modules import ModuleNetwork
from algos.core.networks import MLP
from algos.core.plain_mlp import plain_mlp
from algos.core.seeded_modules import make_modules
from algos.streams import stream

IMAGE = (2, 5, 5)


class Residual(nn.Module):
    """Convolutions around which the input is added, GroupNorm, and a linear map of 3 outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3, padding=1)
        self.norm = nn.GroupNorm(2, 4)
        self.second = nn.Conv2d(4, 2, 3, padding=1)
        self.out = nn.Linear(50, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.second(nn.functional.gelu(self.norm(self.first(x))))
        return self.out(x.flatten(1))


def layer_norm() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(50, 33), nn.LayerNorm(33), nn.SiLU(), nn.Linear(33, 9), nn.Softplus(), nn.Linear(9, 3)
    )


MAKERS = {"residual": Residual, "layer norm": layer_norm}


def network_of(make, seeds, dtype=torch.float64, outputs=3) -> ModuleNetwork:
    made = make_modules(make, [stream(seed, "policy_init") for seed in seeds], IMAGE)
    return ModuleNetwork(made, IMAGE, outputs, dtype, "cpu")


def of_seed(make, seed: int) -> nn.Module:
    return make_modules(make, [stream(seed, "policy_init")], IMAGE)[0].double()


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("keep_bytes", [0, modules.KEEP_BYTES])
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_agrees_with_each_seeds_own_module(make, keep_bytes, generator, monkeypatch):
    """Outputs, gradients and directional derivatives, in chunks; of inactive seeds there are zeros."""
    monkeypatch.setattr(modules, "CHUNK_ROWS", 8)
    monkeypatch.setattr(modules, "KEEP_BYTES", keep_bytes)
    network = network_of(make, range(3))
    params = network.initial_params.clone().requires_grad_()
    x = torch.randn(3, 20, 50, dtype=torch.float64, generator=generator)
    cotangents = torch.randn(3, 20, 3, dtype=torch.float64, generator=generator)
    tangents = torch.randn(params.shape, dtype=torch.float64, generator=generator)
    active = torch.tensor([True, False, True])

    outputs = network(params, x, active)
    (gradient,) = torch.autograd.grad((outputs * cotangents).sum(), params)
    torch.testing.assert_close(network.vjp(params, cotangents, x, active), gradient, rtol=0, atol=0)
    derivative = network.jvp(params, tangents, x, active)
    with torch.no_grad():
        assert torch.equal(network(params, x, active), outputs)
    for s in (0, 2):
        module = of_seed(make, s)
        expected = module(x[s].view(-1, *IMAGE))
        torch.testing.assert_close(outputs[s], expected)
        by_name = torch.autograd.grad((expected * cotangents[s]).sum(), list(module.parameters()))
        torch.testing.assert_close(gradient[s], torch.cat([part.flatten() for part in by_name]))
        names, values = zip(*module.named_parameters(), strict=True)
        sizes = [value.numel() for value in values]
        direction = {n: t.view_as(v) for n, t, v in zip(names, tangents[s].split(sizes), values, strict=True)}
        _, expected = torch.func.jvp(
            lambda p, module=module, s=s: torch.func.functional_call(module, p, (x[s].view(-1, *IMAGE),)),
            (dict(module.named_parameters()),),
            (direction,),
        )
        torch.testing.assert_close(derivative[s], expected)
    for rows in (outputs, gradient, derivative):
        assert not rows[1].any()


def test_gradient_by_finite_differences_and_twice(generator):
    network = network_of(layer_norm, range(2))
    params = network.initial_params.clone().requires_grad_()
    x = torch.randn(2, 3, 50, dtype=torch.float64, generator=generator)
    assert torch.autograd.gradcheck(lambda p: network(p[:, :], x), (params,), fast_mode=True)
    loss = network(params, x).sum()
    first = torch.autograd.grad(loss, params, retain_graph=True)
    assert torch.equal(first[0], torch.autograd.grad(loss, params)[0])


@pytest.mark.parametrize("rows", [1, 7, 64, 1500])
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_bytes_do_not_depend_on_other_seeds_or_threads(make, rows, generator, threads, monkeypatch):
    monkeypatch.setattr("algos.core.seed_threads.SMALL", 0)
    data = [torch.randn(5, rows, size, generator=generator) for size in (50, 3)]

    def results(seeds, number: int) -> list[bytes]:
        threads(number)
        network = network_of(make, seeds, torch.float32)
        params = network.initial_params.clone().requires_grad_()
        x, cotangents = (tensor[seeds] for tensor in data)
        outputs = network(params, x)
        (gradient,) = torch.autograd.grad((outputs * cotangents).sum(), params)
        position = seeds.index(3)
        found = (outputs, gradient, network.jvp(params, gradient.sign(), x), network.vjp(params, cotangents, x))
        return [tensor[position].detach().numpy().tobytes() for tensor in found]

    alone = results([3], 1)
    for seeds, number in (([3], 2), ([2, 3], 1), ([0, 1, 2, 3, 4], 2), ([4, 3, 1], 2)):
        assert results(seeds, number) == alone


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_bytes_of_every_activation(activation, generator, threads):
    """Softplus and others round a number by its place in a tensor; a seed's network must not."""
    sizes = (3, 7, 5, 1)
    x = torch.randn(4, 11, 3, generator=generator) * 3

    def results(seeds, number: int) -> list[bytes]:
        threads(number)
        network = plain_mlp(sizes, activation, len(seeds), torch.float32, "cpu")
        generator = torch.Generator().manual_seed(5)
        params = torch.randn(4, network.num_params, generator=generator)[seeds].requires_grad_()
        (gradient,) = torch.autograd.grad(network(params, x[seeds]).square().sum(), params)
        found = (network(params, x[seeds]), gradient, network.jvp(params, gradient, x[seeds]))
        return [tensor[seeds.index(2)].detach().numpy().tobytes() for tensor in found]

    alone = results([2], 1)
    for seeds, number in (([1, 2], 1), ([0, 1, 2, 3], 2), ([3, 2], 1)):
        assert results(seeds, number) == alone


def test_every_activation_of_pytorch_is_there_or_cannot_be():
    """An activation without settings that gives one number for one, and has no parameter, is offered."""
    numbers = torch.tensor([-1.3, 0.4])
    offered = {getattr(nn.functional, name)(numbers).numpy().tobytes() for name in ACTIVATIONS}
    impossible = {"Threshold", "PReLU", "GLU", "MultiheadAttention", "Softmin", "Softmax", "Softmax2d", "LogSoftmax"}
    for name in set(nn.modules.activation.__all__) - impossible:
        assert getattr(nn, name)().eval()(numbers).numpy().tobytes() in offered, name


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_plain_layers_have_the_parameters_of_the_compiled_ones(activation, generator):
    sizes = (4, 6, 5, 2)
    plain, compiled = plain_mlp(sizes, activation, 2, torch.float64, "cpu"), MLP(sizes, activation)
    assert plain.num_params == compiled.num_params
    params = torch.randn(2, plain.num_params, dtype=torch.float64, generator=generator)
    x = torch.randn(2, 9, 4, dtype=torch.float64, generator=generator)
    torch.testing.assert_close(plain(params, x), compiled(params, x))


def test_initial_parameters_come_from_the_seeds_stream_alone():
    class Noisy(nn.Module):
        """Draws from all three global generators."""

        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(50, 3)
            self.register_buffer("numbers", torch.tensor([np.random.rand(), random.random()]))  # noqa: NPY002

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x.flatten(1)) * self.numbers.sum()

    def made(seeds) -> dict[int, tuple[bytes, bytes]]:
        network = network_of(Noisy, seeds)
        buffers = [module.numbers.numpy().tobytes() for module in network._modules]
        return {s: (row.numpy().tobytes(), b) for s, row, b in zip(seeds, network.initial_params, buffers, strict=True)}

    def global_draws() -> tuple[float, ...]:
        return torch.rand(1).item(), np.random.rand(), random.random()  # noqa: NPY002

    among = made([0, 1, 2])
    global_draws()
    state = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    expected = global_draws()
    torch.set_rng_state(state[0]), np.random.set_state(state[1]), random.setstate(state[2])  # noqa: NPY002
    assert made([2])[2] == among[2]
    assert global_draws() == expected, "the global generators go on as if untouched"
    assert len(set(among.values())) == 3


def test_lazy_layers_frozen_parameters_and_buffers():
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.frozen = nn.Conv2d(2, 4, 3)
            self.frozen.requires_grad_(False)
            self.register_buffer("scale", torch.randn(1))
            self.last = nn.LazyLinear(3)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(torch.relu(self.frozen(x)).flatten(1)) * self.scale

    network = network_of(Mixed, [4, 5])
    assert network.num_params == 4 * 9 * 3 + 3
    x = torch.randn(2, 6, 50, dtype=torch.float64)
    outputs = network(network.initial_params, x)
    for position, seed in enumerate((4, 5)):
        torch.testing.assert_close(outputs[position], of_seed(Mixed, seed)(x[position].view(-1, *IMAGE)))
    assert made_twice_alike(Mixed)


def made_twice_alike(make) -> bool:
    return torch.equal(network_of(make, [4]).initial_params[0], network_of(make, [3, 4]).initial_params[1])


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer, self.calls = nn.Linear(50, 3), 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.layer(x.flatten(1)) + self.calls


class Centring(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(50, 3)
        nn.init.zeros_(self.layer.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x.flatten(1))
        return y - y.mean(0)


def sequence(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Flatten(), *layers)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Linear(1, 2, nonsense=True), "cannot be made: TypeError: .*nonsense"),
        (lambda: 3, "is a int; expected: a torch.nn.Module"),
        (nn.Flatten, "no trainable parameters"),
        (lambda: sequence(nn.Linear(49, 3)), r"fails on observations \[4, 2, 5, 5\]"),
        (lambda: sequence(nn.Linear(50, 2)), r"maps observations \[4, 2, 5, 5\] to \[4, 2\]; expected: \[4, 3\]"),
        (lambda: sequence(nn.Linear(50, 3), nn.Dropout(0.1)), "draws random numbers"),
        (lambda: sequence(nn.Linear(50, 3), nn.BatchNorm1d(3)), "changes its buffer 2.running_mean"),
        (lambda: sequence(nn.Linear(50, 3), nn.BatchNorm1d(3, track_running_stats=False)), "mixes the samples"),
        (Centring, "mixes the samples"),
        (Counting, "other outputs when it is called again"),
        (lambda: sequence(nn.Linear(50, 3 if random.random() < 0.5 else 4), nn.LazyLinear(3)), "other shapes"),
    ],
)
def test_what_cannot_be_stacked_is_refused_in_one_line(make, message):
    with pytest.raises(ModuleError, match=message) as refused:
        network_of(make, range(8))
    assert "\n" not in str(refused.value)


def test_a_seed_with_nan_keeps_it_to_itself(generator):
    network = network_of(Residual, range(3))
    params = network.initial_params.clone()
    params[1] = torch.nan
    x = torch.randn(3, 4, 50, dtype=torch.float64, generator=generator)
    outputs = network(params, x)
    assert outputs[1].isnan().all()
    assert outputs[[0, 2]].isfinite().all()
    assert network(params, x, torch.tensor([True, False, True])).isfinite().all()
