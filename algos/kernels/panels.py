"""One layer of a network, forward and back, on panels of rows (see ``algos.kernels.intrinsics``), for Numba loops."""

from typing import Any

import numpy as np
from numba import njit

from algos.kernels.inner import inner
from algos.kernels.intrinsics import (
    COLUMNS,
    LEFT_FEATURES,
    PRODUCT_TILE,
    REGISTER_BYTES,
    REGISTERS,
    STRIP,
    VECTOR_BYTES,
    VECTORS,
    add_lane_products,
    copy,
    copy_registers,
    outer,
    padded,
    product,
    times_slope,
    transpose_panel,
)

Array = np.ndarray


@njit(inline="always")
def panel_rows(array: Array) -> int:
    """The number of rows of a panel of this array's dtype."""
    return VECTORS * (VECTOR_BYTES // array.itemsize)


@njit(inline="always")
def register_lanes(array: Array) -> int:
    """The number of elements of this array's dtype in a register."""
    return REGISTER_BYTES // array.itemsize


def _layer(mode: str) -> Any:
    """A Numba function that computes ``width`` features of a panel, several at a time.

    The arguments of that function and ``mode`` are those of ``product``. Its values in ``other`` are ``other_step``
    elements apart.
    """
    features, registers = PRODUCT_TILE
    many, single = product(features, registers, mode), product(1, REGISTERS, mode)

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
        whole = width - width % features
        for j in range(0, whole, features):
            w, o, y = w_start + j * j_stride, other_start + j * other_step, out_start + j * rows
            many(weights, w, k_stride, j_stride, depth, inputs, in_start, other, o, out, y)
        for j in range(whole, width):
            w, o, y = w_start + j * j_stride, other_start + j * other_step, out_start + j * rows
            single(weights, w, k_stride, j_stride, depth, inputs, in_start, other, o, out, y)

    return layer


linear_layer, relu_layer, tanh_layer = _layer("linear"), _layer("relu"), _layer("tanh")
times_relu_slope, times_tanh_slope = times_slope("relu_slope"), times_slope("tanh_slope")
add_layer, relu_slope_layer, tanh_slope_layer = _layer("add"), _layer("relu_slope"), _layer("tanh_slope")


_outer_tile, _outer_tile_pair, _outer_tile_row = (outer(features, STRIP) for features in (COLUMNS, 2, 1))
_outer_column, _outer_cell = (outer(features, 1) for features in (COLUMNS, 1))


@inner
def _is_turned(n_left: int, n_right: int, array: Array) -> bool:
    """Whether the sums ``[n_right, n_left]`` take less work than the sums ``[n_left, n_right]``.

    The two add the rows in different orders, so the answer must not depend on the processor.
    """
    return n_right * padded(n_left, array) < n_left * padded(n_right, array)


@inner
def outer_elements(n_left: int, n_right: int, array: Array) -> int:
    """The number of elements of the sums of ``add_outer``, with padding."""
    return min(n_left * padded(n_right, array), n_right * padded(n_left, array))


@inner
def add_products(  # type: ignore[no-untyped-def]
    panel, start, features, others, turned, stride, out, sums
):
    """Add Σ_rows panel[i] * other[j] to ``out[sums + i * stride + j]``, for i < ``features`` and j < ``stride``.

    The other panel is transposed and begins at ``others[turned]``.
    """
    rows, lanes = panel_rows(panel), register_lanes(panel)
    whole_j, whole_i = stride - stride % (STRIP * lanes), features - features % COLUMNS
    pairs_i = features - features % 2
    for j in range(0, whole_j, STRIP * lanes):
        for i in range(0, whole_i, COLUMNS):
            _outer_tile(panel, start + i * rows, others, turned + j, stride, out, sums + i * stride + j)
        for i in range(whole_i, pairs_i, 2):
            _outer_tile_pair(panel, start + i * rows, others, turned + j, stride, out, sums + i * stride + j)
        for i in range(pairs_i, features):
            _outer_tile_row(panel, start + i * rows, others, turned + j, stride, out, sums + i * stride + j)
    for j in range(whole_j, stride, lanes):
        for i in range(0, whole_i, COLUMNS):
            _outer_column(panel, start + i * rows, others, turned + j, stride, out, sums + i * stride + j)
        for i in range(whole_i, features):
            _outer_cell(panel, start + i * rows, others, turned + j, stride, out, sums + i * stride + j)


@inner
def add_outer(left, l_start, n_left, right, r_start, n_right, work, sums, spare):  # type: ignore[no-untyped-def]
    """Add Σ_rows left[i] * right[j] to the sums at ``work[sums:]``, for all i < ``n_left`` and j < ``n_right``.

    The panel of ``left`` has ``n_left`` features, and the panel of ``right`` has ``n_right``. Features after the last
    one are read as far as the padding goes. Their sums stay in the padding. ``work[spare:]`` has room for one panel.
    """
    if _is_turned(n_left, n_right, left):
        groups = -(-n_left // LEFT_FEATURES)
        for j in range(n_right):
            add_lane_products(left, l_start, groups, right, r_start + j * panel_rows(left), work, sums)
            sums += padded(n_left, left)
    else:
        stride = padded(n_right, left)
        transpose_panel(right, r_start, stride // register_lanes(left), work, spare)
        add_products(left, l_start, n_left, work, spare, stride, work, sums)


@inner
def unpack_outer(work: Array, sums: int, n_left: int, n_right: int, out: Array, start: int) -> None:
    """Write the sums of ``add_outer`` to the matrix ``[n_left, n_right]`` at ``out[start:]``."""
    if _is_turned(n_left, n_right, work):
        for j in range(n_right):
            copy(work, sums + j * padded(n_left, work), 1, n_left, n_right, out, start + j)
        return
    lanes = register_lanes(work)
    whole = n_right // lanes
    done = whole * lanes
    if padded(n_right, work) == n_right:
        copy_registers(work, sums, n_left * whole, out, start)
        return
    for i in range(n_left):
        source, to = sums + i * padded(n_right, work), start + i * n_right
        copy_registers(work, source, whole, out, to)
        if n_right > done:
            copy(work, source + done, 1, n_right - done, 1, out, to + done)
