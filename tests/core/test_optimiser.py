"""The optimisers of stacked parameters against torch.optim, seed by seed."""

import pytest
import torch

from algos.core.optimiser import Adam, Optimiser, RMSprop

SEEDS = 3
SIZES = (70, 33)


def make(name: str, params: list[torch.Tensor], max_grad_norm: float | None) -> Optimiser:
    common = {"learning_rate": 0.03, "max_grad_norm": max_grad_norm, "eps": 1e-5}
    if name == "adam":
        return Adam(Adam.Settings.model_construct(**common, beta1=0.8, beta2=0.95), params)
    return RMSprop(RMSprop.Settings.model_construct(**common, decay=0.9), params)


def peer(name: str, params: list[torch.Tensor]) -> torch.optim.Optimizer:
    if name == "adam":
        return torch.optim.Adam(params, lr=0.03, eps=1e-5, betas=(0.8, 0.95))
    return torch.optim.RMSprop(params, lr=0.03, eps=1e-5, alpha=0.9)


def loss_of(params: list[torch.Tensor], step: int) -> torch.Tensor:
    """A loss [S] whose gradient changes in size and sign from step to step."""
    first, second = params
    return ((first - step) ** 2).sum(1) * (0.1 if step % 2 else 1.0) + torch.sin(second * (step + 1)).sum(1)


@pytest.mark.parametrize("max_grad_norm", [None, 5.0])
@pytest.mark.parametrize("name", ["adam", "rmsprop"])
def test_steps_are_those_of_torch_and_stopped_seeds_stay(name, max_grad_norm):
    generator = torch.Generator().manual_seed(1)
    start = [torch.randn(SEEDS, size, dtype=torch.float64, generator=generator) for size in SIZES]
    stacked = [param.clone().requires_grad_() for param in start]
    optimiser = make(name, stacked, max_grad_norm)
    singles = [[param[s : s + 1].clone().requires_grad_() for param in start] for s in range(SEEDS)]
    peers = [peer(name, params) for params in singles]
    for step in range(12):
        active = torch.tensor([True, step < 5, step % 3 != 1])
        optimiser.step(loss_of(stacked, step), active)
        for params, single in (
            (params, single) for s, (params, single) in enumerate(zip(singles, peers, strict=True)) if active[s]
        ):
            single.zero_grad()
            loss_of(params, step).sum().backward()
            if max_grad_norm is not None:
                torch.nn.utils.clip_grad_norm_(params, max_grad_norm)
            single.step()
    for s, params in enumerate(singles):
        for param, expected in zip(stacked, params, strict=True):
            torch.testing.assert_close(param[s : s + 1], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["adam", "rmsprop"])
def test_formula_for_other_devices_gives_the_compiled_step(name):
    generator = torch.Generator().manual_seed(2)
    compiled, formula = (
        [torch.linspace(-1, 1, SEEDS * 40, dtype=torch.float32).reshape(SEEDS, 40).clone()] for _ in range(2)
    )
    a, b = make(name, compiled, None), make(name, formula, None)
    active = torch.tensor([True, False, True])
    for _ in range(5):
        grad = torch.randn(SEEDS, 40, generator=generator)
        a.apply([grad], active)
        change = b._change(0, grad, active)
        formula[0].copy_(torch.where(active[:, None], formula[0] - change, formula[0]))
        torch.testing.assert_close(compiled[0], formula[0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["adam", "rmsprop"])
def test_a_seed_moves_alike_alone_and_among_others(name):
    generator = torch.Generator().manual_seed(3)
    params = torch.randn(5, 1001, generator=generator)
    grads = torch.randn(4, 5, 1001, generator=generator)
    together, alone = params.clone(), params[3:4].clone()
    a, b = make(name, [together], 0.5), make(name, [alone], 0.5)
    for grad in grads:
        a.apply([grad], torch.ones(5, dtype=torch.bool))
        b.apply([grad[3:4]], torch.ones(1, dtype=torch.bool))
    assert torch.equal(together[3:4], alone)
