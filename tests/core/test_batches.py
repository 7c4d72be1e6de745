"""Minibatches hold the samples of their permutation, whatever is asked of them and in what order."""

from dataclasses import fields

import numpy as np
import torch

from algos.core.batches import Batch

S, B, D = 2, 12, 3


def whole() -> Batch:
    generator = torch.Generator().manual_seed(0)
    obs = torch.randn(S, B, D, generator=generator)
    return Batch(obs, obs[..., :1], *(torch.randn(S, B, generator=generator) for _ in range(4)))


def test_each_field_is_gathered_by_the_permutation():
    batch, rng = whole(), np.random.default_rng(1)
    permutation = np.stack([rng.permutation(B) for _ in range(S)])
    for number, part in enumerate(batch.minibatches(permutation, 3)):
        chosen = torch.from_numpy(permutation[:, 4 * number : 4 * number + 4])
        for field in reversed(fields(Batch)):
            expected = torch.stack([getattr(batch, field.name)[s, chosen[s]] for s in range(S)])
            assert torch.equal(getattr(part, field.name), expected), field.name


def test_normalised_minibatches_differ_in_their_advantages_alone():
    (batch, *_) = whole().minibatches(np.tile(np.arange(B), (S, 1)), 2)
    normalised = batch.normalised()
    advantages = batch.advantages
    expected = (advantages - advantages.mean(1, keepdim=True)) / advantages.std(1, correction=0, keepdim=True)
    torch.testing.assert_close(normalised.advantages, expected, atol=1e-5, rtol=1e-5)
    for name in ("obs", "actions", "log_probs", "returns", "values"):
        assert torch.equal(getattr(normalised, name), getattr(batch, name))
    assert torch.equal(batch.advantages, whole().advantages[:, : B // 2])


def test_without_a_permutation_the_batch_is_its_only_part():
    batch = whole()
    (only,) = batch.minibatches(None, 1)
    assert only is batch
