"""Importance of settings: by a model of the score over the space, and by ranks, which need no model."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from scipy import stats

from analysis.tuning.space import Distribution
from analysis.tuning.surrogate import fit, unit_cube, unordered

Predict = Callable[[np.ndarray], np.ndarray]

POINTS = 512
GRID = 16
LEAST_SKILL = 0.1
"""A model that explains less of left-out trials says nothing about importance."""


def importance(settings: pd.DataFrame, scores: np.ndarray, space: Mapping[str, Distribution]) -> pd.DataFrame:
    """One row per setting: how much of the score it explains.

    Columns: `share`, the share of the score's variance over the space that the setting's main effect explains;
    `interaction`, the share that it explains only together with others; `skill` of the model (Surrogate); `correlation`
    (Spearman's, of score and setting) and its `p`, NaN for settings without an order.

    Main and total effects are Sobol's indices of the surrogate, as in functional ANOVA (Hutter et al. 2014). They are
    NaN where the model explains too little. `scores`: higher is better.
    """
    points, nominal = unit_cube(settings, space), unordered(space)
    model = fit(points, scores, nominal)
    share, total = effects(model.predict, space)
    known = model.skill >= LEAST_SKILL
    table = []
    for d, key in enumerate(space):
        ordered = len(np.unique(points[:, d])) > 1 and len(np.unique(scores)) > 1 and not nominal[d]
        rho, p = stats.spearmanr(points[:, d], scores) if ordered else (np.nan, np.nan)
        table.append(
            {
                "setting": key,
                "share": share[d] if known else np.nan,
                "interaction": max(total[d] - share[d], 0.0) if known else np.nan,
                "skill": model.skill,
                "correlation": rho,
                "p": p,
            }
        )
    return pd.DataFrame(table)


def effects(predict: Predict, space: Mapping[str, Distribution]) -> tuple[np.ndarray, np.ndarray]:
    """Main and total effects ([D], [D]) of each setting, as shares of the variance of `predict` over the space."""
    rng = np.random.default_rng(0)
    base = stats.qmc.Sobol(len(space), seed=rng).random(POINTS)
    base = np.stack([snapped(base[:, d], each) for d, each in enumerate(space.values())], axis=1)
    variance = float(predict(base).var())
    share, total = np.zeros(len(space)), np.zeros(len(space))
    if variance <= 0:
        return share, total
    for d, each in enumerate(space.values()):
        values = np.unique(snapped((np.arange(GRID) + 0.5) / GRID, each))
        moved = np.repeat(base[:, None, :], len(values), axis=1)
        moved[:, :, d] = values
        predicted = predict(moved.reshape(-1, len(space))).reshape(POINTS, len(values))
        share[d] = predicted.mean(axis=0).var() / variance
        total[d] = predicted.var(axis=1).mean() / variance
    return share.clip(0, 1), total.clip(0, 1)


def snapped(unit: np.ndarray, distribution: Distribution) -> np.ndarray:
    """Points of [0, 1) moved to where the values that they stand for have their places."""
    return np.array([distribution.unit(distribution.value(float(each))) for each in unit])
