"""Compiles one unit of work by itself, for the parallel loop over such units to call by its address.

What a parallel loop calls directly Numba links, optimises and emits four times over; most of a first start was spent
on that. The address is a number: that the function has the right type is checked as the loop is compiled, not anew at
each call from Python, which took longer than a small minibatch.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import cfunc, from_dtype, types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic


class Addressed:
    """A function whose ``signature`` depends on the dtype of its first array."""

    def __init__(self, function: Callable[..., None], signature: Callable[[Any], Any]) -> None:
        self.call = _caller(signature)
        """In compiled code, where it returns nothing: ``call(address, (argument, ...))``."""

        self.compiled = cache(lambda dtype: cfunc(signature(from_dtype(dtype)), cache=True)(function))
        """The function for floats of a dtype; compiled when it is first asked for."""

    def address(self, dtype: np.dtype) -> Any:
        """Where the code for floats of this dtype is."""
        return self.compiled(dtype).address


def called_by_address(signature: Callable[[Any], Any]) -> Callable[[Callable[..., None]], Addressed]:
    """Decorates a function whose signature depends on the dtype of its first array."""
    return lambda function: Addressed(function, signature)


def _caller(signature: Callable[[Any], Any]) -> Any:
    @intrinsic
    def call(typingctx: Any, address: Any, arguments: Any) -> Any:
        real = next(argument.dtype for argument in arguments if isinstance(argument, types.Array))
        expected = signature(real).args
        if tuple(arguments) != tuple(expected):
            raise TypingError(f"called with {tuple(arguments)}, declared as {tuple(expected)}")

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer, values = args
            value_types = [context.get_value_type(type_) for type_ in signature.args[1]]
            function_type = ir.FunctionType(context.get_value_type(types.void), value_types)
            function = builder.inttoptr(pointer, function_type.as_pointer())
            builder.call(function, cgutils.unpack_tuple(builder, values))
            return context.get_dummy_value()

        return types.void(types.intp, arguments), codegen

    return call
