"""A network layer, forward and back, on panels of rows (see ``algos.kernels.intrinsics``), for Numba loops."""

from typing import Any

import numpy as np
from numba import njit

from algos.kernels.inner import inner
from algos.kernels.intrinsics import (
    COLUMNS,
    REGISTER_BYTES,
    VECTOR_BYTES,
    VECTORS,
    outer,
    product,
    times_slope,
    unpack,
)

Array = np.ndarray


@njit(inline="always")
def panel_rows(array: Array) -> int:
    """Rows of a panel of this array's dtype."""
    return VECTORS * (VECTOR_BYTES // array.itemsize)


@njit(inline="always")
def register_lanes(array: Array) -> int:
    """Elements of this array's dtype in a register."""
    return REGISTER_BYTES // array.itemsize


def _layer(mode: str) -> Any:
    """The Numba function that computes all ``width`` features of a panel with ``product``."""
    many, single = product(COLUMNS, mode), product(1, mode)

    @inner
    def layer(
        weights: Array,
        w_start: int,
        k_stride: int,
        j_stride: int,
        depth: int,
        width: int,
        inputs: Array,
        in_start: int,
        other: Array,
        other_start: int,
        other_step: int,
        out: Array,
        out_start: int,
    ) -> None:
        rows = panel_rows(out)
        whole = width - width % COLUMNS
        for j in range(0, whole, COLUMNS):
            w, o, y = w_start + j * j_stride, other_start + j * other_step, out_start + j * rows
            many(weights, w, k_stride, j_stride, depth, inputs, in_start, other, o, out, y)
        for j in range(whole, width):
            w, o, y = w_start + j * j_stride, other_start + j * other_step, out_start + j * rows
            single(weights, w, k_stride, j_stride, depth, inputs, in_start, other, o, out, y)

    return layer


linear_layer, relu_layer, tanh_layer = _layer("linear"), _layer("relu"), _layer("tanh")
times_relu_slope, times_tanh_slope = times_slope("relu_slope"), times_slope("tanh_slope")
add_layer, relu_slope_layer, tanh_slope_layer = _layer("add"), _layer("relu_slope"), _layer("tanh_slope")


def _square(lanes: int) -> tuple[int, int]:
    side = 1 << (lanes.bit_length() - 1) // 2
    return side, lanes // side


def _flat(lanes: int) -> tuple[int, int]:
    return 2, lanes // 2


_outer_square, _unpack_square = outer(_square), unpack(_square)
_outer_flat, _unpack_flat = outer(_flat), unpack(_flat)
_outer_column = outer(lambda lanes: (lanes, 1))


@inner
def block_shape(n_left: int, n_right: int, lanes: int) -> tuple[int, int]:
    """(I, J), I * J = lanes, of the blocks that cover [n_left, n_right] with the least work."""
    side = 4 if lanes >= 16 else 2
    best_i, best_j, best = 0, 0, 0
    for i in (side, 2, lanes):
        j = lanes // i
        blocks = -(-n_left // i) * -(-n_right // j)
        if best == 0 or blocks < best:
            best_i, best_j, best = i, j, blocks
    return best_i, best_j


@inner
def block_elements(n_left: int, n_right: int, lanes: int) -> int:
    """Elements that the blocks over [n_left, n_right] take."""
    i, j = block_shape(n_left, n_right, lanes)
    return -(-n_left // i) * -(-n_right // j) * lanes


@inner
def add_outer(left, l_start, n_left, right, r_start, n_right, panels, blocks, b_start):  # type: ignore[no-untyped-def]
    """Add Σ_rows left[i] * right[j] for all i < n_left, j < n_right, block by block, to ``blocks`` from ``b_start`` on.

    The panels of ``left`` and ``right`` are ``n_left`` and ``n_right`` features deep. Up to lanes - 1 features past the
    last one are read; what they give lands in the unused cells of a block.
    """
    rows = panel_rows(left)
    lanes = register_lanes(left)
    step_i, step_j = block_shape(n_left, n_right, lanes)
    across, down = -(-n_right // step_j), -(-n_left // step_i)
    l_stride, r_stride = n_left * rows, n_right * rows
    # The inner loop is over the narrower side, which so stays in the cache.
    inner = min(across, down)
    for index in range(across * down):
        j, i = (index // inner, index % inner) if down < across else (index % inner, index // inner)
        a, b = l_start + i * step_i * rows, r_start + j * step_j * rows
        block = b_start + (i * across + j) * lanes
        if step_j == 1:
            _outer_column(left, a, l_stride, right, b, r_stride, panels, blocks, block)
        elif step_i == 2:
            _outer_flat(left, a, l_stride, right, b, r_stride, panels, blocks, block)
        else:
            _outer_square(left, a, l_stride, right, b, r_stride, panels, blocks, block)


@inner
def unpack_blocks(blocks: Array, b_start: int, n_left: int, n_right: int, out: Array, out_start: int) -> None:
    """Write the sums of ``add_outer`` to the matrix [n_left, n_right] at out[out_start]."""
    lanes = register_lanes(blocks)
    step_i, step_j = block_shape(n_left, n_right, lanes)
    whole = n_right // step_j if step_j > 1 else 0
    block = b_start
    for i in range(0, n_left, step_i):
        at, first = out_start + i * n_right, 0
        if whole > 0 and i + step_i <= n_left:
            if step_i == 2:
                _unpack_flat(blocks, block, whole, n_right, out, at)
            else:
                _unpack_square(blocks, block, whole, n_right, out, at)
            first = whole * step_j
            block += whole * lanes
        for j in range(first, n_right, step_j):
            for row in range(min(step_i, n_left - i)):
                for column in range(min(step_j, n_right - j)):
                    out[at + row * n_right + j + column] = blocks[block + row * step_j + column]
            block += lanes
