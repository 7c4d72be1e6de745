"""The network kernels against the arithmetic's limit and against PyTorch: medians of interleaved runs.

The fused kernel, which training uses, computes a loss and its gradient in one pass: a critic's mean squared error, or
PPO's surrogate with a discrete choice or a Gaussian. ``forward + vjp`` are two passes.

``python -m tests.speed.kernels`` prints the table. The limit is the multiply-adds of one gradient (forward, weights'
gradient, and the hidden layers' cotangents) at the measured rate of fused multiply-adds of as many cores.
"""

import argparse
from collections.abc import Callable
from itertools import pairwise
from time import perf_counter
from typing import Any

import numba
import numpy as np
import pandas as pd
import torch
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, prange, types

from algos.core.networks import MLP
from algos.core.value_loss import value_loss
from algos.kernels.elementary import constant, emit_fma
from algos.kernels.intrinsics import REGISTER_BYTES, intrinsic, loop
from algos.kernels.policy_gradient import policy_gradient
from tests.speed.processes import with_avx2_code
from tests.speed.report import machine, markdown

CHAINS = 12  # independent, so that each pipeline always has one to work on
LANES = REGISTER_BYTES // 4
REPEATS = 50_000
FILLING_CALLS = 2
CALLS_ON_END = 5

# sizes, activation, loss, seeds, rows of a seed
SETTINGS = [
    ((5, 64, 1), "relu", "squares", 1, 32_416),
    ((5, 64, 1), "relu", "squares", 36, 32_416),
    ((4, 64, 64, 2), "tanh", "choice", 36, 128),
    ((17, 64, 64, 6), "tanh", "gaussian", 36, 128),
]


@intrinsic
def multiply_adds(typingctx: Any, repeats: Any) -> Any:
    """CHAINS * LANES * repeats float32 multiply-adds in registers."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.VectorType(ir.FloatType(), LANES)
        factor = constant(vector, 0.999)
        start = [constant(vector, float(chain)) for chain in range(CHAINS)]
        chains = loop(builder, args[0], start, lambda _, xs: [emit_fma(builder, x, factor, factor) for x in xs])
        total = chains[0]
        for chain in chains[1:]:
            total = builder.fadd(total, chain)
        return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

    return types.float32(types.intp), codegen


@njit(parallel=True)
def on_each_thread(results: np.ndarray, repeats: int) -> None:
    for thread in prange(results.size):
        results[thread] = multiply_adds(repeats)


def multiply_adds_of_gradient(sizes: tuple[int, ...]) -> int:
    """Multiply-adds of one row's forward pass, weights' gradient, and cotangents of the hidden layers."""
    products = [n_in * n_out for n_in, n_out in pairwise(sizes)]
    return 3 * sum(products) - products[0]


def plain_torch(sizes: tuple[int, ...], activation: str) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """The network as a PyTorch user would stack it: batched products, differentiated by autograd."""
    activate = {"relu": torch.relu, "tanh": torch.tanh}[activation]

    def forward(params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        start = 0
        for layer, (n_in, n_out) in enumerate(pairwise(sizes)):
            end = start + n_in * n_out
            x = torch.baddbmm(params[:, None, end : end + n_out], x, params[:, start:end].unflatten(1, (n_in, n_out)))
            x = activate(x) if layer < len(sizes) - 2 else x
            start = end + n_out
        return x

    return forward


def interleaved(functions: dict[str, Callable[[], object]], seconds: float) -> dict[str, float]:
    """Median seconds of each function, called in turn until ``seconds`` have passed (and at least five turns).

    A turn is several calls on end, as in training. The first two are not counted: they fill the caches again after the
    other functions.
    """
    times: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function()
    end = perf_counter() + seconds
    while perf_counter() < end or len(next(iter(times.values()))) < 5 * CALLS_ON_END:
        for name, function in functions.items():
            for call in range(-FILLING_CALLS, CALLS_ON_END):
                start = perf_counter()
                function()
                if call >= 0:
                    times[name].append(perf_counter() - start)
    return {name: float(np.median(values)) for name, values in times.items()}


def fused(loss: str, mlp: MLP, params: torch.Tensor, x: torch.Tensor, targets: torch.Tensor) -> Callable[[], object]:
    """A call of the kernel that computes a loss and its gradient. Targets ``[S, B, out]`` stand for actions, too."""
    active, network = torch.ones(len(x), dtype=torch.bool), mlp.compiled
    assert network is not None
    if loss == "squares":
        return lambda: value_loss(mlp, params, x, targets[..., 0], None, 1.0, active)
    spread: float | None = 1.0
    actions, extra = targets, torch.zeros(len(x), targets.shape[2])
    if loss == "choice":
        spread, actions, extra = None, (targets[..., :1] > 0).float(), extra[:, :0]
    weights = torch.cat([params.detach(), extra], dim=1)
    old_log_probs, advantages = targets[..., 0] - 2, targets[..., 1]
    return lambda: policy_gradient(
        network, weights, x, actions, old_log_probs, advantages, spread, (0.8, 1.2), 0.01, active
    )


def measure(
    sizes: tuple[int, ...], activation: str, loss: str, num_seeds: int, rows: int, seconds: float
) -> dict[str, object]:
    """One row of the table, at the current number of threads."""
    threads = numba.get_num_threads()
    generator = torch.Generator().manual_seed(0)
    mlp, plain = MLP(sizes, activation), plain_torch(sizes, activation)
    params = torch.randn(num_seeds, mlp.num_params, generator=generator).div_(8).requires_grad_()
    x = torch.randn(num_seeds, rows, sizes[0], generator=generator)
    cotangents = torch.randn(num_seeds, rows, sizes[-1], generator=generator)
    spins = np.empty(threads, np.float32)

    functions: dict[str, Callable[[], object]] = {
        "limit": lambda: on_each_thread(spins, REPEATS),
        "kernels": lambda: torch.autograd.grad(mlp(params, x), params, cotangents),
        "torch": lambda: torch.autograd.grad(plain(params, x), params, cotangents),
        "fused": fused(loss, mlp, params, x, cotangents),
    }
    medians = interleaved(functions, seconds)
    rate = threads * CHAINS * LANES * REPEATS / medians["limit"]
    limit = multiply_adds_of_gradient(sizes) * num_seeds * rows / rate
    return {
        "network": "→".join(map(str, sizes)) + f" {activation}",
        "seeds × rows": f"{num_seeds} × {rows}",
        "threads": threads,
        "10⁹ multiply-adds/s": f"{rate / 1e9:.0f}",
        "limit, ms": f"{limit * 1e3:.3g}",
        "forward + vjp, ms": f"{medians['kernels'] * 1e3:.3g}",
        "fused loss and gradient, ms": f"{medians['fused'] * 1e3:.3g}",
        "× limit": f"{medians['fused'] / limit:.2f}",
        "torch autograd, ms": f"{medians['torch'] * 1e3:.3g}",
        "× torch": f"{medians['torch'] / medians['kernels']:.1f}",
    }


def table(seconds: float) -> pd.DataFrame:
    """All settings on one thread and on all, about ``seconds`` each."""
    before = numba.get_num_threads(), torch.get_num_threads()
    rows = []
    try:
        for threads in sorted({1, before[0]}):
            numba.set_num_threads(threads)
            torch.set_num_threads(threads)
            rows += [measure(*setting, seconds) for setting in SETTINGS]
    finally:
        numba.set_num_threads(before[0])
        torch.set_num_threads(before[1])
    return pd.DataFrame(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="of each row (default: %(default)s)")
    with_avx2_code(parser)
    print(markdown(table(parser.parse_args().seconds)))
    print(machine())
