"""exp, log and tanh for compiled loops: LLVM vectorises them, and every loop and lane gives the same bits.

LLVM cannot vectorise calls of the C library unless Intel's SVML is installed. The ``emit_`` functions emit the
arithmetic for a float or for a vector of floats; ``exp``, ``log`` and ``tanh`` are the scalar forms for Numba loops.
Errors are below 1.5 units in the last place; those of tanh are below 2.5 in float64, and 5.5 in float32. NaN stays NaN.
"""

import math
from collections.abc import Callable, Sequence
from math import factorial
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from algos.kernels.inner import inner
from algos.kernels.parallel import for_each


class _Format(NamedTuple):
    suffix: str
    integer: ir.IntType
    mantissa_bits: int
    bias: int
    exp_degree: int  # of the series of exp within ±log(2)/2; the next term is below half a unit in the last place
    log_degree: int  # of the series of atanh(s)/s in s² for |s| < 0.172, in the same way
    log2_high: float  # log(2) in this format
    log2_low: float  # log(2) - log2_high
    tanh_is_one: float  # where emit_tanh gives 1; beyond, tanh is taken to be 1


_SINGLE_LOG2 = float(np.float32(math.log(2)))
_FORMATS = {
    ir.FloatType(): _Format("f32", ir.IntType(32), 23, 127, 7, 5, _SINGLE_LOG2, math.log(2) - _SINGLE_LOG2, 8.1996975),
    ir.DoubleType(): _Format("f64", ir.IntType(64), 52, 1023, 13, 11, math.log(2), 2.319046813846299e-17, 20.0),
}


def _format(value: Any) -> _Format:
    return _FORMATS[value.type.element if isinstance(value.type, ir.VectorType) else value.type]


def _bits_type(value: Any) -> Any:
    integer = _format(value).integer
    return ir.VectorType(integer, value.type.count) if isinstance(value.type, ir.VectorType) else integer


def constant(type_: Any, number: float) -> Any:
    """A constant of a scalar type, or of a vector type with ``number`` in all lanes."""
    return ir.Constant(type_, [number] * type_.count if isinstance(type_, ir.VectorType) else number)


def emit_fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once."""
    lanes = f"v{a.type.count}" if isinstance(a.type, ir.VectorType) else ""
    function_type = ir.FunctionType(a.type, [a.type] * 3)
    function = cgutils.get_or_insert_function(builder.module, function_type, f"llvm.fma.{lanes}{_format(a).suffix}")
    return builder.call(function, (a, b, c))


def _at_most(builder: Any, x: Any, bound: Any) -> Any:
    """The smaller of both; NaN if x is NaN."""
    return builder.select(builder.fcmp_ordered(">", x, bound), bound, x)


def _at_least(builder: Any, x: Any, bound: Any) -> Any:
    """The larger of both; NaN if x is NaN."""
    return builder.select(builder.fcmp_ordered("<", x, bound), bound, x)


def _polynomial(builder: Any, x: Any, coefficients: Sequence[float]) -> Any:
    """Σ_k coefficients[k] x**k."""
    *lower, result = (constant(x.type, number) for number in coefficients)
    for number in reversed(lower):
        result = emit_fma(builder, result, x, number)
    return result


def _expm1_parts(builder: Any, x: Any, halvings: int) -> tuple[Any, Any]:
    """(p, s) with exp(x) = s * (1 + p) * 2**halvings. s is a power of two, p is expm1 of the rest, within ±log(2)/2.

    Range reduction and Taylor series (Muller, Elementary Functions, 2016, chapter 11).
    """
    fmt = _format(x)

    def number(value: float) -> Any:
        return constant(x.type, value)

    # Adding 1.5 * 2**mantissa_bits puts the nearest integer to x / log(2) into the low bits.
    magic = number(1.5 * 2.0**fmt.mantissa_bits)
    shifted = emit_fma(builder, x, number(1 / math.log(2)), magic)
    minus_count = builder.fsub(magic, shifted)
    rest = emit_fma(builder, minus_count, number(fmt.log2_high), x)
    rest = emit_fma(builder, minus_count, number(fmt.log2_low), rest)
    series = _polynomial(builder, rest, [1 / factorial(k) for k in range(2, fmt.exp_degree + 1)])
    p = emit_fma(builder, builder.fmul(rest, rest), series, rest)
    bits = _bits_type(x)
    exponent = builder.shl(builder.bitcast(shifted, bits), constant(bits, fmt.mantissa_bits))
    one_over = constant(bits, (fmt.bias - halvings) << fmt.mantissa_bits)
    return p, builder.bitcast(builder.add(exponent, one_over), x.type)


def emit_exp(builder: Any, x: Any) -> Any:
    """exp(x); 0 if the result would be below twice the smallest normal number."""
    fmt = _format(x)
    overflow, underflow = constant(x.type, (fmt.bias + 1) * math.log(2)), constant(x.type, (2 - fmt.bias) * math.log(2))
    p, scale = _expm1_parts(builder, x, halvings=1)
    result = builder.fmul(emit_fma(builder, scale, p, scale), constant(x.type, 2.0))
    result = builder.select(builder.fcmp_ordered(">", x, overflow), constant(x.type, float("inf")), result)
    return builder.select(builder.fcmp_ordered("<", x, underflow), constant(x.type, 0.0), result)


def emit_log(builder: Any, x: Any) -> Any:
    """log(x) = count log(2) + 2 atanh((m - 1) / (m + 1)), 1/√2 ≤ m < √2, for normal x > 0, infinity or NaN."""
    fmt, bits = _format(x), _bits_type(x)
    half_root = np.array(0.5**0.5, f"f{fmt.integer.width // 8}").view(f"i{fmt.integer.width // 8}").item()
    pattern = builder.bitcast(x, bits)
    above = builder.sub(pattern, constant(bits, half_root))
    count = builder.ashr(above, constant(bits, fmt.mantissa_bits))
    m = builder.bitcast(builder.sub(pattern, builder.shl(count, constant(bits, fmt.mantissa_bits))), x.type)
    one = constant(x.type, 1.0)
    less = builder.fsub(m, one)
    s = builder.fdiv(less, builder.fadd(m, one))
    square = builder.fmul(s, s)
    series = _polynomial(builder, square, [2 / (2 * k + 1) for k in range(1, fmt.log_degree + 1)])
    # 2 s = less - s * less, so the leading term has no error of the division.
    rest = builder.fmul(s, builder.fsub(builder.fmul(series, square), less))
    count = builder.sitofp(count, x.type)
    small = emit_fma(builder, count, constant(x.type, fmt.log2_low), rest)
    result = emit_fma(builder, count, constant(x.type, fmt.log2_high), builder.fadd(less, small))
    finite = builder.fcmp_ordered("<", x, constant(x.type, float("inf")))
    return builder.select(finite, result, x)


# tanh(x) / x in x² for |x| < 9.02, in float32: the quotient of polynomials of degree 4 with the smallest largest
# relative error, which is 2e-8.
_TANH_NUMERATOR = 1.0, 1.3379674e-1, 3.4939807e-3, 2.0582580e-5, 1.3317821e-8
_TANH_DENOMINATOR = 1.0, 4.6712989e-1, 2.5870871e-2, 3.2830040e-4, 7.7615067e-7


def emit_tanh(builder: Any, x: Any) -> Any:
    """tanh(x), with the sign of x: a rational function in float32, m / (m + 2) with m = expm1(2 |x|) in float64."""
    bound = constant(x.type, _format(x).tanh_is_one)
    if _format(x).integer.width == 32:
        x = _at_least(builder, _at_most(builder, x, bound), builder.fneg(bound))
        square = builder.fmul(x, x)
        above = builder.fmul(x, _polynomial(builder, square, _TANH_NUMERATOR))
        return builder.fdiv(above, _polynomial(builder, square, _TANH_DENOMINATOR))
    bits = _bits_type(x)
    sign = builder.and_(builder.bitcast(x, bits), constant(bits, 1 << 63))
    size = builder.bitcast(builder.and_(builder.bitcast(x, bits), constant(bits, (1 << 63) - 1)), x.type)
    size = _at_most(builder, size, bound)
    p, scale = _expm1_parts(builder, builder.fadd(size, size), halvings=0)
    expm1 = emit_fma(builder, scale, p, builder.fsub(scale, constant(x.type, 1.0)))
    ratio = builder.fdiv(expm1, builder.fadd(expm1, constant(x.type, 2.0)))
    return builder.bitcast(builder.or_(builder.bitcast(ratio, bits), sign), x.type)


def _scalar(emit: Callable[[Any, Any], Any]) -> Any:
    @intrinsic
    def function(typingctx: Any, x: Any) -> Any:
        if not isinstance(x, types.Float):
            return None
        return x(x), lambda context, builder, signature, args: emit(builder, args[0])

    return function


exp = _scalar(emit_exp)
log = _scalar(emit_log)
tanh = _scalar(emit_tanh)

CHUNK = 8192


def _each(function: Any) -> Any:
    """Fill one chunk of ``out`` with ``function`` of the same chunk of ``x``."""

    @inner
    def each(chunk: int, x: np.ndarray, out: np.ndarray) -> None:
        for i in range(chunk * CHUNK, min(x.size, (chunk + 1) * CHUNK)):
            out[i] = function(x[i])

    return each


_exp_chunk, _log_chunk, _tanh_chunk = _each(exp), _each(log), _each(tanh)


# Three functions, not one with a closure: Numba does not cache functions that close over another function.


@njit(cache=True, nogil=True)
def each_exp(x: np.ndarray, out: np.ndarray) -> None:
    """Fill the flat array ``out`` with exp(``x``)."""
    for_each(-(-x.size // CHUNK), _exp_chunk, (x, out))


@njit(cache=True, nogil=True)
def each_log(x: np.ndarray, out: np.ndarray) -> None:
    """Fill the flat array ``out`` with log(``x``)."""
    for_each(-(-x.size // CHUNK), _log_chunk, (x, out))


@njit(cache=True, nogil=True)
def each_tanh(x: np.ndarray, out: np.ndarray) -> None:
    """Fill the flat array ``out`` with tanh(``x``)."""
    for_each(-(-x.size // CHUNK), _tanh_chunk, (x, out))
