"""The fused policy gradient against torch.distributions and autograd, and the promises about bits and masks."""

from dataclasses import replace

import numba
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, distributions

from algos.core.batches import Batch
from algos.core.networks import MLP
from algos.core.policy import CategoricalHead, GaussianHead, Policy
from algos.core.surrogate import clipped_surrogate_loss
from tests.composing import RAW

cases = st.fixed_dictionaries(
    {
        "head": st.sampled_from(["log_std", "log_variance", "choice"]),
        "sizes": st.builds(
            lambda n_in, hidden, n_out: (n_in, *hidden, n_out),
            st.integers(1, 9),
            st.lists(st.integers(1, 40), max_size=3),
            st.one_of(st.just(1), st.integers(2, 6)),
        ),
        "activation": st.sampled_from(["relu", "tanh"]),
        "num_seeds": st.integers(1, 4),
        "batch": st.one_of(st.integers(1, 300), st.integers(1, 3000)),
        "dtype": st.sampled_from([torch.float64, torch.float32]),
        "clip_coef": st.sampled_from([None, 0.05, 0.3]),
        "ent_coef": st.sampled_from([0.0, 0.3]),
        "seed": st.integers(0, 2**32 - 1),
        "mask": st.integers(0, 15),
    }
)

ROUNDINGS = 1000
"""Of numbers near 1, in a log-probability at most: 4 layers sum 41 products each, and 6 actions have their outputs."""


class Problem:
    def __init__(self, head, sizes, activation, num_seeds, batch, dtype, clip_coef, ent_coef, seed=0, mask=15):
        generator = torch.Generator().manual_seed(seed)

        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

        self.clip_coef, self.ent_coef, self.spread = clip_coef, ent_coef, {"log_variance": 0.5}.get(head, 1.0)
        self.active = torch.tensor([bool(mask >> s & 1) for s in range(num_seeds)])
        self.networks = {"reference": MLP(sizes, activation, "reference"), "compiled": MLP(sizes, activation)}
        self.gaussian = head != "choice"
        self.head = GaussianHead(sizes[-1], head) if self.gaussian else CategoricalHead((sizes[-1],))
        params = self.networks["compiled"].num_params
        self.params = normal(num_seeds, params + self.head.num_extra) / (2 * max(sizes) ** 0.5)
        actions = normal(num_seeds, batch, sizes[-1])
        if not self.gaussian:
            actions = torch.randint(sizes[-1], (num_seeds, batch, 1), generator=generator)
        obs, unused = normal(num_seeds, batch, sizes[0]), torch.zeros(num_seeds, batch)
        shift, advantages, returns = normal(3, num_seeds, batch)
        shift *= 0.2
        if clip_coef is not None:
            distance = ((torch.exp(-shift.double()) - 1).abs() - clip_coef).abs()
            # The slope jumps at a bound, so rounding would decide it.
            shift[distance < ROUNDINGS * torch.finfo(dtype).eps] = 0
        self.batch = Batch(obs, actions, shift, advantages, returns, values=unused)
        old = self._distribution(self.params)[0].log_prob(self._taken())
        self.batch = replace(self.batch, log_probs=shift + (old.sum(-1) if self.gaussian else old))

    def _taken(self) -> Tensor:
        return self.batch.actions if self.gaussian else self.batch.actions[..., 0]

    def _distribution(self, params: Tensor):
        network = self.networks["reference"]
        outputs = network(params[:, : network.num_params], self.batch.obs)
        if self.gaussian:
            std = torch.exp(self.spread * params[:, None, network.num_params :])
            normal = distributions.Normal(outputs, std)
            return normal, normal.entropy().sum(-1)
        choice = distributions.Categorical(logits=outputs)
        return choice, choice.entropy()

    def expected(self) -> list[Tensor]:
        """Loss, k3, mean(−log r), clip fraction and gradient, of all seeds."""
        params = self.params.clone().requires_grad_()
        distribution, entropy = self._distribution(params)
        log_probs = distribution.log_prob(self._taken())
        log_ratio = (log_probs.sum(-1) if self.gaussian else log_probs) - self.batch.log_probs
        ratio, advantages = log_ratio.exp(), self.batch.advantages
        objective, outside = ratio * advantages, torch.zeros_like(ratio)
        if self.clip_coef is not None:
            low, high = 1 - self.clip_coef, 1 + self.clip_coef
            objective = torch.min(objective, ratio.clamp(low, high) * advantages)
            outside = ((ratio < low) | (ratio > high)).to(ratio.dtype)
        loss = -(objective + self.ent_coef * entropy).mean(1)
        (gradient,) = torch.autograd.grad(loss.sum(), params)
        return [
            t.detach() for t in (loss, (ratio - 1 - log_ratio).mean(1), -log_ratio.mean(1), outside.mean(1), gradient)
        ]

    def found(
        self, backend: str = "compiled", seeds: slice = slice(None), active: Tensor | None = None
    ) -> list[Tensor]:
        params = self.params[seeds].clone().requires_grad_()
        policy = Policy(self.networks[backend], self.head, params, obs_normaliser=RAW)
        batch = Batch(*(tensor[seeds] for tensor in vars(self.batch).values()))
        active = torch.ones(len(params), dtype=torch.bool) if active is None else active
        loss, figures = clipped_surrogate_loss(policy, batch, self.clip_coef, self.ent_coef, active)
        return [loss.detach(), *figures, *torch.autograd.grad((2 * loss).sum(), params)]


@settings(deadline=None, max_examples=60)
@given(cases)
def test_agrees_with_torch(case):
    problem = Problem(**case)
    rtol = 1e-11 if case["dtype"] == torch.float64 else 2e-4
    *expected, gradient = problem.expected()
    for result, other in zip(problem.found(active=problem.active), [*expected, 2 * gradient], strict=True):
        scale = max(1.0, float(other.abs().max()))
        other = torch.where(problem.active if other.ndim == 1 else problem.active[:, None], other, 0.0)
        torch.testing.assert_close(result, other, rtol=rtol, atol=rtol * scale)
        assert not result[~problem.active].any()


def example(head, dtype=torch.float32, **changes):
    settings = {"activation": "tanh", "num_seeds": 3, "batch": 2500, "clip_coef": 0.1, "ent_coef": 0.01, "mask": 5}
    sizes = (5, 64, 2) if head != "choice" else (4, 20, 20, 3)
    return Problem(**{"head": head, "sizes": sizes, "dtype": dtype, **settings, **changes})


HEADS = ["log_variance", "choice"]


@pytest.mark.parametrize("head", HEADS)
def test_the_formula_beside_it_agrees_too(head):
    problem = example(head, torch.float64, batch=300)
    *expected, gradient = problem.expected()
    for result, other in zip(problem.found("reference"), [*expected, 2 * gradient], strict=True):
        torch.testing.assert_close(result, other, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("head", HEADS)
def test_a_seed_has_the_same_bits_alone_masked_and_with_another_thread_count(head):
    problem = example(head)
    together, masked = problem.found(), problem.found(active=problem.active)
    threads = numba.get_num_threads()
    try:
        for count in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(count)
            for s in range(3):
                for alone, among in zip(problem.found(seeds=slice(s, s + 1)), together, strict=True):
                    assert torch.equal(alone, among[s : s + 1])
    finally:
        numba.set_num_threads(threads)
    for some, among in zip(masked, together, strict=True):
        assert torch.equal(some[problem.active], among[problem.active])


@pytest.mark.parametrize("head", HEADS)
def test_at_the_old_policy_every_ratio_is_exactly_one(head):
    problem = example(head)
    policy = Policy(problem.networks["compiled"], problem.head, problem.params, obs_normaliser=RAW)
    log_probs = policy.distribution(problem.batch.obs).log_prob(problem.batch.actions)
    problem.batch = replace(problem.batch, log_probs=log_probs)
    _, k3, log_ratio, clip_fraction, _ = problem.found()
    assert not torch.cat([k3, log_ratio, clip_fraction]).any()


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("name", ["obs", "log_probs", "advantages"])
def test_a_nan_is_seen_and_stays_with_its_seed(head, name):
    problem = example(head, batch=100)
    clean = problem.found()
    getattr(problem.batch, name)[1].view(-1)[3] = torch.nan
    results = problem.found()
    for result, other in zip(results, clean, strict=True):
        assert torch.equal(result[::2], other[::2])
    assert results[0][1].isnan()
    assert results[-1][1].isnan().any()
