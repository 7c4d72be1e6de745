"""Gradients of ReLU networks with one hidden layer and one output, such as critics, without stored activations.

Let z = xW + b, and let e be the cotangent of a row's output. The gradient needs only where z > 0. From
G = Σ_rows [x, 1]ᵀ e (z > 0) follow the gradients of W and b, G times the output's weights, and the gradient of the
output's weights, the column sums of [W; b] ∘ G. So a tile (see ``algos.kernels.mlp``) keeps masks, not activations.
"""

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types

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
    add_products,
    emit_relu,
    intrinsic,
    lane_sums,
    loop,
    strips,
    times_panel,
    vector_sums,
)
from algos.kernels.panels import panel_rows, register_lanes

Array = np.ndarray

FEATURES = 2  # inputs in a block of sums; a block has as many cells as a register has lanes


class _Masks:
    """Masks of rows in the memory of an array: one register after another, one feature after another.

    A row is one bit if the processor has mask registers (``WIDE``), otherwise a whole element of ones or zeros.
    """

    def __init__(self, builder: Any, memory: Memory, feature: Any) -> None:
        self.builder = builder
        self.real = memory.vector
        self.lanes = memory.lanes
        width = 64 if memory.vector.element == ir.DoubleType() else 32
        self.mask = ir.IntType(max(8, self.lanes)) if WIDE else ir.VectorType(ir.IntType(width), self.lanes)
        self.align = 1 if WIDE else memory.align
        start = builder.bitcast(memory.pointer, self.mask.as_pointer())
        self.start = builder.gep(start, [builder.mul(feature, INDEX(REGISTERS))])

    def store(self, mask: Any, offset: Any) -> None:
        if WIDE:
            bits = self.builder.bitcast(mask, ir.IntType(self.lanes))
            mask = bits if self.lanes >= 8 else self.builder.zext(bits, self.mask)
        else:
            mask = self.builder.sext(mask, self.mask)
        self.builder.store(mask, self.builder.gep(self.start, [offset]), align=self.align)

    def load(self, offset: Any) -> Any:
        mask = self.builder.load(self.builder.gep(self.start, [offset]), align=self.align)
        if not WIDE:
            return mask
        bits = mask if self.lanes >= 8 else self.builder.trunc(mask, ir.IntType(self.lanes))
        return self.builder.bitcast(bits, ir.VectorType(ir.IntType(1), self.lanes))

    def add(self, total: Any, value: Any, mask: Any) -> Any:
        """``total`` plus ``value`` where the mask is set."""
        # Elsewhere, adding +0 changes no total: only -0 would change, and a sum that begins at +0 is never -0.
        if WIDE:
            return self.builder.select(mask, self.builder.fadd(total, value), total)
        kept = self.builder.and_(self.builder.bitcast(value, self.mask), mask)
        return self.builder.fadd(total, self.builder.bitcast(kept, self.real))


def _hidden_units(columns: int) -> Any:
    """An intrinsic that adds ``groups`` groups of ``columns`` hidden units to a panel's outputs and stores their masks.

    ``first`` is the first of these units. The network's parameters begin at ``params[start]``.
    """

    @intrinsic
    def function(
        typingctx: Any,
        params: Any,
        start: Any,
        depth: Any,
        width: Any,
        first: Any,
        groups: Any,
        acts: Any,
        in_start: Any,
        masks_start: Any,
        out: Any,
        out_start: Any,
    ) -> Any:
        integer = types.intp
        signature = types.void(
            params, integer, integer, integer, integer, integer, acts, integer, integer, out, integer
        )

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            builder.function.attributes.add("noinline")
            params, start, depth, width, first, groups, acts, in_start, masks_start, out, out_start = args
            types_ = signature.args
            weights = Memory(context, builder, types_[0], params, builder.add(start, first))
            x = Memory(context, builder, types_[6], acts, in_start)
            hidden = Memory(context, builder, types_[6], acts, masks_start)
            y = Memory(context, builder, types_[9], out, out_start)
            kept = _Masks(builder, hidden, first)
            cells = [(j, v) for j in range(columns) for v in range(STRIP)]
            zero = constant(y.vector, 0.0)
            biases = builder.mul(depth, width)
            above = builder.add(biases, width)

            def panel_strip(index: Any, _: list[Any]) -> list[Any]:
                register = builder.mul(index, INDEX(STRIP))
                strip = builder.mul(register, INDEX(y.lanes))

                def group(index: Any, outputs: list[Any]) -> list[Any]:
                    unit = builder.mul(index, INDEX(columns))
                    units = [builder.add(unit, INDEX(j)) for j in range(columns)]
                    initial = [weights.scalar(builder.add(biases, unit)) for unit in units]
                    start = [initial[j] for j, _ in cells]
                    values = add_products(builder, start, weights, width, units, x, strip, depth)
                    scalars = [weights.scalar(builder.add(above, unit)) for unit in units]
                    outputs = list(outputs)
                    for (j, v), z in zip(cells, values, strict=True):
                        on = builder.fcmp_unordered(">", z, zero)  # true for NaN, so that it reaches the output
                        at = builder.add(builder.mul(units[j], INDEX(REGISTERS)), builder.add(register, INDEX(v)))
                        kept.store(on, at)
                        outputs[v] = emit_fma(builder, scalars[j], emit_relu(builder, z), outputs[v])
                    return outputs

                places = [builder.add(strip, INDEX(v * y.lanes)) for v in range(STRIP)]
                outputs = loop(builder, groups, [y.load(place) for place in places], group)
                for place, value in zip(places, outputs, strict=True):
                    y.store(value, place)
                return []

            strips(builder, panel_strip)
            return context.get_dummy_value()

        return signature, codegen

    return function


_several_units, _one_unit = _hidden_units(COLUMNS), _hidden_units(1)


@intrinsic
def _add_masked(
    typingctx: Any,
    acts: Any,
    in_start: Any,
    in_stride: Any,
    masks_start: Any,
    masks_stride: Any,
    unit: Any,
    panels: Any,
    work: Any,
    out_start: Any,
) -> Any:
    """out[i * J + j] += Σ inputs[i] over the rows in the mask of hidden unit ``unit + j``.

    Here i < FEATURES and j < J = lanes / FEATURES. Inputs and masks are in ``acts``; their panels are ``in_stride`` and
    ``masks_stride`` elements apart. The sums are in ``work``.
    """
    integer = types.intp
    signature = types.void(acts, integer, integer, integer, integer, integer, integer, work, integer)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.function.attributes.add("noinline")
        acts, in_start, in_stride, masks_start, masks_stride, unit, panels, work, out_start = args
        types_ = signature.args
        x = Memory(context, builder, types_[0], acts, in_start)
        total = Memory(context, builder, types_[7], work, out_start)
        lanes, rows = total.lanes, REGISTERS * total.lanes
        units = lanes // FEATURES
        zeros = [constant(total.vector, 0.0)] * lanes

        def part_sums(part: int) -> Any:
            def body(panel: Any, sums: list[Any]) -> list[Any]:
                here = builder.mul(panel, in_stride)
                at_masks = builder.add(masks_start, builder.mul(panel, masks_stride))
                kept = _Masks(builder, Memory(context, builder, types_[0], acts, at_masks), unit)
                for register in range(part, REGISTERS, PARTS):
                    places = [INDEX(i * rows + register * lanes) for i in range(FEATURES)]
                    values = [x.load(builder.add(here, place)) for place in places]
                    in_masks = [kept.load(INDEX(j * REGISTERS + register)) for j in range(units)]
                    cells = [(value, mask) for value in values for mask in in_masks]
                    sums = [kept.add(s, value, mask) for (value, mask), s in zip(cells, sums, strict=True)]
                return sums

            return lane_sums(builder, loop(builder, panels, zeros, body))

        total.store(builder.fadd(total.load(INDEX(0)), vector_sums(builder, part_sums)), INDEX(0))
        return context.get_dummy_value()

    return signature, codegen


@njit(cache=True)
def is_shallow(sizes: Array, relu: bool) -> bool:
    """Whether this module can compute the network."""
    return relu and sizes.size == 3 and sizes[2] == 1


@inner
def _blocks(sizes: Array, lanes: int) -> tuple[int, int]:
    """The number of blocks of sums along the inputs and the constant 1, and along the hidden units."""
    return -(-(sizes[0] + 1) // FEATURES), -(-sizes[1] // (lanes // FEATURES))


@inner
def shallow_sums_elements(sizes: Array, lanes: int) -> int:
    """The number of elements of G in blocks, plus those of a panel's sum of errors."""
    down, across = _blocks(sizes, lanes)
    return down * across * lanes + REGISTERS * lanes


@inner
def shallow_outputs(params: Array, p: int, sizes: Array, acts: Array, x: int, masks: int, out: Array, y: int) -> None:
    """Compute the outputs ``out[y:]`` of the panel ``acts[x:]``, and the masks ``acts[masks:]`` of its hidden units."""
    rows = panel_rows(out)
    depth, width = sizes[0], sizes[1]
    bias = params[p + (depth + 2) * width]
    for r in range(rows):
        out[y + r] = bias
    groups = width // COLUMNS
    if groups > 0:
        _several_units(params, p, depth, width, 0, groups, acts, x, masks, out, y)
    if width > groups * COLUMNS:
        rest = width - groups * COLUMNS
        _one_unit(params, p, depth, width, groups * COLUMNS, rest, acts, x, masks, out, y)


@inner
def add_shallow_tile(
    sizes: Array, acts: Array, x: int, masks: int, panels: int, work: Array, errors: int, sums: int
) -> None:
    """Add the sums of a tile to those in ``work``. Its inputs are multiplied by ``errors``, the outputs' cotangents."""
    rows = panel_rows(work)
    lanes = register_lanes(work)
    down, across = _blocks(sizes, lanes)
    x_stride, masks_stride = (sizes[0] + 1) * rows, (sizes[1] + 1) * rows
    for panel in range(panels):
        times_panel(acts, x + panel * x_stride, sizes[0] + 1, work, errors + panel * rows)
    for j in range(across):
        for i in range(down):
            unit, at = j * (lanes // FEATURES), sums + (i * across + j) * lanes
            left = x + i * FEATURES * rows
            _add_masked(acts, left, x_stride, masks, masks_stride, unit, panels, work, at)
    total = sums + down * across * lanes
    for panel in range(panels):
        add_panel(work, errors + panel * rows, work, total)


@inner
def unpack_shallow_sums(params: Array, p: int, sizes: Array, work: Array, sums: int, out: Array, start: int) -> None:
    """Write the gradient that follows from the sums into ``out[start:]``."""
    lanes = register_lanes(work)
    down, across = _blocks(sizes, lanes)
    units, width = lanes // FEATURES, sizes[1]
    above = (sizes[0] + 1) * width  # where the output's weights are
    for j in range(width):
        out[start + above + j] = 0
    for i in range(sizes[0] + 1):
        for block in range(across):
            cells, first = sums + (i // FEATURES * across + block) * lanes + i % FEATURES * units, block * units
            for j in range(first, min(first + units, width)):
                value, weight = work[cells + j - first], i * width + j
                out[start + above + j] += params[p + weight] * value
                out[start + weight] = params[p + above + j] * value
    bias = out.dtype.type(0)
    for r in range(panel_rows(work)):
        bias += work[sums + down * across * lanes + r]
    out[start + above + width] = bias
