"""Gradients of ReLU networks with one hidden layer and one output, such as critics, without stored activations.

Let z = xW + b, and let e be the cotangent of a row's output. The gradient needs only where z > 0. From
G = Σ_rows [x, 1]ᵀ e (z > 0) follow the gradients of W and b, G times the output's weights, and the gradient of the
output's weights, the column sums of [W; b] ∘ G. So a panel keeps the steps (z > 0), not the activations. The hidden
units lie in lanes.
"""

from functools import partial
from typing import Any

import numpy as np
from numba import njit, types
from numba.core import cgutils

from algos.kernels.elementary import constant, emit_fma
from algos.kernels.inner import inner
from algos.kernels.intrinsics import (
    COLUMNS,
    INDEX,
    PARTS,
    REGISTERS,
    STRIP,
    WIDE,
    Memory,
    add_panel,
    fill,
    intrinsic,
    loop,
    splat,
    sum_values,
    sums_of_lanes,
    times_panel,
)
from algos.kernels.panels import add_products, panel_rows

Array = np.ndarray

BLOCK = 16  # rows, whose sums over lanes are computed together
UNITS = 64  # hidden units, which fill strips of any processor's registers


def _plus_where(builder: Any, on: Any, a: Any, b: Any, total: Any) -> Any:
    """total + a * b where ``on`` is true, else total. Both forms give the same bits for finite a."""
    if WIDE:
        return builder.select(on, emit_fma(builder, a, b, total), total)
    return emit_fma(builder, a, builder.select(on, b, constant(b.type, 0.0)), total)  # AVX2 is slow to blend


@intrinsic
def _panel_outputs(
    typingctx: Any,
    params: Any,
    start: Any,
    depth: Any,
    width: Any,
    acts: Any,
    in_start: Any,
    steps_start: Any,
    out: Any,
    out_start: Any,
) -> Any:
    """Compute the outputs of a panel, and steps[r * width + j] = 1 where unit j is on in row r, else 0.

    The network's parameters begin at ``params[start]``. Inputs and steps are in ``acts``.
    """
    integer = types.intp
    signature = types.void(params, integer, integer, integer, acts, integer, integer, out, integer)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.function.attributes.add("noinline")
        params, start, depth, width, acts, in_start, steps_start, out, out_start = args
        types_ = signature.args
        weights = Memory(context, builder, types_[0], params, start)
        x = Memory(context, builder, types_[4], acts, in_start)
        steps = Memory(context, builder, types_[4], acts, steps_start)
        y = Memory(context, builder, types_[7], out, out_start)
        lanes, rows = y.lanes, REGISTERS * y.lanes
        zero, one = constant(y.vector, 0.0), constant(y.vector, 1.0)
        biases = builder.mul(depth, width)
        above = builder.add(biases, width)
        bias = builder.load(builder.gep(weights.pointer, [builder.add(above, width)]), align=weights.align)
        cells = [(r, v) for r in range(COLUMNS) for v in range(STRIP)]
        sums_at = cgutils.alloca_once(builder, y.vector, BLOCK * PARTS)

        def add_strip(first: Any, index: Any, sums: list[Any]) -> list[Any]:
            """Add a strip of units to the sums of COLUMNS rows. Each row has one vector of sums, in PARTS registers."""
            units = builder.mul(index, INDEX(STRIP * lanes))
            places = [builder.add(units, INDEX(v * lanes)) for v in range(STRIP)]

            def add_input(k: Any, values: list[Any]) -> list[Any]:
                row, feature = builder.mul(k, width), builder.add(builder.mul(k, INDEX(rows)), first)
                vectors = [weights.load(builder.add(row, place)) for place in places]
                scalars = [x.scalar(builder.add(feature, INDEX(r))) for r in range(COLUMNS)]
                return [emit_fma(builder, scalars[r], vectors[v], z) for (r, v), z in zip(cells, values, strict=True)]

            initial = [weights.load(builder.add(biases, place)) for place in places]
            values = loop(builder, depth, [initial[v] for _, v in cells], add_input)
            factors = [weights.load(builder.add(above, place)) for place in places]
            sums = list(sums)
            for (r, v), z in zip(cells, values, strict=True):
                on = builder.fcmp_unordered(">", z, zero)  # true for NaN, so that it reaches the output
                row = builder.mul(builder.add(first, INDEX(r)), width)
                steps.store(builder.select(on, one, zero), builder.add(row, places[v]))
                at = r * PARTS + v % PARTS
                sums[at] = _plus_where(builder, on, factors[v], z, sums[at])
            return sums

        def block(index: Any, _: list[Any]) -> list[Any]:
            top = builder.mul(index, INDEX(BLOCK))

            def several_rows(index: Any, _: list[Any]) -> list[Any]:
                offset = builder.mul(index, INDEX(COLUMNS))
                first = builder.add(top, offset)
                strips = builder.udiv(width, INDEX(STRIP * lanes))
                sums = loop(builder, strips, [zero] * (COLUMNS * PARTS), partial(add_strip, first))
                for i, value in enumerate(sums):
                    at = builder.add(builder.mul(offset, INDEX(PARTS)), INDEX(i))
                    builder.store(value, builder.gep(sums_at, [at]))
                return []

            loop(builder, INDEX(BLOCK // COLUMNS), [], several_rows)
            sums = [builder.load(builder.gep(sums_at, [INDEX(i)])) for i in range(BLOCK * PARTS)]
            totals = sums_of_lanes(builder, [sums[r * PARTS : (r + 1) * PARTS] for r in range(BLOCK)])
            piece = totals[0].type.count
            for i, total in enumerate(totals):
                place = builder.gep(y.pointer, [builder.add(top, INDEX(i * piece))])
                result = builder.fadd(splat(builder, bias, piece), total)
                builder.store(result, builder.bitcast(place, total.type.as_pointer()), align=y.align)
            return []

        loop(builder, INDEX(rows // BLOCK), [], block)
        return context.get_dummy_value()

    return signature, codegen


@njit(cache=True)
def is_shallow(sizes: Array, relu: bool) -> bool:
    """Whether this module can compute the network."""
    return relu and sizes.size == 3 and sizes[2] == 1 and sizes[1] % UNITS == 0


@inner
def shallow_sums_elements(sizes: Array, rows: int) -> int:
    """The number of elements of G, plus those of a panel's sum of errors."""
    return (sizes[0] + 1) * sizes[1] + rows


@inner
def shallow_outputs(params: Array, p: int, sizes: Array, acts: Array, x: int, steps: int, out: Array, y: int) -> None:
    """Compute the outputs ``out[y:]`` of the panel ``acts[x:]``, and the steps ``acts[steps:]`` of its hidden units."""
    _panel_outputs(params, p, sizes[0], sizes[1], acts, x, steps, out, y)


@inner
def add_shallow_gradient(sizes: Array, acts: Array, x: int, steps: int, work: Array, errors: int, sums: int) -> None:
    """Add a panel's sums to those in ``work``. Its inputs are multiplied by ``errors``, the outputs' cotangents."""
    features, width = sizes[0] + 1, sizes[1]
    times_panel(acts, x, features, work, errors)
    add_products(acts, x, features, acts, steps, width, work, sums)
    add_panel(work, errors, work, sums + features * width)


@inner
def unpack_shallow_sums(params: Array, p: int, sizes: Array, work: Array, sums: int, out: Array, start: int) -> None:
    """Write the gradient that follows from the sums into ``out[start:]``."""
    features, width = sizes[0] + 1, sizes[1]
    above = features * width  # where the output's weights are
    factors, gradients = params[p + above : p + above + width], out[start + above : start + above + width]
    fill(0, width, out, start + above)
    for i in range(features):
        at = i * width
        row, weights = work[sums + at : sums + at + width], params[p + at : p + at + width]
        below = out[start + at : start + at + width]
        for j in range(width):
            below[j] = factors[j] * row[j]
        for j in range(width):
            gradients[j] += weights[j] * row[j]
    out[start + above + width] = sum_values(work, sums + above, panel_rows(work))
