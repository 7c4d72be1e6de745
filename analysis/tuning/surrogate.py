"""A smooth model of the score over a search space: Gaussian-process regression on the trials, with a fixed form.

Settings are points of the unit cube, in which they were drawn uniformly. Choices without an order are equally far from
each other.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.tuning.space import Categorical, Distribution

LENGTHS = (0.2, 0.4, 0.8, 1.6, 6.4)
NOISES = (0.01, 0.03, 0.1, 0.3, 1.0)
ROUNDS = 2


def unit_cube(settings: pd.DataFrame, space: Mapping[str, Distribution]) -> np.ndarray:
    """Points [n, D] of the trials' settings in [0, 1]^D, settings in the order of the space."""
    return np.array([[space[key].unit(value) for key, value in zip(space, row, strict=True)] for row in rows(settings)])


def rows(settings: pd.DataFrame) -> list[list[object]]:
    """The values of a table as Python's own. Whole numbers stay whole."""
    return [
        [value.item() if isinstance(value, np.generic) else value for value in row]
        for row in settings.to_numpy(dtype=object)
    ]


def unordered(space: Mapping[str, Distribution]) -> np.ndarray:
    """Which [D] settings are choices without an order: those that are not all numbers."""
    return np.array(
        [
            isinstance(each, Categorical)
            and not all(isinstance(choice, int | float) and not isinstance(choice, bool) for choice in each.choices)
            for each in space.values()
        ]
    )


@dataclass(frozen=True)
class Surrogate:
    """A fitted model.

    `skill` is the share of the variance of left-out trials that it explains (R² by leave-one-out): at most 1, and below
    0 where the model is of no use.
    """

    points: np.ndarray
    weights: np.ndarray
    centre: float
    lengths: np.ndarray
    nominal: np.ndarray
    skill: float

    def predict(self, points: np.ndarray) -> np.ndarray:
        """Predicted score [m] at each of `points` [m, D]."""
        return np.asarray(self.centre + kernel(points, self.points, self.lengths, self.nominal) @ self.weights)


def kernel(a: np.ndarray, b: np.ndarray, lengths: np.ndarray, nominal: np.ndarray) -> np.ndarray:
    """Kernel [m, n]: exp(-½ Σ d²/length²). Between choices without an order, d is 0 or 1."""
    apart = a[:, None, :] - b[None, :, :]
    apart = np.where(nominal, apart != 0, apart)
    return np.asarray(np.exp(-0.5 * ((apart / lengths) ** 2).sum(axis=-1)))


def fit(points: np.ndarray, scores: np.ndarray, nominal: np.ndarray) -> Surrogate:
    """The model of scores [n] at points [n, D] whose lengths and noise predict left-out trials best."""
    centre = float(scores.mean())
    centred = scores - centre
    total = float((centred**2).sum())
    dims = points.shape[1]
    candidates = [(np.full(dims, length), noise) for length in LENGTHS for noise in NOISES]
    best = min(candidates, key=lambda each: left_out(points, centred, each[0], each[1], nominal))
    for _, d in itertools.product(range(ROUNDS), range(dims)):  # then each setting's own length
        tried = []
        for length in LENGTHS:
            lengths = best[0].copy()
            lengths[d] = length
            tried.append((lengths, best[1]))
        best = min([best, *tried], key=lambda each: left_out(points, centred, each[0], each[1], nominal))
    lengths, noise = best
    gram = kernel(points, points, lengths, nominal) + noise * np.eye(len(points))
    error = left_out(points, centred, lengths, noise, nominal)
    skill = 1 - error / total if total > 0 else 0.0
    return Surrogate(points, np.linalg.solve(gram, centred), centre, lengths, nominal, skill)


def left_out(points: np.ndarray, centred: np.ndarray, lengths: np.ndarray, noise: float, nominal: np.ndarray) -> float:
    """Sum of squared errors at each trial, predicted from all others (Rasmussen and Williams 2006, eq. 5.12)."""
    inverse = np.linalg.inv(kernel(points, points, lengths, nominal) + noise * np.eye(len(points)))
    return float((((inverse @ centred) / np.diag(inverse)) ** 2).sum())
