"""The arrays that kernels read, from tensors and settings, and the arrays that they fill.

NumPy handles small arrays in a tenth of PyTorch's time, which matters for small minibatches.
"""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from algos.per_row import PerRow, per_seed

__all__ = ["Setting", "as_array", "per_seed", "results", "seeds_to_compute"]

Setting = PerRow[float]
"""A number, or a number for each seed."""


def as_array(tensor: Tensor) -> np.ndarray:
    """The tensor as an array without a graph. It shares the tensor's memory if that is contiguous."""
    return (tensor.detach() if tensor.requires_grad else tensor).contiguous().numpy()


def seeds_to_compute(like: Tensor, active: Tensor | None) -> np.ndarray:
    """Indices of the ``active [S]`` seeds; all seeds of ``like [S, ...]`` if that is None."""
    return np.arange(like.shape[0]) if active is None else active.numpy().nonzero()[0]


def results(shape: Sequence[int], dtype: np.dtype, seeds: np.ndarray) -> np.ndarray:
    """An array ``[S, ...]`` to fill for the ``seeds``. The rows of other seeds are zero."""
    return (np.empty if len(seeds) == shape[0] else np.zeros)(shape, dtype)
