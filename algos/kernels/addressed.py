"""Compiles one unit of work by itself, for the parallel loop over such units to call by its address.

What a parallel loop calls directly Numba links, optimises and emits four times over; most of a first start was spent
on that.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import cfunc, from_dtype


def called_by_address(signature: Callable[[Any], Any]) -> Callable[[Callable[..., None]], Callable[[np.dtype], Any]]:
    """Decorates a function whose signature depends on the dtype of its floats: given that dtype, it is compiled."""

    def decorate(function: Callable[..., None]) -> Callable[[np.dtype], Any]:
        @cache
        def compiled(dtype: np.dtype) -> Any:
            return cfunc(signature(from_dtype(dtype)), cache=True)(function)

        return compiled

    return decorate
