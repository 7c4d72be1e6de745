"""The critic's loss against PyTorch's, for networks with and without a compiled form, and by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from algos.core.networks import MLP
from algos.core.plain_mlp import plain_mlp
from algos.core.value_loss import ValueClip, value_loss

SIZES = (5, 16, 1)
NETWORKS = {
    "compiled": lambda: MLP(SIZES, "tanh"),
    "reference": lambda: MLP(SIZES, "tanh", "reference"),
    "module": lambda: plain_mlp(SIZES, "tanh", 3, torch.float64, "cpu"),
}


@pytest.mark.parametrize("weight", [1.0, 0.25])
@pytest.mark.parametrize("clip_coef", [None, 0.1])
@pytest.mark.parametrize("network", NETWORKS)
def test_loss_and_gradient(network, clip_coef, weight):
    generator = torch.Generator().manual_seed(0)
    network = NETWORKS[network]()
    params = torch.randn(3, network.num_params, dtype=torch.float64, generator=generator).requires_grad_()
    x = torch.randn(3, 40, 5, dtype=torch.float64, generator=generator)
    targets, shifts = torch.randn(2, 3, 40, dtype=torch.float64, generator=generator)
    active = torch.tensor([True, False, True])
    old_values = network(params, x).detach()[..., 0] + 0.15 * shifts
    clip = None if clip_coef is None else ValueClip(old_values, clip_coef)

    loss = value_loss(network, params, x, targets, clip, weight, active)
    (gradient,) = torch.autograd.grad((loss * torch.arange(1.0, 4.0)).sum(), params)
    assert loss[1] == 0
    assert not gradient[1].any()
    for s in (0, 2):
        flat = params[s].detach().requires_grad_()
        weights, bias, last, last_bias = flat.split([80, 16, 16, 1])
        values = torch.tanh(x[s] @ weights.view(5, 16) + bias) @ last + last_bias
        errors = nn.functional.mse_loss(values, targets[s], reduction="none")
        if clip_coef is not None:
            near = values.clamp(old_values[s] - clip_coef, old_values[s] + clip_coef)
            errors = torch.maximum(errors, nn.functional.mse_loss(near, targets[s], reduction="none"))
        expected = weight * errors.mean()
        torch.testing.assert_close(loss[s], expected)
        torch.testing.assert_close(gradient[s], torch.autograd.grad((s + 1) * expected, flat)[0])


def test_clipped_error_by_hand():
    """V = 3 everywhere, ε = ½: within the range, beyond it towards the target, beyond it away from the target."""
    old, targets = torch.tensor([[2.9, 2.0, 2.0]]), torch.tensor([[5.0, 5.0, 0.0]])
    params = torch.tensor([[3.0, 0.0]], requires_grad=True)  # weight and bias
    clip, active = ValueClip(old, 0.5), torch.tensor([True])
    error = value_loss(MLP((1, 1), "tanh"), params, torch.ones(1, 3, 1), targets, clip, 1.0, active)
    # V clipped: 3, 2½, 2½; errors 4, 4, 9 or 4, 6¼, 6¼; the larger ones 4, 6¼, 9, of slopes 2·(3 − 5), 0, 2·3
    np.testing.assert_allclose(error.detach(), [(4 + 6.25 + 9) / 3], rtol=1e-6)
    (gradient,) = torch.autograd.grad(error.sum(), params)
    np.testing.assert_allclose(gradient, [[(-4 + 6) / 3] * 2], rtol=1e-6)


@pytest.mark.parametrize("place", ["obs", "old", "targets"])
def test_a_nan_stays_visible_and_stays_in_its_seed(place):
    network = MLP(SIZES, "relu")
    params = torch.ones(2, network.num_params, requires_grad=True)
    arguments = {"obs": torch.zeros(2, 70, 5), "targets": torch.ones(2, 70), "old": torch.full((2, 70), 16.9)}
    arguments[place].view(2, -1)[1, 0] = torch.nan
    clip, active = ValueClip(arguments["old"], 0.2), torch.ones(2, dtype=torch.bool)
    loss = value_loss(network, params, arguments["obs"], arguments["targets"], clip, 1.0, active)
    assert loss.isnan().tolist() == [False, True]
