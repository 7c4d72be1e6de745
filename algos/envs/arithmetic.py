"""Compiled arithmetic that rounds as Gymnasium's classic control does."""

from numba import float64, njit


@njit(float64(float64), cache=True)
def libm_square(x: float) -> float:
    """x² by the C library's ``pow``, as NumPy's scalar ``x ** 2`` computes it: about one result in a thousand differs
    from x·x in the last bit. The exponent is not a constant, or the compiler would turn the call into x·x.
    """
    return x ** (2.0 + 0.0 * x)
