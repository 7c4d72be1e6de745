"""Settings with a number for each row of a process: several runs, each with its seeds, side by side.

A row is a (run, seed) pair; rows take the place of seeds on the axis S. A settings class says which of its numbers may
differ from row to row: ``learning_rate: PerRow[Rate]``. Where the runs of a process do differ, the number is a
:class:`Rows`; elsewhere it is a ``float`` as usual.
"""

import operator
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Annotated, Any, TypeVar

import numpy as np

T = TypeVar("T")

MAY_DIFFER = object()
"""In the annotation of a field: rows of one process may have different numbers there."""

PerRow = Annotated[T, MAY_DIFFER]
"""A setting that may be a :class:`Rows`: ``PerRow[Rate]``, or ``PerRow[Rate | None]`` where a row may have none.

The code that reads it calculates with it, and branches on nothing but whether it is None or zero.
"""


class Rows:
    """A number for every row, ``[S]`` float64. It gives each row the result that the row's number alone would give.

    An operation with another number makes a :class:`Rows`. With an array or a tensor ``[S, …]`` each row's number is
    applied to its row, rounded to the array's type, as Python's numbers are. Code may branch on whether the number is
    zero, because the rows of a process agree in that; it may branch on nothing else.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, values: Sequence[float] | np.ndarray) -> None:
        self.values = np.asarray(values, np.float64)
        self._aligned: dict[Any, Any] = {}

    def __repr__(self) -> str:
        return f"Rows({self.values.tolist()})"

    def __len__(self) -> int:
        return len(self.values)

    def __bool__(self) -> bool:
        zero = self.values == 0
        if zero.any() and not zero.all():
            raise ValueError("a setting is zero in some rows only; expected: in all or in none")
        return not bool(zero.any())

    def array(self, ndim: int, dtype: Any) -> np.ndarray:
        """The numbers as an array ``[S, 1, …]`` with ``ndim`` axes."""
        key = (ndim, np.dtype(dtype))
        if key not in self._aligned:
            self._aligned[key] = self.values.astype(dtype).reshape(-1, *[1] * (ndim - 1))
        aligned: np.ndarray = self._aligned[key]
        return aligned

    def tensor(self, ndim: int, dtype: Any, device: Any = "cpu") -> Any:
        """The numbers as a ``torch.Tensor`` ``[S, 1, …]`` with ``ndim`` axes."""
        import torch

        key = (ndim, dtype, str(device))
        if key not in self._aligned:
            shape = (-1, *[1] * (ndim - 1))
            self._aligned[key] = torch.from_numpy(self.values).to(dtype).reshape(shape).to(device)
        return self._aligned[key]

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        arrays = [each for each in inputs if isinstance(each, np.ndarray) and each.ndim]
        ndim = max((array.ndim for array in arrays), default=1)
        dtype = np.result_type(*arrays, 1.0) if arrays else np.float64
        aligned = [each.array(ndim, dtype) if isinstance(each, Rows) else each for each in inputs]
        result = getattr(ufunc, method)(*aligned, **kwargs)
        return result if arrays or result.dtype != np.float64 else Rows(result)

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        import torch

        given = [*args, *(kwargs or {}).values()]
        tensors = [each for each in given if isinstance(each, torch.Tensor)]
        if not tensors:
            raise TypeError(f"{function.__name__} of a setting that differs between rows; expected: a tensor beside it")
        ndim = max(tensor.ndim for tensor in tensors)
        floating = [tensor for tensor in tensors if tensor.is_floating_point()]
        dtype = torch.get_default_dtype()
        for number, tensor in enumerate(floating):
            dtype = torch.promote_types(dtype, tensor.dtype) if number else tensor.dtype
        device = tensors[0].device

        def aligned(each: Any) -> Any:
            return each.tensor(ndim, dtype, device) if isinstance(each, Rows) else each

        return function(*map(aligned, args), **{name: aligned(each) for name, each in (kwargs or {}).items()})

    def _calculated(self, other: Any, function: Callable[[Any, Any], Any]) -> Any:
        """The result of Python's arithmetic for each row. Arrays and tensors calculate by themselves."""
        if isinstance(other, Rows):
            return Rows([function(*pair) for pair in zip(self.values.tolist(), other.values.tolist(), strict=True)])
        if isinstance(other, int | float | np.generic):
            return Rows([function(value, other) for value in self.values.tolist()])
        if isinstance(other, np.ndarray):
            return function(self.array(other.ndim, np.result_type(other, 1.0)), other)
        if hasattr(other, "__torch_function__"):
            return self.__torch_function__(function, (), (self, other))
        return NotImplemented

    def _compared(self, other: Any, function: Callable[[Any, Any], Any]) -> Any:
        if isinstance(other, Rows | int | float):
            return function(self.values, other.values if isinstance(other, Rows) else other)
        return self._calculated(other, function)

    def __neg__(self) -> "Rows":
        return Rows(-self.values)

    def __abs__(self) -> "Rows":
        return Rows(abs(self.values))

    def __add__(self, other: Any) -> Any:
        return self._calculated(other, operator.add)

    def __radd__(self, other: Any) -> Any:
        return self._calculated(other, lambda a, b: b + a)

    def __sub__(self, other: Any) -> Any:
        return self._calculated(other, operator.sub)

    def __rsub__(self, other: Any) -> Any:
        return self._calculated(other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> Any:
        return self._calculated(other, operator.mul)

    def __rmul__(self, other: Any) -> Any:
        return self._calculated(other, lambda a, b: b * a)

    def __truediv__(self, other: Any) -> Any:
        if hasattr(other, "reciprocal"):  # what PyTorch makes of a number over a tensor
            return other.reciprocal() * self
        return self._calculated(other, operator.truediv)

    def __rtruediv__(self, other: Any) -> Any:
        return self._calculated(other, lambda a, b: b / a)

    def __pow__(self, other: Any) -> Any:
        return self._calculated(other, operator.pow)

    def __rpow__(self, other: Any) -> Any:
        return self._calculated(other, lambda a, b: b**a)

    def __lt__(self, other: Any) -> Any:
        return self._compared(other, operator.lt)

    def __le__(self, other: Any) -> Any:
        return self._compared(other, operator.le)

    def __gt__(self, other: Any) -> Any:
        return self._compared(other, operator.gt)

    def __ge__(self, other: Any) -> Any:
        return self._compared(other, operator.ge)

    def __eq__(self, other: Any) -> Any:
        return self._compared(other, operator.eq)

    def __ne__(self, other: Any) -> Any:
        return self._compared(other, operator.ne)


def per_seed(setting: PerRow[float], num_rows: int) -> np.ndarray:
    """The number of a setting in each row ``[S]``, float64, for a compiled loop."""
    return setting.values if isinstance(setting, Rows) else _repeated(setting, num_rows)


@lru_cache(maxsize=256)
def _repeated(number: float, count: int) -> np.ndarray:
    """The same array at each call. Nobody may change it; it saves an allocation at every step of a minibatch."""
    return np.full(count, number, np.float64)
