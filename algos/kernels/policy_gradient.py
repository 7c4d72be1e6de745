"""The gradient of PPO's clipped surrogate on the CPU in one pass over the samples, compiled by Numba.

The surrogate is equation 7 of Schulman et al. (2017). Each panel of rows (see ``algos.kernels.mlp``) goes through the
network, the action distribution, the surrogate and back while it is in the cache. Samples are summed in each lane, then
lanes are summed in float64, then blocks, each in order. So results have the same bits with any number of seeds and
threads.
"""

from typing import NamedTuple

import numpy as np
import torch
from numba import get_thread_id, njit
from torch import Tensor

from algos.kernels.arguments import Setting, as_array, per_seed, results, seeds_to_compute
from algos.kernels.calls import note
from algos.kernels.distributions import HALF_LOG_2PI, gaussian_log_probs, log_normaliser
from algos.kernels.elementary import exp
from algos.kernels.inner import inner
from algos.kernels.intrinsics import fill, sum_values
from algos.kernels.mlp import (
    BLOCK_PANELS,
    Array,
    CompiledMLP,
    activations_below,
    add_blocks,
    add_gradient,
    backward_layers,
    deltas_below,
    load_panel,
    network_outputs,
    params_below,
    sums_elements,
    unpack_sums,
)
from algos.kernels.panels import panel_rows
from algos.kernels.parallel import for_each

OBJECTIVE, ENTROPY, K3, LOG_RATIO, OUTSIDE = range(5)
NUM_FIGURES = 5


@inner
def _gaussian(outputs: Array, actions: Array, log_std: Array, count: int, log_probs: Array, entropies: Array) -> None:
    """Compute log-probabilities and entropies of a panel. Replace its means by standardised actions."""
    gaussian_log_probs(outputs, actions, log_std, count, log_probs)
    entropy = log_probs.dtype.type(0)
    for a in range(log_std.size):
        entropy += log_std[a] + log_probs.dtype.type(0.5 + HALF_LOG_2PI)
    for r in range(count):
        entropies[r] = entropy


@inner
def _gaussian_cotangents(outputs: Array, log_std: Array, weights: Array, bonus: float, count: int, sums: Array) -> None:
    """Replace the standardised actions of a panel by cotangents of the means. Add those of log_std to ``sums``."""
    one = weights.dtype.type(1)
    for a in range(log_std.size):
        scale = exp(-log_std[a])
        for r in range(count):
            z = outputs[a, r]
            outputs[a, r] = weights[r] * z * scale
            sums[NUM_FIGURES + a, r] += weights[r] * (z * z - one) + bonus


@inner
def _categorical(
    outputs: Array, actions: Array, with_entropy: bool, count: int, log_probs: Array, entropies: Array
) -> None:
    """Compute log-probabilities and, if needed, entropies of a panel. Replace its logits by log-probabilities."""
    number = outputs.dtype.type
    normaliser = entropies
    log_normaliser(outputs, count, log_probs, normaliser)
    for a in range(outputs.shape[0]):
        for r in range(count):
            outputs[a, r] -= normaliser[r]
            log_probs[r] = outputs[a, r] if actions[0, r] == number(a) else log_probs[r]
    for r in range(count):
        entropies[r] = 0
    if with_entropy:
        for a in range(outputs.shape[0]):
            for r in range(count):
                entropies[r] -= exp(outputs[a, r]) * outputs[a, r]


@inner
def _categorical_cotangents(
    outputs: Array, actions: Array, entropies: Array, weights: Array, bonus: float, count: int
) -> None:
    """Replace the log-probabilities of all choices of a panel by the cotangents of the logits."""
    number = weights.dtype.type
    for a in range(outputs.shape[0]):
        for r in range(count):
            log_prob = outputs[a, r]
            probability = exp(log_prob)
            chosen = number(1) if actions[0, r] == number(a) else number(0)
            outputs[a, r] = weights[r] * (chosen - probability) - bonus * probability * (log_prob + entropies[r])


@inner
def _surrogate(
    log_probs: Array,
    old_log_probs: Array,
    advantages: Array,
    count: int,
    low: float,
    high: float,
    factor: float,
    weights: Array,
    sums: Array,
) -> None:
    """Write ``factor`` · d min(r·Â, clip(r)·Â) / d log π to ``weights``. Add each row's figures to ``sums``."""
    number = log_probs.dtype.type
    for r in range(count):
        log_ratio = log_probs[r] - old_log_probs[r]
        ratio = exp(log_ratio)
        advantage = advantages[r]
        inside = low if ratio < low else (high if ratio > high else ratio)
        whole, clipped = ratio * advantage, inside * advantage
        weights[r] = factor * (number(0) if clipped < whole else whole)
        sums[OBJECTIVE, r] += clipped if clipped < whole else whole
        sums[K3, r] += ratio - number(1) - log_ratio
        sums[LOG_RATIO, r] += -log_ratio
        sums[OUTSIDE, r] += number(1) if ratio < low or ratio > high else number(0)


@inner
def _block_gradient(
    params: Array,
    x: Array,
    actions: Array,
    old_log_probs: Array,
    advantages: Array,
    spread: float | None,
    low: float,
    high: float,
    ent_coef: float,
    block: int,
    sizes: Array,
    relu: bool,
    work: Array,
    part: Array,
    figures: Array,
) -> None:
    """Compute a block's share of one seed's gradient, ``part [P]``, and ``figures [NUM_FIGURES]``."""
    rows, number = panel_rows(work), params.dtype.type
    num_outputs = sizes[-1]
    batch, dimensions = actions.shape
    panels = -(-batch // rows)
    flat_x, flat_actions = x.reshape(-1), actions.reshape(-1)
    deltas = activations_below(sizes, sizes.size - 1, rows)
    outputs_at = deltas + deltas_below(sizes, sizes.size - 1, rows)  # the outputs become their cotangents there
    gradient = outputs_at + rows * num_outputs
    factor, bonus = number(-1 / batch), number(-ent_coef / batch)
    lowest, highest = number(low), number(high)
    network_size = params_below(sizes, sizes.size - 1)
    # Numba drops the branches that the type of ``spread`` rules out, so it compiles one kind of actions.
    log_std = params[network_size:network_size] if spread is None else number(spread) * params[network_size:]
    taken = np.empty((dimensions, rows), params.dtype)
    log_probs, entropies, weights = (
        np.empty(rows, params.dtype),
        np.empty(rows, params.dtype),
        np.empty(rows, params.dtype),
    )
    sums = np.zeros((NUM_FIGURES + log_std.size, rows), params.dtype)
    fill(0, sums_elements(sizes, relu, work), work, gradient)
    outputs = work[outputs_at:gradient].reshape(num_outputs, rows)
    for panel in range(block * BLOCK_PANELS, min(panels, (block + 1) * BLOCK_PANELS)):
        first, count = panel * rows, min(rows, batch - panel * rows)
        load_panel(flat_x, first, sizes[0], count, 1, work, 0)
        network_outputs(params, 0, sizes, relu, work, 0, work, outputs_at)
        load_panel(flat_actions, first, dimensions, count, 0, taken.reshape(-1), 0)
        if spread is not None:
            _gaussian(outputs, taken, log_std, count, log_probs, entropies)
        else:
            _categorical(outputs, taken, bonus != 0, count, log_probs, entropies)
        for r in range(count):
            sums[ENTROPY, r] += entropies[r]
        old, gains = old_log_probs[first : first + count], advantages[first : first + count]
        _surrogate(log_probs, old, gains, count, lowest, highest, factor, weights, sums)
        if spread is not None:
            _gaussian_cotangents(outputs, log_std, weights, bonus, count, sums)
        else:
            _categorical_cotangents(outputs, taken, entropies, weights, bonus, count)
        for k in range(num_outputs):
            for r in range(count, rows):
                outputs[k, r] = 0
        backward_layers(params, 0, sizes, relu, work, 0, work, deltas)
        add_gradient(sizes, relu, work, 0, work, deltas, gradient)
    unpack_sums(params, 0, sizes, relu, work, gradient, part, 0)
    for k in range(NUM_FIGURES):
        figures[k] = sum_values(sums.reshape(-1), k * rows, rows)
    if spread is not None:
        for a in range(log_std.size):
            part[network_size + a] = spread * sum_values(sums.reshape(-1), (NUM_FIGURES + a) * rows, rows)


@inner
def policy_gradient_task(
    task: int,
    params: Array,
    x: Array,
    actions: Array,
    old_log_probs: Array,
    advantages: Array,
    spread: float | None,
    lows: Array,
    highs: Array,
    ent_coefs: Array,
    seeds: Array,
    sizes: Array,
    relu: bool,
    work: Array,
    parts: Array,
    figures: Array,
) -> None:
    blocks = parts.shape[1]
    s, block = seeds[task // blocks], task % blocks
    _block_gradient(
        params[s], x[s], actions[s], old_log_probs[s], advantages[s], spread, lows[s], highs[s], ent_coefs[s], block,
        sizes, relu, work[get_thread_id()], parts[s, block], figures[s, block],
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _policy_gradient_kernel(
    params: Array,
    x: Array,
    actions: Array,
    old_log_probs: Array,
    advantages: Array,
    spread: float | None,
    lows: Array,
    highs: Array,
    ent_coefs: Array,
    seeds: Array,
    sizes: Array,
    relu: bool,
    work: Array,
    parts: Array,
    figures: Array,
) -> None:
    """Compute the gradients ``parts [S, blocks, P]``, and sums over samples, ``figures [S, blocks, NUM_FIGURES]``."""
    for_each(seeds.size * parts.shape[1], policy_gradient_task, (
        params, x, actions, old_log_probs, advantages, spread, lows, highs, ent_coefs, seeds, sizes, relu, work, parts,
        figures,
    ))  # fmt: skip


class PolicyGradient(NamedTuple):
    """The loss of each seed, its gradient, and statistics of the ratios r."""

    loss: Tensor  # [S]
    k3: Tensor  # [S], mean(r − 1 − log r)
    log_ratio: Tensor  # [S], mean(−log r)
    outside: Tensor  # [S], share of the samples whose r is outside the clip range
    gradient: Tensor  # [S, P]


class PolicyGradientCall(NamedTuple):
    """A call of :func:`policy_gradient` and its result."""

    network: CompiledMLP
    params: Tensor
    obs: Tensor
    actions: Tensor
    old_log_probs: Tensor
    advantages: Tensor
    spread: float | None
    clip_range: tuple[Setting, Setting]
    ent_coef: Setting
    active: Tensor
    found: PolicyGradient


def policy_gradient(
    network: CompiledMLP,
    params: Tensor,
    obs: Tensor,
    actions: Tensor,
    old_log_probs: Tensor,
    advantages: Tensor,
    spread: float | None,
    clip_range: tuple[Setting, Setting],
    ent_coef: Setting,
    active: Tensor,
) -> PolicyGradient:
    """The loss −mean(min(r·Â, clip(r)·Â)) − ent_coef·mean(entropy), its gradient, and statistics of the ratios r.

    Args:
        network: the policy's network.
        params: [S, P], the network's parameters and then the head's own.
        obs: [S, B, D].
        actions: [S, B, A].
        old_log_probs: [S, B].
        advantages: [S, B].
        spread: the outputs are means of normal distributions, and the log standard deviations are ``spread`` times the
            head's parameters. With None the outputs are the logits of one choice.
        clip_range: the lower and the upper bound of r.
        ent_coef: weight of the entropy.
        active: [S], the seeds to compute. The results of the others are zero.
    """
    weights = as_array(params)
    num_seeds, blocks, dtype = len(weights), network.num_blocks(obs), weights.dtype
    seeds = seeds_to_compute(params, active)
    gradient = results(weights.shape, dtype, seeds)
    sums = np.zeros((num_seeds, NUM_FIGURES))
    outs = gradient, sums
    parts = [out[:, None] if blocks == 1 else np.empty((num_seeds, blocks, out.shape[1]), out.dtype) for out in outs]
    ent_coefs = per_seed(ent_coef, num_seeds)
    with network.shared_out(seeds.size, obs.shape[1], passes=3):
        _policy_gradient_kernel(
            params=weights,
            x=as_array(obs),
            actions=as_array(actions.to(params.dtype)),
            old_log_probs=as_array(old_log_probs),
            advantages=as_array(advantages),
            spread=spread,
            lows=per_seed(clip_range[0], num_seeds),
            highs=per_seed(clip_range[1], num_seeds),
            ent_coefs=ent_coefs,
            seeds=seeds,
            sizes=network.sizes,
            relu=network.relu,
            work=network.workspace(dtype),
            parts=parts[0],
            figures=parts[1],
        )
        if blocks > 1:
            for part, out in zip(parts, outs, strict=True):
                add_blocks(part, seeds, out)
    loss, k3, log_ratio, outside = means(sums, obs.shape[1], ent_coefs, dtype)
    found = PolicyGradient(loss, k3, log_ratio, outside, torch.from_numpy(gradient))
    note(
        PolicyGradientCall(
            network, params, obs, actions, old_log_probs, advantages, spread, clip_range, ent_coef, active, found
        )
    )
    return found


def means(sums: Array, num_samples: int, ent_coefs: Array, dtype: np.dtype) -> list[Tensor]:
    """The figures of a :class:`PolicyGradient` in its order, from ``sums [S, NUM_FIGURES]`` over samples."""
    objective, entropy, *ratios = sums.T / num_samples
    figures = -objective - ent_coefs * entropy, *ratios
    return [torch.from_numpy(figure.astype(dtype)) for figure in figures]
