"""Scores of curves: one number per seed, from values [S, T] on a grid x [T]."""

import numpy as np


def final(values: np.ndarray, k: int) -> np.ndarray:
    """Mean [S] over the last k points."""
    return values[..., -k:].mean(axis=-1)


def area_under_curve(values: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Trapezoidal area [S] divided by the length of x: the mean over training, in the units of the values."""
    if len(x) == 1:
        return values[..., 0]
    return np.trapezoid(values, x, axis=-1) / (x[-1] - x[0])


def best(values: np.ndarray) -> np.ndarray:
    """Highest value [S]."""
    return values.max(axis=-1)


def time_to_threshold(values: np.ndarray, x: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """([S], [S]): the first x at which a curve is at or above `threshold`, and whether it ever is.

    A seed that never reaches it is right-censored at the x of its last known value.
    """
    above = values >= threshold
    reached = np.asarray(above.any(axis=-1))
    last = values.shape[-1] - 1 - np.isfinite(values)[..., ::-1].argmax(axis=-1)
    return x[np.where(reached, above.argmax(axis=-1), last)], reached
