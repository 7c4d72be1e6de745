"""Tensors and settings as the arrays that kernels read, and the arrays that they fill.

NumPy makes and asks about small arrays in a tenth of PyTorch's time, which small minibatches notice.
"""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from algos.per_row import PerRow, per_seed

__all__ = ["Setting", "as_array", "per_seed", "results", "seeds_to_compute"]

Setting = PerRow[float]
"""A number, or a number for each seed."""


def as_array(tensor: Tensor) -> np.ndarray:
    """The tensor's memory, without its graph; a copy only where it is not contiguous."""
    return (tensor.detach() if tensor.requires_grad else tensor).contiguous().numpy()


def seeds_to_compute(like: Tensor, active: Tensor | None) -> np.ndarray:
    """Indices of the ``active`` ([S] bool; None: all) seeds of ``like [S, ...]``."""
    return np.arange(like.shape[0]) if active is None else active.numpy().nonzero()[0]


def results(shape: Sequence[int], dtype: np.dtype, seeds: np.ndarray) -> np.ndarray:
    """An array ``[S, ...]`` to fill for the ``seeds``; zeros where some of them will not be computed."""
    return (np.empty if len(seeds) == shape[0] else np.zeros)(shape, dtype)
