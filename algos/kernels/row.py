"""The outputs of a network for one row. A rollout needs them one by one, because an action waits for the step before.

A hidden unit adds its inputs in order by fused multiply-adds, and one lane holds one unit. The output layer has few
units, so there one lane holds one input (see ``dot``). The bits are the same on every processor.
"""

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types

from algos.kernels.elementary import constant, emit_fma, tanh
from algos.kernels.inner import inner
from algos.kernels.intrinsics import INDEX, VECTOR_BYTES, halve, intrinsic, loop, padded, splat

Array = np.ndarray

VECTORS = 4  # vectors of units that are computed together


class _Row:
    """Loads and stores of scalars and of vectors of ``lanes`` elements of a flat array."""

    def __init__(self, context: Any, builder: Any, array_type: Any, array: Any) -> None:
        self.builder = builder
        self.pointer = context.make_array(array_type)(context, builder, array).data
        self.align = array_type.dtype.bitwidth // 8
        self.lanes = VECTOR_BYTES // self.align
        self.vector = ir.VectorType(context.get_data_type(array_type.dtype), self.lanes)

    def scalar(self, index: Any) -> Any:
        """The element at ``index``, in all lanes."""
        return splat(self.builder, self.builder.load(self.builder.gep(self.pointer, [index])), self.lanes)

    def _at(self, index: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(self.pointer, [index]), self.vector.as_pointer())

    def load(self, index: Any) -> Any:
        return self.builder.load(self._at(index), align=self.align)

    def store(self, value: Any, index: Any) -> None:
        self.builder.store(value, self._at(index), align=self.align)


def _units(vectors: int) -> Any:
    """An intrinsic that computes ``vectors`` vectors of units for the inputs x.

    out[first + l] = params[biases + l] + Σ_i x[i] * params[weights + i * width + l] for their lanes l, with
    i < ``depth``.
    """

    @intrinsic
    def function(
        typingctx: Any, params: Any, weights: Any, biases: Any, depth: Any, width: Any, x: Any, out: Any, first: Any
    ) -> Any:
        integer = types.intp
        signature = types.void(params, integer, integer, integer, integer, x, out, integer)

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            params, weights, biases, depth, width, x, out, first = args
            w = _Row(context, builder, signature.args[0], params)
            inputs = _Row(context, builder, signature.args[5], x)
            outputs = _Row(context, builder, signature.args[6], out)
            places = [INDEX(v * w.lanes) for v in range(vectors)]

            def body(i: Any, sums: list[Any]) -> list[Any]:
                row, value = builder.add(weights, builder.mul(i, width)), inputs.scalar(i)
                return [
                    emit_fma(builder, value, w.load(builder.add(row, place)), total)
                    for place, total in zip(places, sums, strict=True)
                ]

            sums = loop(builder, depth, [w.load(builder.add(biases, place)) for place in places], body)
            for place, total in zip(places, sums, strict=True):
                outputs.store(total, builder.add(first, place))
            return context.get_dummy_value()

        return signature, codegen

    return function


_several, _one = _units(VECTORS), _units(1)


@intrinsic
def _fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once, for three floats of one type."""
    return c(c, c, c), lambda context, builder, signature, args: emit_fma(builder, *args)


@intrinsic
def dot(typingctx: Any, x: Any, weights: Any, first: Any, chunks: Any) -> Any:
    """Σ_i x[i] * weights[first + i] over ``chunks`` (>= 1) vectors. ``halve`` adds the sums of the lanes."""
    signature = x.dtype(x, weights, types.intp, types.intp)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x, weights, first, chunks = args
        a, b = _Row(context, builder, signature.args[0], x), _Row(context, builder, signature.args[1], weights)

        def body(chunk: Any, sums: list[Any]) -> list[Any]:
            place = builder.mul(chunk, INDEX(a.lanes))
            return [emit_fma(builder, a.load(place), b.load(builder.add(first, place)), sums[0])]

        (total,) = loop(builder, chunks, [constant(a.vector, 0.0)], body)
        return halve(builder, total)

    return signature, codegen


@inner
def widest_layer(sizes: Array, params: Array) -> int:
    """The size of the widest layer, rounded up to whole vectors."""
    width = 0
    for size in sizes:
        width = max(width, size)
    return padded(width, params)


@inner
def _layer(params: Array, start: int, depth: int, width: int, x: Array, out: Array) -> None:
    """out[:width] = biases + x[:depth] @ weights. The layer's parameters begin at ``params[start]``."""
    lanes = VECTOR_BYTES // params.itemsize
    biases = start + depth * width
    j = 0
    while j + VECTORS * lanes <= width:
        _several(params, start + j, biases + j, depth, width, x, out, j)
        j += VECTORS * lanes
    while j < width and width >= lanes:
        j = min(j, width - lanes)  # the last vector may overlap the one before it
        _one(params, start + j, biases + j, depth, width, x, out, j)
        j += lanes
    for k in range(j, width):
        total = params[biases + k]
        for i in range(depth):
            total = _fma(x[i], params[start + i * width + k], total)
        out[k] = total


@inner
def _activate(values: Array, count: int, hyperbolic: bool) -> None:
    """Apply tanh or ReLU in place. NaN stays NaN."""
    if hyperbolic:
        for j in range(count):
            values[j] = tanh(values[j])
    else:
        for j in range(count):
            values[j] = 0 if values[j] < 0 else values[j]


@njit(cache=True)
def transposed_outputs(params: Array, sizes: Array) -> Array:
    """The last layer's weights as a flat ``[outputs, inputs]``, with each row padded by zeros to whole vectors."""
    fan_in, fan_out = sizes[-2], sizes[-1]
    stride = padded(fan_in, params)
    weights = np.zeros(fan_out * stride, params.dtype)
    first = params.size - (fan_in + 1) * fan_out
    for i in range(fan_in):
        for k in range(fan_out):
            weights[k * stride + i] = params[first + i * fan_out + k]
    return weights


@inner
def row_outputs(params: Array, sizes: Array, hyperbolic: bool, output_weights: Array, x: Array, other: Array) -> Array:
    """The outputs of one network for the input in ``x``.

    ``x`` and ``other`` have room for the widest layer, padded. The result is one of the two. ``output_weights`` come
    from :func:`transposed_outputs`.
    """
    start = 0
    for layer in range(sizes.size - 2):
        depth, width = sizes[layer], sizes[layer + 1]
        _layer(params, start, depth, width, x, other)
        _activate(other, width, hyperbolic)
        start += (depth + 1) * width
        x, other = other, x
    depth = sizes[-2]
    stride = padded(depth, params)
    for i in range(depth, stride):
        x[i] = 0
    biases = params.size - sizes[-1]
    for k in range(sizes[-1]):
        other[k] = params[biases + k] + dot(x, output_weights, k * stride, stride * x.itemsize // VECTOR_BYTES)
    return other
