"""Arithmetic that rounds as Gymnasium's classic control tasks do."""

from numba import float64, njit


@njit(float64(float64), cache=True)
def libm_square(x: float) -> float:
    """x² by the C library's ``pow``, which NumPy uses for a scalar ``x ** 2``.

    About one result in a thousand differs from x·x in the last bit.
    """
    # With a constant exponent the compiler would replace the call by x·x.
    return x ** (2.0 + 0.0 * x)
