"""Outputs, gradients (vjp) and tangents (jvp) of the multilayer perceptrons of S seeds on the CPU, compiled by Numba.

A *panel* is a group of rows that fills whole vectors (see ``algos.kernels.intrinsics``). It goes through all layers and
back while its activations are in the cache. A *block* has ``BLOCK_PANELS`` panels. It is one task of a thread. Blocks
depend only on the number of rows, and their gradients are added in order. So results have the same bits with any number
of seeds and threads. Seeds that are not computed get no tasks.

The functions share some arguments. ``sizes`` are the widths of all layers, from the inputs to the outputs. A seed's
parameters begin at ``params[p]``: for each layer the weights ``[in, out]``, then the biases. The activation is ReLU if
``relu`` is set, otherwise tanh. ``acts`` and ``work`` are flat scratch arrays, and ``start`` is the position in one.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numba import get_thread_id, njit
from torch import Tensor

from algos.kernels.arguments import Setting, as_array, per_seed, results, seeds_to_compute
from algos.kernels.calls import note
from algos.kernels.inner import inner
from algos.kernels.intrinsics import (
    ROWS_AT_ONCE,
    VECTOR_BYTES,
    VECTORS,
    config,
    copy,
    copy_registers,
    fill,
    padded,
    panel_errors,
    prefetch,
    sum_values,
    transpose_four,
)
from algos.kernels.panels import (
    add_layer,
    add_outer,
    linear_layer,
    outer_elements,
    panel_rows,
    register_lanes,
    relu_layer,
    relu_slope_layer,
    tanh_layer,
    tanh_slope_layer,
    times_relu_slope,
    times_tanh_slope,
    unpack_outer,
)
from algos.kernels.parallel import for_each
from algos.kernels.shallow import (
    add_shallow_gradient,
    is_shallow,
    shallow_outputs,
    shallow_sums_elements,
    unpack_shallow_sums,
)
from algos.kernels.threads import shared_out

Array = np.ndarray

BLOCK_PANELS = 16
BLOCK_ROWS = BLOCK_PANELS * VECTORS * VECTOR_BYTES // 4  # rows of a block of float32
PANELS_AHEAD = 2  # a panel's rows are asked for while the panels before it are computed
KEEP_BYTES = 2**23  # the vjp reuses activations up to this size; more would not stay in the cache


@inner
def params_below(sizes: Array, layer: int) -> int:
    """The number of parameters of the layers below ``layer``."""
    total = 0
    for m in range(layer):
        total += (sizes[m] + 1) * sizes[m + 1]
    return total


@njit(cache=True)
def activations_below(sizes: Array, layer: int, rows: int) -> int:
    """The number of elements of a panel's activations below those of ``layer``.

    Each layer has one extra feature, which is 1 in every row. So the gradient of the biases is one more row of the
    gradient of the weights, as in the flat parameters.
    """
    total = 0
    for m in range(layer):
        total += rows * (sizes[m] + 1)
    return total


@njit(cache=True)
def sums_elements(sizes: Array, relu: bool, work: Array) -> int:
    """The number of elements that the sums of a gradient take in ``work``."""
    if is_shallow(sizes, relu):
        return shallow_sums_elements(sizes, panel_rows(work))
    total = 0
    for m in range(sizes.size - 1):
        total += outer_elements(sizes[m] + 1, sizes[m + 1], work)
    return total


@njit(cache=True)
def spare_elements(sizes: Array, work: Array) -> int:
    """The number of scratch elements that ``add_gradient`` needs after the sums."""
    return panel_rows(work) * padded(sizes.max() + 1, work)


@inner
def load_panel(source: Array, first: int, width: int, count: int, ones: int, out: Array, start: int) -> None:
    """Transpose ``count`` rows of ``source [rows, width]``, from row ``first`` on, into a panel at ``out[start:]``.

    The rest of the panel is 0. It gets ``ones`` (0 or 1) extra features, which are 1.
    """
    rows, top = panel_rows(out), first * width
    prefetch(source, top + PANELS_AHEAD * rows * width, rows * width)
    done = 0
    if width == 1:
        whole = count // register_lanes(out)
        copy_registers(source, top, whole, out, start)
        done = whole * register_lanes(out)
    elif width >= 4 and count >= ROWS_AT_ONCE:
        groups = count // ROWS_AT_ONCE
        done = groups * ROWS_AT_ONCE
        for i in range(0, width, 4):
            j = min(i, width - 4)  # the last four may repeat features of those before
            transpose_four(source, top + j, width, groups, out, start + j * rows, rows)
    for i in range(width):
        if done < count:
            copy(source, top + done * width + i, width, count - done, 1, out, start + i * rows + done)
        fill(0, rows - count, out, start + i * rows + count)
    fill(1, ones * rows, out, start + width * rows)


@inner
def _store_panel(panel: Array, start: int, width: int, count: int, out: Array, first: int) -> None:
    """Transpose a panel back to ``count`` rows of ``out [rows, width]``, from row ``first`` on."""
    for j in range(width):
        copy(panel, start + j * panel_rows(panel), 1, count, width, out, first * width + j)


@inner
def hidden_layers(params: Array, p: int, sizes: Array, relu: bool, acts: Array, start: int) -> None:
    """Compute the hidden activations of the panel at ``acts[start:]`` from its inputs."""
    rows = panel_rows(acts)
    weights, below = p, start
    for m in range(sizes.size - 2):
        n_in, n_out = sizes[m], sizes[m + 1]
        biases, above = weights + n_in * n_out, below + rows * (n_in + 1)
        if relu:
            relu_layer(params, weights, n_out, 1, n_in, n_out, acts, below, params, biases, 1, acts, above)
        else:
            tanh_layer(params, weights, n_out, 1, n_in, n_out, acts, below, params, biases, 1, acts, above)
        fill(1, rows, acts, above + n_out * rows)
        weights, below = biases + n_out, above


@inner
def network_outputs(
    params: Array, p: int, sizes: Array, relu: bool, acts: Array, start: int, out: Array, to: int
) -> None:
    """Compute the outputs ``out[to:]`` of the panel at ``acts[start:]``.

    ``acts`` also receives what the gradient needs of the hidden layers: their activations, or the steps of
    ``algos.kernels.shallow``.
    """
    n_in, n_out = sizes[-2], sizes[-1]
    x = start + activations_below(sizes, sizes.size - 2, panel_rows(acts))
    if is_shallow(sizes, relu):
        shallow_outputs(params, p, sizes, acts, start, x, out, to)
        return
    hidden_layers(params, p, sizes, relu, acts, start)
    weights = p + params_below(sizes, sizes.size - 2)
    linear_layer(params, weights, n_out, 1, n_in, n_out, acts, x, params, weights + n_in * n_out, 1, out, to)


@inner
def _tangents(
    params: Array, p: int, directions: Array, sizes: Array, relu: bool, acts: Array, out: Array, to: int
) -> int:
    """Compute the derivatives of a panel's outputs along ``directions [S, P]``. Return their position in ``out``.

    ``out[to:]`` has room for two panels of the widest layer.
    """
    rows = panel_rows(acts)
    weights, below = p, 0
    last, current = to, to + sizes.max() * rows
    for m in range(sizes.size - 1):
        n_in, n_out = sizes[m], sizes[m + 1]
        biases, above = weights + n_in * n_out, below + rows * (n_in + 1)
        linear_layer(directions, weights, n_out, 1, n_in, n_out, acts, below, directions, biases, 1, out, current)
        if m > 0:
            add_layer(params, weights, n_out, 1, n_in, n_out, out, last, params, 0, 0, out, current)
        if m < sizes.size - 2:
            if relu:
                times_relu_slope(acts, above, n_out, out, current)
            else:
                times_tanh_slope(acts, above, n_out, out, current)
        weights, below = biases + n_out, above
        last, current = current, last
    return last


@inner
def deltas_below(sizes: Array, layer: int, rows: int) -> int:
    """The number of elements of a panel's deltas below those of ``layer``.

    The deltas of a layer are the cotangents of its values before the activation. The inputs have none.
    """
    total = 0
    for m in range(1, layer):
        total += rows * sizes[m]
    return total


@inner
def backward_layers(
    params: Array, p: int, sizes: Array, relu: bool, acts: Array, start: int, work: Array, deltas: int
) -> None:
    """Compute the deltas of a panel's hidden layers from those of its outputs.

    ``algos.kernels.shallow`` does without the deltas of its hidden layer.
    """
    if is_shallow(sizes, relu):
        return
    rows = panel_rows(work)
    top = sizes.size - 1
    weights = p + params_below(sizes, top)
    above = deltas + deltas_below(sizes, top, rows)
    hidden = start + activations_below(sizes, top, rows)
    for m in range(top - 1, 0, -1):
        n_in, n_out = sizes[m], sizes[m + 1]
        weights -= (n_in + 1) * n_out
        hidden -= rows * (n_in + 1)
        below = above - rows * n_in
        if relu:
            relu_slope_layer(params, weights, 1, n_out, n_out, n_in, work, above, acts, hidden, rows, work, below)
        else:
            tanh_slope_layer(params, weights, 1, n_out, n_out, n_in, work, above, acts, hidden, rows, work, below)
        above = below


@inner
def add_gradient(sizes: Array, relu: bool, acts: Array, start: int, work: Array, deltas: int, sums: int) -> None:
    """Add the gradient of a panel, whose deltas are at ``work[deltas:]``, to the sums at ``work[sums:]``."""
    rows = panel_rows(work)
    if is_shallow(sizes, relu):
        hidden, errors = start + activations_below(sizes, 1, rows), deltas + deltas_below(sizes, 2, rows)
        add_shallow_gradient(sizes, acts, start, hidden, work, errors, sums)
        return
    spare = sums + sums_elements(sizes, relu, work)
    for m in range(sizes.size - 1):
        n_in, n_out = sizes[m], sizes[m + 1]
        left = start + activations_below(sizes, m, rows)
        right = deltas + deltas_below(sizes, m + 1, rows)
        add_outer(acts, left, n_in + 1, work, right, n_out, work, sums, spare)
        sums += outer_elements(n_in + 1, n_out, work)


@inner
def unpack_sums(
    params: Array, p: int, sizes: Array, relu: bool, work: Array, sums: int, out: Array, start: int
) -> None:
    """Write the gradient that follows from the sums into ``out[start:]``, in the order of the flat parameters."""
    if is_shallow(sizes, relu):
        unpack_shallow_sums(params, p, sizes, work, sums, out, start)
        return
    for m in range(sizes.size - 1):
        n_in, n_out = sizes[m], sizes[m + 1]
        unpack_outer(work, sums, n_in + 1, n_out, out, start)
        sums += outer_elements(n_in + 1, n_out, work)
        start += (n_in + 1) * n_out


@inner
def _errors(work: Array, outputs: int, targets: int, count: int, factor: float, squares: Array) -> None:
    """Replace the targets by factor * (output - target). Add the squared differences to ``squares``, row by row."""
    if count == squares.size:
        panel_errors(work, outputs, targets, factor, squares)
        return
    for r in range(count):
        error = work[outputs + r] - work[targets + r]
        work[targets + r] = factor * error
        squares[r] += np.float64(error * error)


@inner
def _clipped_errors(
    values: Array, targets: Array, old_values: Array, clip: float, factor: float, squares: Array
) -> None:
    """Do the same for two errors of each row: the one with the larger square counts.

    One error is the output's. For the other, the output is held within ``clip`` of its old value.
    """
    zero = values.dtype.type(0)
    for r in range(values.size):
        value, target, old = values[r], targets[r], old_values[r]
        change = value - old
        near = old + (clip if change > clip else -clip)
        outside = not (change <= clip and change >= -clip)
        error, held = value - target, near - target
        square, held_square = error * error, held * held
        # A held value does not move, so its slope is 0. A NaN in either error stays visible.
        is_held = outside and not held_square <= square and square == square
        targets[r] = zero if is_held else factor * error
        squares[r] += np.float64(held_square if is_held else square)


@inner
def _forward_block(
    task: int,
    params: Array,
    x: Array,
    seeds: Array,
    blocks: int,
    sizes: Array,
    relu: bool,
    work: Array,
    kept: Array,
    out: Array,
) -> None:
    """Compute the outputs of a block of a seed. Its activations stay in ``kept`` unless that is empty."""
    s, block, scratch = seeds[task // blocks], task % blocks, work[get_thread_id()]
    rows = panel_rows(scratch)
    batch, p = x.shape[1], s * params.shape[1]
    panels = -(-batch // rows)
    flat_params, flat_x, flat_out = params.reshape(-1), x.reshape(-1), out.reshape(-1)
    activations = activations_below(sizes, sizes.size - 1, rows)
    acts = kept if kept.size > 0 else scratch
    for panel in range(block * BLOCK_PANELS, min(panels, (block + 1) * BLOCK_PANELS)):
        first, count = s * batch + panel * rows, min(rows, batch - panel * rows)
        start = (s * panels + panel) * activations if kept.size > 0 else 0
        load_panel(flat_x, first, sizes[0], count, 1, acts, start)
        network_outputs(flat_params, p, sizes, relu, acts, start, scratch, activations)
        _store_panel(scratch, activations, sizes[-1], count, flat_out, first)


@njit(cache=True, nogil=True)
def _forward_kernel(
    params: Array,
    x: Array,
    seeds: Array,
    blocks: int,
    sizes: Array,
    relu: bool,
    work: Array,
    kept: Array,
    out: Array,
) -> None:
    for_each(seeds.size * blocks, _forward_block, (params, x, seeds, blocks, sizes, relu, work, kept, out))


@inner
def _jvp_block(
    task: int,
    params: Array,
    directions: Array,
    x: Array,
    seeds: Array,
    blocks: int,
    sizes: Array,
    relu: bool,
    work: Array,
    out: Array,
) -> None:
    s, block, acts = seeds[task // blocks], task % blocks, work[get_thread_id()]
    rows = panel_rows(acts)
    batch, p = x.shape[1], s * params.shape[1]
    panels = -(-batch // rows)
    flat_params, flat_directions, flat_x, flat_out = (
        params.reshape(-1),
        directions.reshape(-1),
        x.reshape(-1),
        out.reshape(-1),
    )
    activations = activations_below(sizes, sizes.size - 1, rows)
    for panel in range(block * BLOCK_PANELS, min(panels, (block + 1) * BLOCK_PANELS)):
        first, count = s * batch + panel * rows, min(rows, batch - panel * rows)
        load_panel(flat_x, first, sizes[0], count, 1, acts, 0)
        hidden_layers(flat_params, p, sizes, relu, acts, 0)
        result = _tangents(flat_params, p, flat_directions, sizes, relu, acts, acts, activations)
        _store_panel(acts, result, sizes[-1], count, flat_out, first)


@njit(cache=True, nogil=True)
def _jvp_kernel(
    params: Array,
    directions: Array,
    x: Array,
    seeds: Array,
    blocks: int,
    sizes: Array,
    relu: bool,
    work: Array,
    out: Array,
) -> None:
    for_each(seeds.size * blocks, _jvp_block, (params, directions, x, seeds, blocks, sizes, relu, work, out))


@inner
def gradient_block(
    task: int,
    params: Array,
    x: Array,
    wanted: Array,
    mean_squared_error: bool,
    old_values: Array,
    clips: Array,
    factors: Array,
    seeds: Array,
    sizes: Array,
    relu: bool,
    work: Array,
    kept: Array,
    parts: Array,
    losses: Array,
) -> None:
    """Compute a block's share of a gradient, which goes to ``parts [S, blocks, P]``.

    It is the gradient of sum(wanted * outputs), or of the mean of factor * (output - wanted)² for networks with one
    output. The first reads the activations in ``kept`` unless that is empty. The second also writes the block's share
    of the loss to ``losses [S, blocks]``, and clips the errors unless ``old_values`` is empty.
    """
    blocks = parts.shape[1]
    s, block, scratch = seeds[task // blocks], task % blocks, work[get_thread_id()]
    rows = panel_rows(scratch)
    batch, size = x.shape[1], params.shape[1]
    panels, p = -(-batch // rows), s * size
    flat_params, flat_x, flat_parts = params.reshape(-1), x.reshape(-1), parts.reshape(-1)
    activations = activations_below(sizes, sizes.size - 1, rows)
    deltas = activations
    wanted_at = deltas + deltas_below(sizes, sizes.size - 1, rows)
    outputs = wanted_at + rows * sizes[-1]
    sums = outputs + rows * sizes[-1]
    factor = params.dtype.type(2 * factors[s] / batch)
    acts = kept if kept.size > 0 else scratch
    fill(0, sums_elements(sizes, relu, scratch), scratch, sums)
    squares = np.zeros(rows)
    for panel in range(block * BLOCK_PANELS, min(panels, (block + 1) * BLOCK_PANELS)):
        first, count = s * batch + panel * rows, min(rows, batch - panel * rows)
        start = (s * panels + panel) * activations if kept.size > 0 else 0
        load_panel(wanted, first, sizes[-1], count, 0, scratch, wanted_at)
        if kept.size == 0:
            load_panel(flat_x, first, sizes[0], count, 1, acts, start)
        if mean_squared_error or is_shallow(sizes, relu):
            network_outputs(flat_params, p, sizes, relu, acts, start, scratch, outputs)
        elif kept.size == 0:
            hidden_layers(flat_params, p, sizes, relu, acts, start)
        if mean_squared_error and old_values.size > 0:
            values, targets = scratch[outputs : outputs + count], scratch[wanted_at : wanted_at + count]
            old, bound = old_values[first : first + count], params.dtype.type(clips[s])
            _clipped_errors(values, targets, old, bound, factor, squares)
        elif mean_squared_error:
            _errors(scratch, outputs, wanted_at, count, factor, squares)
        backward_layers(flat_params, p, sizes, relu, acts, start, scratch, deltas)
        add_gradient(sizes, relu, acts, start, scratch, deltas, sums)
    unpack_sums(flat_params, p, sizes, relu, scratch, sums, flat_parts, (s * blocks + block) * size)
    if mean_squared_error:
        losses[s, block] = factors[s] * sum_values(squares, 0, rows) / batch


@njit(cache=True, nogil=True)
def _gradient_kernel(
    params: Array,
    x: Array,
    wanted: Array,
    mean_squared_error: bool,
    old_values: Array,
    clips: Array,
    factors: Array,
    seeds: Array,
    sizes: Array,
    relu: bool,
    work: Array,
    kept: Array,
    parts: Array,
    losses: Array,
) -> None:
    for_each(seeds.size * parts.shape[1], gradient_block, (
        params, x, wanted, mean_squared_error, old_values, clips, factors, seeds, sizes, relu, work, kept, parts,
        losses,
    ))  # fmt: skip


@inner
def _add_blocks_of(i: int, parts: Array, seeds: Array, out: Array) -> None:
    s = seeds[i]
    for j in range(parts.shape[2]):
        out[s, j] = parts[s, 0, j]
    for block in range(1, parts.shape[1]):
        for j in range(parts.shape[2]):
            out[s, j] += parts[s, block, j]


@njit(cache=True, nogil=True)
def add_blocks(parts: Array, seeds: Array, out: Array) -> None:
    """Sum ``parts [S, blocks, P]`` over the blocks, in their order, into ``out [S, P]``."""
    for_each(seeds.size, _add_blocks_of, (parts, seeds, out))


def _aligned(elements: int, dtype: np.dtype) -> Array:
    """An uninitialised flat array. Its first element is aligned to ``VECTOR_BYTES``."""
    memory = np.empty(elements * dtype.itemsize + VECTOR_BYTES, np.uint8)
    start = -memory.ctypes.data % VECTOR_BYTES
    return memory[start : start + elements * dtype.itemsize].view(dtype)


class ErrorGradientCall(NamedTuple):
    """A call of :meth:`CompiledMLP.error_gradient`, and the gradient that it returned."""

    network: "CompiledMLP"
    params: Tensor
    x: Tensor
    targets: Tensor
    old_values: Tensor | None
    clip: Setting
    weight: Setting
    active: Tensor
    gradient: Tensor


class CompiledMLP:
    """The compiled backend of ``algos.core.networks.MLP``, for CPU tensors of one float dtype.

    ``active [S]`` marks the seeds to compute, and None marks all. Results of the others are zero. Kernels that take
    panels through the network themselves use its ``sizes``, ``relu`` and ``workspace``.

    Args:
        sizes: widths of all layers, from the inputs to the outputs.
        activation: of the hidden layers, "tanh" or "relu".
    """

    def __init__(self, sizes: Sequence[int], activation: str) -> None:
        self.sizes = np.array(sizes, np.int64)
        self.activation = activation
        self.relu = activation == "relu"
        self.num_weights = int((self.sizes[:-1] * self.sizes[1:]).sum())
        self._work: dict[np.dtype, Array] = {}

    def forward(self, params: Tensor, x: Tensor, active: Tensor | None, keep: bool) -> tuple[Tensor, Array]:
        """The outputs ``[S, B, out]`` for ``x [S, B, in]``, and activations that save time in ``vjp``.

        The activations are empty unless ``keep`` is set. They are also empty where computing them again is faster.
        """
        weights, inputs = as_array(params), as_array(x)
        dtype = weights.dtype
        rows = _rows(params)
        elements = x.shape[0] * -(-x.shape[1] // rows) * activations_below(self.sizes, self.sizes.size - 1, rows)
        keep = keep and elements * dtype.itemsize <= KEEP_BYTES and not is_shallow(self.sizes, self.relu)
        kept = _aligned(elements + 16 * rows if keep else 0, dtype)
        seeds, blocks = seeds_to_compute(params, active), self.num_blocks(x)
        out = results((*x.shape[:2], int(self.sizes[-1])), dtype, seeds)
        work = self.workspace(dtype)
        with self.shared_out(seeds.size, x.shape[1], passes=1):
            _forward_kernel(weights, inputs, seeds, blocks, self.sizes, self.relu, work, kept, out)
        return torch.from_numpy(out), kept

    def vjp(
        self, params: Tensor, cotangents: Tensor, x: Tensor, active: Tensor | None, kept: Array | None = None
    ) -> Tensor:
        """The gradient ``[S, P]`` of sum(cotangents * outputs), for ``cotangents [S, B, out]``.

        ``kept`` are the activations that ``forward`` returned for the same ``params`` and ``x``, if there are any.
        """
        weights = as_array(params)
        none = np.empty(0, weights.dtype)
        kept, losses = none if kept is None else kept, np.empty((0, 0))
        unread = np.empty(len(weights))
        gradient = self._gradient(weights, x, cotangents, active, none, unread, unread, kept, losses, fused=False)
        return torch.from_numpy(gradient)

    def jvp(self, params: Tensor, tangents: Tensor, x: Tensor, active: Tensor | None) -> Tensor:
        """The derivative ``[S, B, out]`` of the outputs for ``x [S, B, in]`` along ``tangents [S, P]``."""
        weights = as_array(params)
        work, seeds = self.workspace(weights.dtype), seeds_to_compute(params, active)
        out = results((*x.shape[:2], int(self.sizes[-1])), weights.dtype, seeds)
        inputs, blocks = (as_array(tangents), as_array(x)), self.num_blocks(x)
        with self.shared_out(seeds.size, x.shape[1], passes=3):
            _jvp_kernel(weights, *inputs, seeds, blocks, self.sizes, self.relu, work, out)
        return torch.from_numpy(out)

    def error_gradient(
        self,
        params: Tensor,
        x: Tensor,
        targets: Tensor,
        old_values: Tensor | None,
        clip: Setting,
        weight: Setting,
        active: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """``weight`` times the mean squared error, and its gradient: ``[S]`` and ``[S, P]``.

        The network has one output, and its targets are ``targets [S, B]``. With ``old_values [S, B]`` each output has a
        second error, for which it is held within ``clip`` of its old value. The error with the larger square counts.
        """
        weights = as_array(params)
        dtype = weights.dtype
        losses = np.zeros((len(weights), self.num_blocks(x)))
        none = np.empty(0, dtype)
        old = none if old_values is None else as_array(old_values)
        clips, factors = per_seed(clip, len(weights)), per_seed(weight, len(weights))
        gradient = torch.from_numpy(
            self._gradient(weights, x, targets, active, old, clips, factors, none, losses, fused=True)
        )
        loss = torch.from_numpy(losses.sum(1).astype(dtype))
        note(ErrorGradientCall(self, params, x, targets, old_values, clip, weight, active, gradient))
        return loss, gradient

    def _gradient(
        self,
        weights: Array,
        x: Tensor,
        wanted: Tensor,
        active: Tensor | None,
        old_values: Array,
        clips: Array,
        factors: Array,
        kept: Array,
        losses: Array,
        fused: bool,
    ) -> Array:
        """The gradient ``[S, P]`` of the weighted error if ``fused``, otherwise of sum(wanted * outputs)."""
        inputs = as_array(x), as_array(wanted).reshape(-1)
        seeds, work = seeds_to_compute(x, active), self.workspace(weights.dtype)
        gradient = results(weights.shape, weights.dtype, seeds)
        blocks = self.num_blocks(x)
        parts = gradient[:, None] if blocks == 1 else np.empty((len(weights), blocks, weights.shape[1]), weights.dtype)
        with self.shared_out(seeds.size, x.shape[1], passes=3):
            _gradient_kernel(
                weights, *inputs, fused, old_values.reshape(-1), clips, factors, seeds, self.sizes, self.relu, work,
                kept, parts, losses,
            )  # fmt: skip
            if blocks > 1:
                add_blocks(parts, seeds, gradient)
        return gradient

    def shared_out(self, num_seeds: int, rows: int, passes: int) -> shared_out:
        """The threads for ``passes`` passes through the network, each with ``rows`` rows of ``num_seeds`` seeds."""
        blocks = -(-rows // BLOCK_ROWS)
        return shared_out(num_seeds * blocks, passes * num_seeds * rows * self.num_weights)

    def num_blocks(self, x: Tensor) -> int:
        """The number of blocks of one seed's rows of ``x [S, B, in]``."""
        return -(-x.shape[1] // (BLOCK_PANELS * _rows(x)))

    def workspace(self, dtype: np.dtype) -> Array:
        """Scratch memory ``[threads, elements]`` for activations, deltas or tangents, and the sums of a gradient."""
        if dtype not in self._work:
            rows = VECTORS * VECTOR_BYTES // dtype.itemsize
            sizes = self.sizes
            elements = activations_below(sizes, sizes.size - 1, rows) + rows * (sizes[1:].sum() + 2 * sizes.max())
            like = np.empty(0, dtype)
            elements += sums_elements(sizes, self.relu, like) + spare_elements(sizes, like) + 16 * rows
            elements = -(-elements // rows) * rows
            threads = config.NUMBA_NUM_THREADS
            self._work[dtype] = _aligned(threads * elements, dtype).reshape(threads, elements)
        return self._work[dtype]


def _rows(like: Tensor) -> int:
    """The number of rows of a panel of this tensor's dtype."""
    return VECTORS * VECTOR_BYTES // like.element_size()
