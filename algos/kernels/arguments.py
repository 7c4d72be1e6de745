"""Tensors as the arrays that kernels read and fill."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def as_array(tensor: Tensor) -> np.ndarray:
    """The tensor's memory, without its graph; a copy only where it is not contiguous."""
    return tensor.detach().contiguous().numpy()


def seeds_to_compute(like: Tensor, active: Tensor | None) -> np.ndarray:
    """Indices of the ``active`` ([S] bool; None: all) seeds of ``like [S, ...]``."""
    return np.arange(like.shape[0]) if active is None else np.flatnonzero(active.numpy())


def results(shape: Sequence[int], like: Tensor, active: Tensor | None) -> Tensor:
    """A tensor to fill, of the dtype of ``like``; zeros where some seeds will not be computed."""
    complete = active is None or bool(active.all())
    return (torch.empty if complete else torch.zeros)(shape, dtype=like.dtype)
