"""Compiled kernels against the reference backend, and the promises about bits."""

from itertools import pairwise

import numba
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from algos.core.networks import MLP
from algos.core.value_loss import ValueClip, value_loss
from algos.kernels.shallow import UNITS

widths = st.integers(1, 70)
shapes = st.builds(
    lambda n_in, hidden, n_out: (n_in, *hidden, n_out),
    st.integers(1, 20),
    st.lists(widths, max_size=3),
    st.integers(1, 9),
)
shallow = st.builds(lambda n_in, strips: (n_in, strips * UNITS, 1), st.integers(1, 20), st.integers(1, 3))
common = {
    "num_seeds": st.integers(1, 5),
    "batch": st.one_of(st.integers(1, 300), st.integers(1, 3000)),
    "dtype": st.sampled_from([torch.float64, torch.float32]),
    "seed": st.integers(0, 2**32 - 1),
    "mask": st.integers(0, 31),
}
cases = st.one_of(
    st.fixed_dictionaries({"sizes": shapes, "activation": st.sampled_from(["relu", "tanh"])} | common),
    st.fixed_dictionaries({"sizes": shallow, "activation": st.just("relu")} | common),
)


CLIP = 0.05


class Problem:
    def __init__(self, sizes, activation, num_seeds, batch, dtype, seed=0, mask=31):
        generator = torch.Generator().manual_seed(seed)

        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

        self.activation = activation
        self.reference, self.compiled = MLP(sizes, activation, "reference"), MLP(sizes, activation)
        self.params = normal(num_seeds, self.compiled.num_params) / max(sizes) ** 0.5
        self.tangents = normal(num_seeds, self.compiled.num_params)
        self.x = normal(num_seeds, batch, sizes[0])
        self.cotangents = normal(num_seeds, batch, sizes[-1]) / batch
        shift = 0.1 * normal(num_seeds, batch)
        shift[(shift.abs() - CLIP).abs() < 0.01 * CLIP] = 0  # the slope jumps there: rounding would decide
        self.old_values = self.reference(self.params, self.x)[..., 0] + shift
        self.active = torch.tensor([bool(mask >> s & 1) for s in range(num_seeds)])

    def is_near_a_kink(self) -> bool:
        """Whether rounding may decide a ReLU's slope somewhere."""
        if self.activation == "tanh":
            return False
        h, start, near = self.x.double(), 0, 100 * torch.finfo(self.x.dtype).eps
        for n_in, n_out in pairwise(self.compiled.sizes[:-1]):
            weights = self.params[:, start : start + n_in * n_out].double().unflatten(1, (n_in, n_out))
            start += (n_in + 1) * n_out
            z = h @ weights + self.params[:, None, start - n_out : start]
            if (z.abs() < near).any():
                return True
            h = z.relu()
        return False

    def results(self, mlp: MLP, seeds: slice = slice(None), active: Tensor | None = None) -> list[Tensor]:
        """Outputs, gradient through autograd, vjp, jvp; if there is one output, values' losses with their gradients."""
        params, tangents = self.params[seeds].clone().requires_grad_(), self.tangents[seeds]
        x, cotangents = self.x[seeds], self.cotangents[seeds]
        outputs = mlp(params, x, active)
        (gradient,) = torch.autograd.grad((outputs * cotangents).sum(), params)
        results = [
            outputs.detach(),
            gradient,
            mlp.vjp(params, cotangents, x, active),
            mlp.jvp(params, tangents, x, active),
        ]
        if mlp.sizes[-1] == 1:
            among = torch.ones(len(params), dtype=torch.bool) if active is None else active
            for clip in (None, ValueClip(self.old_values[seeds], CLIP)):
                loss = value_loss(mlp, params, x, cotangents[..., 0], clip, 0.7, among)
                results += [loss.detach(), *torch.autograd.grad(2 * loss.sum(), params)]
        return results


def assert_equal_bits(left: list[Tensor], right: list[Tensor]) -> None:
    for a, b in zip(left, right, strict=True):
        assert torch.equal(a, b)


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.filter_too_much])
@given(cases)
def test_agree_with_the_reference(case):
    problem = Problem(**case)
    assume(not problem.is_near_a_kink())
    rtol = 1e-12 if case["dtype"] == torch.float64 else 1e-4
    expected = problem.results(problem.reference, active=problem.active)
    for result, other in zip(problem.results(problem.compiled, active=problem.active), expected, strict=True):
        scale = float(other.abs().max())
        torch.testing.assert_close(result, other, rtol=rtol, atol=rtol * scale)
        assert not result[~problem.active].any()


EXAMPLES = [((5, 64, 1), "relu", 3, 2500), ((4, 64, 64, 2), "tanh", 3, 700), ((17, 3), "tanh", 3, 70)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("example", EXAMPLES)
def test_a_seed_alone_has_the_same_bits(example, dtype):
    problem = Problem(*example, dtype)
    together = problem.results(problem.compiled)
    for s in range(3):
        assert_equal_bits(problem.results(problem.compiled, slice(s, s + 1)), [t[s : s + 1] for t in together])
    some = torch.tensor([True, False, True])
    assert_equal_bits([t[some] for t in problem.results(problem.compiled, active=some)], [t[some] for t in together])


@pytest.mark.parametrize("example", EXAMPLES)
def test_another_thread_count_has_the_same_bits(example):
    problem = Problem(*example, torch.float32)
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = problem.results(problem.compiled)
        numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
        assert_equal_bits(problem.results(problem.compiled), one)
    finally:
        numba.set_num_threads(threads)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("example", EXAMPLES)
def test_outputs_of_a_row_depend_on_nothing_but_the_row(example, dtype):
    problem = Problem(*example, dtype)
    mlp, params, x = problem.compiled, problem.params, problem.x
    outputs, derivatives = mlp(params, x), mlp.jvp(params, problem.tangents, x)
    order = torch.randperm(x.shape[1], generator=torch.Generator().manual_seed(1))
    for count in (1, 7, 33, 64):
        rows = order[:count]
        assert torch.equal(mlp(params, x[:, rows]), outputs[:, rows])
        assert torch.equal(mlp.jvp(params, problem.tangents, x[:, rows]), derivatives[:, rows])


def test_kept_and_recomputed_activations_have_the_same_bits(monkeypatch):
    problem = Problem((4, 64, 64, 2), "tanh", 2, 500, torch.float32)
    kept = problem.results(problem.compiled)
    monkeypatch.setattr("algos.kernels.mlp.KEEP_BYTES", 0)
    assert_equal_bits(problem.results(problem.compiled), kept)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("place", ["params", "x"])
@pytest.mark.parametrize("hidden", [(16, 8), (16,)])
def test_nan_stays_visible_and_stays_in_its_seed(activation, place, hidden):
    problem = Problem((5, *hidden, 1), activation, 2, 100, torch.float32)
    clean = problem.results(problem.compiled)
    getattr(problem, place)[1].view(-1)[3] = torch.nan
    results = problem.results(problem.compiled)
    for result, other in zip(results, clean, strict=True):
        assert torch.equal(result[0], other[0])
        assert result[1].isnan().any()


def test_non_contiguous_arguments():
    problem = Problem((3, 10, 2), "tanh", 2, 50, torch.float32)
    x = problem.x.mT.contiguous().mT
    params = torch.cat([problem.params, problem.params], dim=1)[:, : problem.params.shape[1]]
    assert not x.is_contiguous()
    assert not params.is_contiguous()
    assert torch.equal(problem.compiled(params, x), problem.compiled(problem.params, problem.x))
