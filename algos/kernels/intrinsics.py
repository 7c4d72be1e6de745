"""Inner loops for Numba, as LLVM intrinsics. Their accumulators stay in registers.

In a loop written in Python, LLVM does not keep a block of accumulators in registers. Here they are explicit vectors.

A *panel* is ``[features, rows]``. Its rows fill ``VECTORS`` vectors of ``VECTOR_BYTES``. One lane holds one row, so the
result of a row depends neither on its place nor on its neighbours.

The bits are the same on every processor, for three reasons. A panel has the same shape everywhere, and loops take as
many of its lanes at a time as a register holds. A sum over rows keeps one partial sum for each lane of a vector, and
then adds these pairwise. Multiply-adds are fused only where the code says so, and the optimiser may reorder nothing.

Addresses are element offsets from the start of flat arrays.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import llvmlite.binding as llvm  # type: ignore[import-untyped]
import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as numba_intrinsic

from algos.kernels.elementary import constant, emit_fma, emit_tanh
from algos.kernels.inner import inner

intrinsic: Any = numba_intrinsic  # its stub takes the typing context for an argument of the call
config: Any = numba.config

_FEATURES = config.CPU_FEATURES if config.CPU_FEATURES is not None else llvm.get_host_cpu_features().flatten()
_TARGET = config.CPU_NAME or llvm.get_host_cpu_name(), llvm.get_process_triple()
WIDE = "+avx512f" in _FEATURES
_NEON = _TARGET[1].startswith(("aarch64", "arm64"))

CACHE_LINE_BYTES = 64
VECTOR_BYTES = 64
VECTORS = 4  # vectors of one feature in a panel
REGISTER_BYTES = 64 if WIDE else 16 if _NEON else 32
PARTS = VECTOR_BYTES // REGISTER_BYTES  # registers of a vector
REGISTERS = VECTORS * PARTS  # registers of one feature in a panel
# The accumulators are STRIP registers of each of COLUMNS features. The rest of the 16 or 32 registers hold operands.
COLUMNS, STRIP = (4, 4) if WIDE or _NEON else (2, 4)
# The same for ``product``, in which weights are scalars. Twelve chains of multiply-adds hide more latency than eight.
PRODUCT_TILE = (4, 4) if WIDE or _NEON else (6, 2)

INDEX = ir.IntType(64)


@inner
def padded(width: int, array: np.ndarray) -> int:
    """``width`` rounded up to whole vectors of this array's dtype."""
    lanes = VECTOR_BYTES // array.itemsize
    return -(-width // lanes) * lanes


def _vector_type(context: Any, array: Any) -> tuple[ir.VectorType, int]:
    """The type of a register of an array's elements, and its number of lanes."""
    lanes = REGISTER_BYTES * 8 // array.dtype.bitwidth
    return ir.VectorType(context.get_data_type(array.dtype), lanes), lanes


def splat(builder: Any, scalar: Any, lanes: int) -> Any:
    """A vector with ``scalar`` in all lanes."""
    vector = ir.VectorType(scalar.type, lanes)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), mask)


class Memory:
    """Loads and stores at element offsets from one position of a flat array."""

    def __init__(self, context: Any, builder: Any, array_type: Any, array: Any, start: Any) -> None:
        self.builder = builder
        data = context.make_array(array_type)(context, builder, array).data
        self.pointer = builder.gep(data, [start])
        self.vector, self.lanes = _vector_type(context, array_type)
        self.align = array_type.dtype.bitwidth // 8

    def scalar(self, offset: Any) -> Any:
        """The element at ``offset``, in all lanes."""
        value = self.builder.load(self.builder.gep(self.pointer, [offset]), align=self.align)
        return splat(self.builder, value, self.lanes)

    def _at(self, offset: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(self.pointer, [offset]), self.vector.as_pointer())

    def load(self, offset: Any) -> Any:
        return self.builder.load(self._at(offset), align=self.align)

    def store(self, value: Any, offset: Any) -> None:
        self.builder.store(value, self._at(offset), align=self.align)


def loop(builder: Any, count: Any, start: list[Any], body: Callable[[Any, list[Any]], list[Any]]) -> list[Any]:
    """Run ``values = body(i, values)`` for i in 0 ... count - 1 (count >= 1). Return the last values, in registers."""
    entry, block, done = builder.block, builder.append_basic_block("loop"), builder.append_basic_block("done")
    builder.branch(block)
    builder.position_at_end(block)
    index = builder.phi(INDEX)
    index.add_incoming(INDEX(0), entry)
    values = [builder.phi(value.type) for value in start]
    for phi, value in zip(values, start, strict=True):
        phi.add_incoming(value, entry)
    results = body(index, values)
    for phi, value in zip(values, results, strict=True):
        phi.add_incoming(value, builder.block)
    following = builder.add(index, INDEX(1))
    index.add_incoming(following, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, count), block, done)
    builder.position_at_end(done)
    return results


def _weighted_sums(
    builder: Any,
    sums: list[Any],
    weights: Memory,
    k_stride: Any,
    columns: list[Any],
    inputs: Memory,
    strip: Any,
    depth: Any,
    registers: int,
) -> list[Any]:
    """sums[j, v] + Σ_k weights[k * k_stride + columns[j]] * inputs[k, v], summed in the order of k.

    v < ``registers`` counts the registers of a strip, which begins at row ``strip`` of the panel ``inputs``.
    """
    lanes, rows = inputs.lanes, REGISTERS * inputs.lanes
    cells = [(j, v) for j in range(len(columns)) for v in range(registers)]

    def body(k: Any, values: list[Any]) -> list[Any]:
        row, first = builder.add(strip, builder.mul(k, INDEX(rows))), builder.mul(k, k_stride)
        vectors = [inputs.load(builder.add(row, INDEX(v * lanes))) for v in range(registers)]
        scalars = [weights.scalar(builder.add(first, column)) for column in columns]
        return [emit_fma(builder, scalars[j], vectors[v], a) for (j, v), a in zip(cells, values, strict=True)]

    return loop(builder, depth, sums, body)


def _relu(builder: Any, z: Any) -> Any:
    """max(z, 0), or NaN where z is NaN."""
    zero = constant(z.type, 0.0)
    return builder.select(builder.fcmp_ordered(">", zero, z), zero, z)


def _times_slope(builder: Any, mode: str, z: Any, h: Any) -> Any:
    """z times the derivative of the activation at the point where the activation is h."""
    if mode == "relu_slope":
        zero = constant(z.type, 0.0)
        return builder.select(builder.fcmp_ordered(">", h, zero), z, zero)
    return builder.fmul(z, emit_fma(builder, builder.fneg(h), h, constant(h.type, 1.0)))


def times_slope(mode: str) -> Any:
    """An intrinsic that multiplies ``features`` features of a panel by the derivative of the activation.

    ``mode`` is "relu_slope" or "tanh_slope". ``hidden`` are the values of the activation.
    """

    @intrinsic
    def function(typingctx: Any, hidden: Any, hidden_start: Any, features: Any, out: Any, out_start: Any) -> Any:
        signature = types.void(hidden, types.intp, types.intp, out, types.intp)

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            hidden, hidden_start, features, out, out_start = args
            h = Memory(context, builder, signature.args[0], hidden, hidden_start)
            y = Memory(context, builder, signature.args[3], out, out_start)

            def body(feature: Any, _: list[Any]) -> list[Any]:
                for v in range(REGISTERS):
                    at = builder.mul(builder.add(builder.mul(feature, INDEX(REGISTERS)), INDEX(v)), INDEX(y.lanes))
                    y.store(_times_slope(builder, mode, y.load(at), h.load(at)), at)
                return []

            loop(builder, features, [], body)
            return context.get_dummy_value()

        return signature, codegen

    return function


def product(columns: int, registers: int, mode: str) -> Any:
    """An intrinsic that computes ``columns`` features of a panel from the ``depth`` features of another.

    The accumulators are ``registers`` registers of each. REGISTERS is a multiple.
    out[j] = finish(initial[j] + Σ_k weights[k * k_stride + j * j_stride] * inputs[k]), summed in the order of k.
    ``mode`` sets the initial value and the last operation:

    - "linear", "relu", "tanh": initial[j] is the bias other[j]. The last operation is the activation.
    - "add": initial[j] is out[j]. There is no last operation, and ``other`` is not read.
    - "relu_slope", "tanh_slope": initial is 0. The last operation multiplies by the derivative of the activation at the
      point where the activation is other[j]. ``other`` is a panel with the layout of ``out``.
    """

    @intrinsic
    def function(
        typingctx: Any,
        weights: Any,
        w_start: Any,
        k_stride: Any,
        j_stride: Any,
        depth: Any,
        inputs: Any,
        in_start: Any,
        other: Any,
        other_start: Any,
        out: Any,
        out_start: Any,
    ) -> Any:
        integer = types.intp
        signature = types.void(
            weights, integer, integer, integer, integer, inputs, integer, other, integer, out, integer
        )

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            builder.function.attributes.add("noinline")  # otherwise each kernel compiles a copy of its own
            weights, w_start, k_stride, j_stride, depth, inputs, in_start, other, other_start, out, out_start = args
            types_ = signature.args
            w = Memory(context, builder, types_[0], weights, w_start)
            x = Memory(context, builder, types_[5], inputs, in_start)
            o = Memory(context, builder, types_[7], other, other_start)
            y = Memory(context, builder, types_[9], out, out_start)
            lanes, rows = y.lanes, REGISTERS * y.lanes
            cells = [(j, v) for j in range(columns) for v in range(registers)]
            zero = constant(y.vector, 0.0)
            offsets = [builder.mul(INDEX(j), j_stride) for j in range(columns)]

            def body(index: Any, _: list[Any]) -> list[Any]:
                strip = builder.mul(index, INDEX(registers * lanes))

                def offset(j: int, v: int) -> Any:
                    return builder.add(strip, INDEX(j * rows + v * lanes))

                if mode in ("linear", "relu", "tanh"):
                    initial = [o.scalar(INDEX(j)) for j, _ in cells]
                elif mode == "add":
                    initial = [y.load(offset(j, v)) for j, v in cells]
                else:
                    initial = [zero for _ in cells]
                results = _weighted_sums(builder, initial, w, k_stride, offsets, x, strip, depth, registers)
                for (j, v), z in zip(cells, results, strict=True):
                    if mode == "relu":
                        z = _relu(builder, z)
                    elif mode == "tanh":
                        z = emit_tanh(builder, z)
                    elif mode in ("relu_slope", "tanh_slope"):
                        z = _times_slope(builder, mode, z, o.load(offset(j, v)))
                    y.store(z, offset(j, v))
                return []

            loop(builder, INDEX(REGISTERS // registers), [], body)
            return context.get_dummy_value()

        return signature, codegen

    return function


UNROLLED = 4  # rows in one iteration; it divides the number of rows of a panel


@cache
def outer(features: int, registers: int) -> Any:
    """An intrinsic that adds products of the features of two panels to a tile of a matrix.

    out[i * stride + j] += Σ_r left[i * rows + r] * right[r * stride + j], summed in the order of the rows r. Here
    i < ``features``, and j counts the lanes of ``registers`` registers. The panel ``right`` is transposed.
    """

    @intrinsic
    def function(
        typingctx: Any, left: Any, left_start: Any, right: Any, right_start: Any, stride: Any, out: Any, out_start: Any
    ) -> Any:
        integer = types.intp
        signature = types.void(left, integer, right, integer, integer, out, integer)

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            builder.function.attributes.add("noinline")
            left, left_start, right, right_start, stride, out, out_start = args
            a = Memory(context, builder, signature.args[0], left, left_start)
            b = Memory(context, builder, signature.args[2], right, right_start)
            total = Memory(context, builder, signature.args[5], out, out_start)
            rows = REGISTERS * total.lanes
            cells = [(i, j) for i in range(features) for j in range(registers)]

            def body(index: Any, sums: list[Any]) -> list[Any]:
                first = builder.mul(index, INDEX(UNROLLED))
                for row in range(UNROLLED):
                    r = builder.add(first, INDEX(row))
                    base = builder.mul(r, stride)
                    vectors = [b.load(builder.add(base, INDEX(j * b.lanes))) for j in range(registers)]
                    scalars = [a.scalar(builder.add(r, INDEX(i * rows))) for i in range(features)]
                    sums = [emit_fma(builder, scalars[i], vectors[j], x) for (i, j), x in zip(cells, sums, strict=True)]
                return sums

            sums = loop(builder, INDEX(rows // UNROLLED), [constant(total.vector, 0.0)] * len(cells), body)
            for (i, j), x in zip(cells, sums, strict=True):
                place = builder.add(builder.mul(INDEX(i), stride), INDEX(j * total.lanes))
                total.store(builder.fadd(total.load(place), x), place)
            return context.get_dummy_value()

        return signature, codegen

    return function


@intrinsic
def copy(
    typingctx: Any, source: Any, first: Any, step: Any, count: Any, out_step: Any, out: Any, out_first: Any
) -> Any:
    """out[out_first + r * out_step] = source[first + r * step] for r < count (count >= 1)."""
    integer = types.intp
    signature = types.void(source, integer, integer, integer, integer, out, integer)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, first, step, count, out_step, out, out_first = args
        a = Memory(context, builder, signature.args[0], source, first)
        b = Memory(context, builder, signature.args[5], out, out_first)

        def body(r: Any, _: list[Any]) -> list[Any]:
            value = builder.load(builder.gep(a.pointer, [builder.mul(r, step)]))
            builder.store(value, builder.gep(b.pointer, [builder.mul(r, out_step)]))
            return []

        loop(builder, count, [], body)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def copy_registers(typingctx: Any, source: Any, first: Any, count: Any, out: Any, out_first: Any) -> Any:
    """out[out_first + l] = source[first + l] for the elements l of ``count`` registers."""
    signature = types.void(source, types.intp, types.intp, out, types.intp)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, first, count, out, out_first = args
        a = Memory(context, builder, signature.args[0], source, first)
        b = Memory(context, builder, signature.args[3], out, out_first)
        with cgutils.for_range(builder, count) as each:
            at = builder.mul(each.index, INDEX(a.lanes))
            b.store(a.load(at), at)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def prefetch(typingctx: Any, values: Any, first: Any, count: Any) -> Any:
    """Ask the processor for ``count`` elements of a flat array, which will be read soon. They may be beyond its end."""
    signature = types.void(values, types.intp, types.intp)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values, first, count = args
        a = Memory(context, builder, signature.args[0], values, first)
        number, byte = ir.IntType(32), ir.IntType(8).as_pointer()
        function_type = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, function_type, "llvm.prefetch.p0")
        line = INDEX(CACHE_LINE_BYTES // a.align)
        with cgutils.for_range(builder, builder.udiv(count, line)) as each:
            place = builder.bitcast(builder.gep(a.pointer, [builder.mul(each.index, line)]), byte)
            builder.call(function, [place, number(0), number(3), number(1)])  # a read, into all caches, of data
        return context.get_dummy_value()

    return signature, codegen


def _opaque(builder: Any, pointer: Any) -> Any:
    """The same pointer, but LLVM no longer sees how it is computed.

    In a loop with many loads, LLVM would advance one address for each of them. They do not fit into the registers.
    """
    return builder.asm(ir.FunctionType(pointer.type, [pointer.type]), "", "=r,0", [pointer], side_effect=False)


ROWS_AT_ONCE = 16  # in ``transpose_four``; the rows of a panel are a multiple


@intrinsic
def transpose_four(
    typingctx: Any, source: Any, first: Any, step: Any, groups: Any, out: Any, out_first: Any, out_step: Any
) -> Any:
    """out[out_first + i * out_step + r] = source[first + r * step + i] for i < 4 and r < ROWS_AT_ONCE * groups."""
    integer = types.intp
    signature = types.void(source, integer, integer, integer, out, integer, integer)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.function.attributes.add("noinline")  # its own registers: addresses fill them
        source, first, step, groups, out, out_first, out_step = args
        a = Memory(context, builder, signature.args[0], source, first)
        b = Memory(context, builder, signature.args[4], out, out_first)
        four, several = (ir.VectorType(a.vector.element, count) for count in (4, ROWS_AT_ONCE))

        def at(pointer: Any, offset: Any, vector: Any) -> Any:
            return builder.bitcast(builder.gep(pointer, [offset]), vector.as_pointer())

        def picked(x: Any, y: Any, lanes: list[int]) -> Any:
            return builder.shuffle_vector(x, y, ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes))

        def in_fours(x: Any, y: Any, lanes: list[int]) -> Any:
            """``lanes`` of each four of x, counted from 0, and of the same four of y, counted from 4."""
            fours = range(0, ROWS_AT_ONCE, 4)
            return picked(
                x, y, [four + (lane if lane < 4 else lane - 4 + ROWS_AT_ONCE) for four in fours for lane in lanes]
            )

        steps = [builder.mul(INDEX(i), step) for i in range(5)]
        out_steps = [builder.mul(INDEX(i), out_step) for i in range(4)]

        def body(_: Any, pointers: list[Any]) -> list[Any]:
            pointer, to = (_opaque(builder, pointer) for pointer in pointers)
            fours = [pointer]  # where rows 0, 4, 8, ... begin
            while 4 * len(fours) <= ROWS_AT_ONCE:
                fours.append(builder.gep(fours[-1], [steps[4]]))
            rows = []
            for i in range(4):  # rows i, i + 4, i + 8, ... side by side
                parts = [builder.load(at(four_rows, steps[i], four), align=a.align) for four_rows in fours[:-1]]
                while len(parts) > 1:
                    both = list(range(2 * parts[0].type.count))
                    parts = [picked(x, y, both) for x, y in zip(parts[::2], parts[1::2], strict=True)]
                rows += parts
            pairs = [in_fours(x, y, lanes) for x, y in (rows[:2], rows[2:]) for lanes in ([0, 4, 1, 5], [2, 6, 3, 7])]
            for i in range(4):
                low, high = pairs[i // 2], pairs[i // 2 + 2]
                column = in_fours(low, high, [0, 1, 4, 5] if i % 2 == 0 else [2, 3, 6, 7])
                builder.store(column, at(to, out_steps[i], several), align=b.align)
            return [fours[-1], builder.gep(to, [INDEX(ROWS_AT_ONCE)])]

        loop(builder, groups, [a.pointer, b.pointer], body)
        return context.get_dummy_value()

    return signature, codegen


def interleaved(builder: Any, a: Any, b: Any, unit: int) -> list[Any]:
    """Two registers: the units at even places of ``a`` and ``b`` in turn, and the units at odd places in turn.

    A unit is ``unit`` lanes. Each pair of places holds a matrix of 2 x 2 units, and this transposes it.
    """
    lanes = a.type.count
    halves = []
    for odd in (0, unit):
        picks = [
            source + pair + odd + e for pair in range(0, lanes, 2 * unit) for source in (0, lanes) for e in range(unit)
        ]
        halves.append(ir.Constant(ir.VectorType(ir.IntType(32), lanes), picks))
    return [builder.shuffle_vector(a, b, half) for half in halves]


@intrinsic
def transpose_panel(typingctx: Any, source: Any, first: Any, registers: Any, out: Any, out_first: Any) -> Any:
    """Transpose the features of a panel that fill ``registers`` registers (>= 1) to ``[rows, features]``."""
    signature = types.void(source, types.intp, types.intp, out, types.intp)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.function.attributes.add("noinline")
        source, first, registers, out, out_first = args
        a = Memory(context, builder, signature.args[0], source, first)
        b = Memory(context, builder, signature.args[3], out, out_first)
        lanes, rows = a.lanes, REGISTERS * a.lanes
        stride = builder.mul(registers, INDEX(lanes))

        def features(index: Any, _: list[Any]) -> list[Any]:
            feature = builder.mul(index, INDEX(lanes))
            top = builder.mul(feature, INDEX(rows))

            def square(index: Any, _: list[Any]) -> list[Any]:
                row = builder.mul(index, INDEX(lanes))
                here = builder.add(top, row)
                vectors = [a.load(builder.add(here, INDEX(i * rows))) for i in range(lanes)]
                unit = 1
                while unit < lanes:
                    for i in range(0, lanes):
                        if not i & unit:
                            vectors[i], vectors[i + unit] = interleaved(builder, vectors[i], vectors[i + unit], unit)
                    unit *= 2
                to = builder.add(builder.mul(row, stride), feature)
                for i, vector in enumerate(vectors):
                    b.store(vector, builder.add(to, builder.mul(INDEX(i), stride)))
                return []

            return loop(builder, INDEX(REGISTERS), [], square)

        loop(builder, registers, [], features)
        return context.get_dummy_value()

    return signature, codegen


LEFT_FEATURES = 4  # of ``add_lane_products`` at a time; the lanes of a vector are a multiple


@intrinsic
def add_lane_products(
    typingctx: Any, left: Any, left_start: Any, groups: Any, right: Any, right_start: Any, out: Any, out_start: Any
) -> Any:
    """out[i] += Σ_r left[i * rows + r] * right[r] for i < LEFT_FEATURES * ``groups`` (>= 1) and the rows r of a panel.

    Each lane of a vector adds its rows in order. Then ``sums_of_lanes`` adds the lanes.
    """
    integer = types.intp
    signature = types.void(left, integer, integer, right, integer, out, integer)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        left, left_start, groups, right, right_start, out, out_start = args
        a = Memory(context, builder, signature.args[0], left, left_start)
        b = Memory(context, builder, signature.args[3], right, right_start)
        total = Memory(context, builder, signature.args[5], out, out_start)
        lanes, rows = a.lanes, REGISTERS * a.lanes
        factors = [b.load(INDEX(v * lanes)) for v in range(REGISTERS)]

        def body(group: Any, _: list[Any]) -> list[Any]:
            first = builder.mul(group, INDEX(LEFT_FEATURES))
            top = builder.mul(first, INDEX(rows))
            sums = []
            for i in range(LEFT_FEATURES):
                parts = [constant(a.vector, 0.0)] * PARTS
                for v in range(REGISTERS):
                    value = a.load(builder.add(top, INDEX(i * rows + v * lanes)))
                    parts[v % PARTS] = emit_fma(builder, value, factors[v], parts[v % PARTS])
                sums.append(parts)
            for i, piece in enumerate(sums_of_lanes(builder, sums)):
                place = builder.gep(total.pointer, [builder.add(first, INDEX(i * piece.type.count))])
                place = builder.bitcast(place, piece.type.as_pointer())
                so_far = builder.load(place, align=total.align)
                builder.store(builder.fadd(so_far, piece), place, align=total.align)
            return []

        loop(builder, groups, [], body)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def add_panel(typingctx: Any, values: Any, first: Any, out: Any, out_first: Any) -> Any:
    """out[out_first + r] += values[first + r] for the rows r of one feature of a panel."""
    signature = types.void(values, types.intp, out, types.intp)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values, first, out, out_first = args
        a = Memory(context, builder, signature.args[0], values, first)
        b = Memory(context, builder, signature.args[2], out, out_first)
        for v in range(REGISTERS):
            at = INDEX(v * a.lanes)
            b.store(builder.fadd(b.load(at), a.load(at)), at)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def times_panel(typingctx: Any, values: Any, first: Any, features: Any, factors: Any, factors_first: Any) -> Any:
    """values[first + i * rows + r] *= factors[factors_first + r] for i < features and the rows r of a panel."""
    signature = types.void(values, types.intp, types.intp, factors, types.intp)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values, first, features, factors, factors_first = args
        x = Memory(context, builder, signature.args[0], values, first)
        e = Memory(context, builder, signature.args[3], factors, factors_first)
        by = [e.load(INDEX(v * x.lanes)) for v in range(REGISTERS)]

        def body(feature: Any, _: list[Any]) -> list[Any]:
            for v in range(REGISTERS):
                at = builder.add(builder.mul(feature, INDEX(REGISTERS * x.lanes)), INDEX(v * x.lanes))
                x.store(builder.fmul(x.load(at), by[v]), at)
            return []

        loop(builder, features, [], body)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def panel_errors(typingctx: Any, work: Any, outputs: Any, targets: Any, factor: Any, squares: Any) -> Any:
    """Replace a panel's targets by factor * (output - target). Add squared differences to ``squares``, in float64."""
    integer = types.intp
    signature = types.void(work, integer, integer, work.dtype, squares)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        work, outputs, targets, factor, squares = args
        y = Memory(context, builder, signature.args[0], work, outputs)
        t = Memory(context, builder, signature.args[0], work, targets)
        total = Memory(context, builder, signature.args[4], squares, INDEX(0))
        factors = splat(builder, factor, y.lanes)
        wide = ir.VectorType(ir.DoubleType(), y.lanes)
        for v in range(REGISTERS):
            at = INDEX(v * y.lanes)
            error = builder.fsub(y.load(at), t.load(at))
            t.store(builder.fmul(factors, error), at)
            square = builder.fmul(error, error)
            square = square if square.type == wide else builder.fpext(square, wide)
            place = builder.bitcast(builder.gep(total.pointer, [at]), wide.as_pointer())
            builder.store(builder.fadd(builder.load(place, align=8), square), place, align=8)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def fill(typingctx: Any, value: Any, count: Any, out: Any, first: Any) -> Any:
    """out[first + r] = value for r < count."""
    signature = types.void(types.intp, types.intp, out, types.intp)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value, count, out, first = args
        memory = Memory(context, builder, signature.args[2], out, first)
        number = builder.sitofp(value, memory.vector.element)
        with cgutils.for_range(builder, count) as each:
            builder.store(number, builder.gep(memory.pointer, [each.index]))
        return context.get_dummy_value()

    return signature, codegen


SUM_LANES = 32


def halves_added(builder: Any, vector: Any) -> Any:
    """The lower half of a vector plus its upper half."""
    lanes = vector.type.count // 2
    mask = ir.VectorType(ir.IntType(32), lanes)
    low, high = (
        builder.shuffle_vector(vector, vector, ir.Constant(mask, list(range(first, first + lanes))))
        for first in (0, lanes)
    )
    return builder.fadd(low, high)


def halve(builder: Any, vector: Any) -> Any:
    """The sum of a vector's lanes: halves are added until one lane is left."""
    while vector.type.count > 1:
        vector = halves_added(builder, vector)
    return builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))


def sums_of_lanes(builder: Any, rows: list[list[Any]]) -> list[Any]:
    """Sum the lanes of each row's vector, which is in PARTS registers. A result has 16 bytes, the sums of several rows.

    The order is the same on every processor. Within pieces of 16 bytes, neighbours are added pairwise. Then halves of
    the vector are added until one piece is left.
    """
    piece = 4 if rows[0][0].type.element == ir.FloatType() else 2
    results = []
    for first in range(0, len(rows), piece):
        parts = []
        for part in range(PARTS):
            vectors = [row[part] for row in rows[first : first + piece]]
            unit = 1
            while len(vectors) > 1:
                pairs = zip(vectors[::2], vectors[1::2], strict=True)
                vectors = [builder.fadd(*interleaved(builder, a, b, unit)) for a, b in pairs]
                unit *= 2
            parts += vectors
        while len(parts) > 1:
            half = len(parts) // 2
            parts = [builder.fadd(a, b) for a, b in zip(parts[:half], parts[half:], strict=True)]
        total = parts[0]
        while total.type.count > piece:
            total = halves_added(builder, total)
        results.append(total)
    return results


def _chunk_sums(squared: bool) -> Any:
    """An intrinsic that sums ``chunks`` (>= 1) times SUM_LANES values, or their squares, in float64.

    Each lane sums its values in the order of the chunks. Then ``halve`` adds the lanes. Squares are rounded to the type
    of the values before they are added.
    """

    @intrinsic
    def function(typingctx: Any, values: Any, start: Any, chunks: Any) -> Any:
        signature = types.float64(values, types.intp, types.intp)

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            values, start, chunks = args
            memory = Memory(context, builder, signature.args[0], values, start)
            real, wide = memory.vector.element, ir.VectorType(ir.DoubleType(), SUM_LANES)
            chunk = ir.VectorType(real, SUM_LANES).as_pointer()

            def body(index: Any, sums: list[Any]) -> list[Any]:
                place = builder.gep(memory.pointer, [builder.mul(index, INDEX(SUM_LANES))])
                value = builder.load(builder.bitcast(place, chunk), align=memory.align)
                value = builder.fmul(value, value) if squared else value
                value = value if real == ir.DoubleType() else builder.fpext(value, wide)
                return [builder.fadd(sums[0], value)]

            (total,) = loop(builder, chunks, [constant(wide, 0.0)], body)
            return halve(builder, total)

        return signature, codegen

    return function


_sum_chunks, _sum_square_chunks = _chunk_sums(squared=False), _chunk_sums(squared=True)


@inner
def sum_values(values: np.ndarray, start: int, count: int) -> float:
    """The sum of ``count`` values of a flat array. Its order depends only on ``count``."""
    chunks = count // SUM_LANES
    total = _sum_chunks(values, start, chunks) if chunks > 0 else 0.0
    for i in range(start + chunks * SUM_LANES, start + count):
        total += np.float64(values[i])
    return total


@inner
def sum_squares(values: np.ndarray, start: int, count: int) -> float:
    """The sum of the squares of ``count`` values of a flat array. Its order depends only on ``count``."""
    chunks = count // SUM_LANES
    total = _sum_square_chunks(values, start, chunks) if chunks > 0 else 0.0
    for i in range(start + chunks * SUM_LANES, start + count):
        total += np.float64(values[i] * values[i])
    return total
