"""One number per seed, from curves [S, T] on a grid x [T]."""

import numpy as np


def final(values: np.ndarray, k: int) -> np.ndarray:
    """[S], the mean over the last k points."""
    return values[..., -k:].mean(axis=-1)


def area_under_curve(values: np.ndarray, x: np.ndarray) -> np.ndarray:
    """[S], the trapezoidal area divided by the length of x: the mean over training, in units of the values."""
    if len(x) == 1:
        return values[..., 0]
    return np.trapezoid(values, x, axis=-1) / (x[-1] - x[0])


def best(values: np.ndarray) -> np.ndarray:
    """[S], the highest value."""
    return values.max(axis=-1)


def time_to_threshold(values: np.ndarray, x: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """([S], [S]): the first x at which a curve is at or above `threshold`, and whether it ever was.

    Where it never was, the time is that of the seed's last known value: right-censored there.
    """
    above = values >= threshold
    reached = np.asarray(above.any(axis=-1))
    last = values.shape[-1] - 1 - np.isfinite(values)[..., ::-1].argmax(axis=-1)
    return x[np.where(reached, above.argmax(axis=-1), last)], reached
