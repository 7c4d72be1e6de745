"""Flat observations that remember their shape, for networks to which it matters."""

import numpy as np
from gymnasium import spaces


class FlatBox(spaces.Box):
    """A Box of one axis, whose values in this order are those of a Box of ``unflattened`` shape, an image's say."""

    def __init__(self, low: np.ndarray, high: np.ndarray, dtype: np.dtype, unflattened: tuple[int, ...]) -> None:
        super().__init__(low.ravel(), high.ravel(), dtype=dtype.type)
        self.unflattened = unflattened


def flat_box(space: spaces.Box) -> FlatBox:
    """``space`` flattened."""
    return FlatBox(space.low, space.high, space.dtype, space.shape)


def observation_shape(space: spaces.Space) -> tuple[int, ...]:
    """The shape of a flat observation before it was flattened, so far as that is known."""
    return space.unflattened if isinstance(space, FlatBox) else space.shape or ()
