"""The compiled mean of the clipped surrogate against the formula in plain torch operations."""

import numpy as np
import pytest
import torch

from algos.core.surrogate import clipped_surrogate, mean_clipped_surrogate


def test_the_formula_by_hand():
    """ε = ¼: gains are capped above 1.25, losses below 0.75, and never the other way round."""
    ratio = torch.tensor([2.0, 0.5, 2.0, 0.5, 1.0])
    advantages = torch.tensor([1.0, 1.0, -1.0, -1.0, 3.0])
    assert clipped_surrogate(ratio, advantages, 0.25).tolist() == [1.25, 0.5, -2.0, -0.75, 3.0]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-6), (torch.float64, 1e-12)])
def test_mean_slopes_and_figures(dtype, tolerance):
    generator = torch.Generator().manual_seed(0)
    old, advantages = torch.randn(2, 3, 1001, generator=generator, dtype=dtype).unbind()
    log_probs = (old + 0.2 * torch.randn(3, 1001, generator=generator, dtype=dtype)).requires_grad_()
    active = torch.tensor([True, False, True])
    result = mean_clipped_surrogate(log_probs, old, advantages, 0.1, active)
    (slopes,) = torch.autograd.grad(result.objective.sum(), log_probs)

    ratio = torch.exp(log_probs - old)
    objective = clipped_surrogate(ratio, advantages, 0.1).mean(1)
    (expected_slopes,) = torch.autograd.grad(objective.sum(), log_probs)
    expected = {
        "objective": objective,
        "k3": (ratio - 1 - (log_probs - old)).mean(1),
        "log_ratio": (old - log_probs).mean(1),
        "clip_fraction": ((ratio - 1).abs() > 0.1).to(dtype).mean(1),
    }
    for name, value in expected.items():
        found = getattr(result, name).detach()
        np.testing.assert_allclose(found[active], value[active].detach(), atol=tolerance, rtol=0)
        assert found[1] == 0
    np.testing.assert_allclose(slopes[active], expected_slopes[active], atol=tolerance, rtol=1e-5)
    assert not slopes[1].any()


def test_a_nan_stays_with_its_seed():
    log_probs = torch.zeros(2, 50)
    log_probs[0, 7] = torch.nan
    result = mean_clipped_surrogate(
        log_probs, torch.zeros(2, 50), torch.ones(2, 50), 0.1, torch.ones(2, dtype=torch.bool)
    )
    assert torch.isnan(result.objective).tolist() == [True, False]
