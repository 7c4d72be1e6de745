"""Tensors and settings as the arrays that kernels read, and the arrays that they fill.

NumPy makes and asks about small arrays in a tenth of PyTorch's time, which small minibatches notice.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

Setting = float | Tensor
"""A number, or a number for each seed ``[S]``."""


def as_array(tensor: Tensor) -> np.ndarray:
    """The tensor's memory, without its graph; a copy only where it is not contiguous."""
    return (tensor.detach() if tensor.requires_grad else tensor).contiguous().numpy()


def per_seed(setting: Setting, num_seeds: int) -> np.ndarray:
    """A setting of each seed ``[S]``, float64."""
    if isinstance(setting, Tensor):
        return setting.to(torch.float64).contiguous().numpy()
    return np.full(num_seeds, setting, np.float64)


def seeds_to_compute(like: Tensor, active: Tensor | None) -> np.ndarray:
    """Indices of the ``active`` ([S] bool; None: all) seeds of ``like [S, ...]``."""
    return np.arange(like.shape[0]) if active is None else active.numpy().nonzero()[0]


def results(shape: Sequence[int], dtype: np.dtype, seeds: np.ndarray) -> np.ndarray:
    """An array ``[S, ...]`` to fill for the ``seeds``; zeros where some of them will not be computed."""
    return (np.empty if len(seeds) == shape[0] else np.zeros)(shape, dtype)
