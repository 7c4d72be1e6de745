"""Policy and critic as parts of one network's outputs: against the whole network, and a loss written out."""

import pytest
import torch
from torch import Tensor

from algos.core.batches import Batch
from algos.core.networks import MLP
from algos.core.plain_mlp import plain_mlp
from algos.core.shared import OutputsOf
from sweeps.errors import InputError
from tests.composing import composed, trainer

SIZES = (4, 6, 5)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(2)


@pytest.mark.parametrize("activation", ["tanh", "gelu"])
def test_a_part_is_the_whole_networks_outputs_from_first_to_last(activation, generator):
    whole = MLP(SIZES, "tanh") if activation == "tanh" else plain_mlp(SIZES, activation, 3, torch.float64, "cpu")
    part = OutputsOf(whole, 1, 3)
    params = torch.randn(3, whole.num_params + 2, dtype=torch.float64, generator=generator).requires_grad_()
    own = params.detach()[:, :-2]
    x = torch.randn(3, 7, 4, dtype=torch.float64, generator=generator)
    cotangents = torch.randn(3, 7, 3, dtype=torch.float64, generator=generator)
    active = torch.tensor([True, False, True])

    outputs = part(params, x, active)
    assert torch.equal(outputs, whole(own, x, active)[..., 1:4])
    every = torch.zeros(3, 7, 5, dtype=torch.float64)
    every[..., 1:4] = cotangents
    expected = torch.cat([whole.vjp(own, every, x, active), torch.zeros(3, 2)], dim=1)
    torch.testing.assert_close(part.vjp(params.detach(), cotangents, x, active), expected)
    (gradient,) = torch.autograd.grad((outputs * cotangents).sum(), params)
    torch.testing.assert_close(gradient, expected)
    torch.testing.assert_close(
        part.jvp(params.detach(), params.detach(), x, active), whole.jvp(own, own, x, active)[..., 1:4]
    )


def test_a_joint_step_descends_both_losses_in_the_shared_parameters():
    """The gradient of −mean(log π·Â) + vf_coef·mean((V − R)²), all of it through one plain network."""
    run = trainer("network=shared64x64", "critic=joint", "algo=a2c", "dtype=float64", "num_seeds=2", "num_steps=5")
    policy, critic = run.policy, run.critic
    assert policy.params is critic.params
    obs = torch.randn(2, 40, 4, dtype=torch.float64)
    actions = torch.randint(2, (2, 40, 1))
    weights, returns = torch.randn(2, 40, dtype=torch.float64), torch.randn(2, 40, dtype=torch.float64)
    active = torch.ones(2, dtype=torch.bool)
    loss = -(policy.distribution(obs).log_prob(actions) * weights).mean(1)
    batch = Batch(obs, actions, log_probs=weights, advantages=weights, returns=returns, values=returns)
    loss = loss + critic.weighted_loss(0.5, batch, active)
    (gradient,) = torch.autograd.grad(loss.sum(), policy.params)

    def plain(flat: Tensor, obs: Tensor) -> Tensor:
        for n_in, n_out in ((4, 64), (64, 64), (64, 3)):
            weight, bias, flat = flat.split([n_in * n_out, n_out, len(flat) - (n_in + 1) * n_out])
            obs = obs @ weight.view(n_in, n_out) + bias
            obs = torch.tanh(obs) if n_out == 64 else obs
        return obs

    for s in range(2):
        flat = policy.params[s].detach().requires_grad_()
        outputs = plain(flat, obs[s])
        log_probs = outputs[:, :2].log_softmax(-1).gather(-1, actions[s])[:, 0]
        expected = -(log_probs * weights[s]).mean() + 0.5 * (outputs[:, 2] - returns[s]).square().mean()
        torch.testing.assert_close(loss[s], expected)
        torch.testing.assert_close(gradient[s], torch.autograd.grad(expected, flat)[0])


def test_a_step_of_a_run_moves_policy_and_values():
    run = trainer("network=shared64x64", "critic=joint", "algo=ppo", "num_steps=5", "iterations=2")
    before = run.policy.params.detach().clone()
    list(run)
    assert run.policy.params is run.critic.params
    assert bool((run.policy.params != before).any())


def test_a_shared_network_needs_a_joint_critic():
    with pytest.raises(InputError, match=r"value\.shared=True: .* steps of its own; expected: critic=joint"):
        composed("network=shared64x64", "critic=separate")
    with pytest.raises(InputError, match=r"value\.shared"):
        composed("network=shared64x64", "critic=joint", "value.shared=false")
