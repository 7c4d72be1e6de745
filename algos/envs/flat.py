"""Flat observations that keep their original shape, for networks that need it."""

import numpy as np
from gymnasium import spaces


class FlatBox(spaces.Box):
    """A flattened Box. ``unflattened`` is the shape before, such as an image's."""

    def __init__(self, low: np.ndarray, high: np.ndarray, dtype: np.dtype, unflattened: tuple[int, ...]) -> None:
        super().__init__(low.ravel(), high.ravel(), dtype=dtype.type)
        self.unflattened = unflattened


def flat_box(space: spaces.Box) -> FlatBox:
    """``space`` flattened to one axis."""
    return FlatBox(space.low, space.high, space.dtype, space.shape)


def observation_shape(space: spaces.Space) -> tuple[int, ...]:
    """The shape of one observation before it was flattened, if that is known; otherwise its flat shape."""
    return space.unflattened if isinstance(space, FlatBox) else space.shape or ()
