"""The clipped surrogate by hand, and the loss for actions that only its formula serves."""

import torch
from torch import distributions

from algos.core.batches import Batch
from algos.core.networks import MLP
from algos.core.policy import CategoricalHead, Policy
from algos.core.surrogate import clipped_surrogate, clipped_surrogate_loss
from tests.composing import RAW


def test_the_formula_by_hand():
    """ε = ¼: gains are capped above 1.25, losses below 0.75, and never the other way round; without ε nothing is."""
    ratio = torch.tensor([2.0, 0.5, 2.0, 0.5, 1.0])
    advantages = torch.tensor([1.0, 1.0, -1.0, -1.0, 3.0])
    assert clipped_surrogate(ratio, advantages, 0.25).tolist() == [1.25, 0.5, -2.0, -0.75, 3.0]
    assert clipped_surrogate(ratio, advantages, None).tolist() == [2.0, 0.5, -2.0, -0.5, 3.0]


def test_multidiscrete_actions():
    generator = torch.Generator().manual_seed(0)
    network = MLP((4, 8, 5), "tanh")
    params = torch.randn(2, network.num_params, generator=generator, dtype=torch.float64).requires_grad_()
    obs = torch.randn(2, 70, 4, generator=generator, dtype=torch.float64)
    actions = torch.stack([torch.randint(n, (2, 70), generator=generator) for n in (2, 3)], dim=-1)
    old, advantages = torch.randn(2, 2, 70, generator=generator, dtype=torch.float64) / 5
    parts = [distributions.Categorical(logits=part) for part in network(params, obs).split((2, 3), dim=-1)]
    log_probs = sum(part.log_prob(actions[..., i]) for i, part in enumerate(parts))
    old = log_probs.detach() + old
    ratio = torch.exp(log_probs - old)
    entropy = sum(part.entropy() for part in parts)
    expected = -(torch.min(ratio * advantages, ratio.clamp(0.9, 1.1) * advantages) + 0.02 * entropy).mean(1)

    policy = Policy(network, CategoricalHead((2, 3)), params, obs_normaliser=RAW)
    batch = Batch(obs, actions, old, advantages, advantages, advantages)
    loss, figures = clipped_surrogate_loss(policy, batch, 0.1, 0.02, torch.ones(2, dtype=torch.bool))
    torch.testing.assert_close(loss, expected)
    gradients = [torch.autograd.grad(value.sum(), params, retain_graph=True)[0] for value in (loss, expected)]
    torch.testing.assert_close(*gradients)
    torch.testing.assert_close(figures.log_ratio, (old - log_probs).mean(1).detach())
    torch.testing.assert_close(figures.clip_fraction, ((ratio - 1).abs() > 0.1).double().mean(1))
