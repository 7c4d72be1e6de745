"""Tuning curves in words: from which number of trials on one variant is better than another."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.summary import CONFIDENCE
from analysis.tuning.curves import tuning_curve


def curves_of(
    scores: Mapping[str, np.ndarray], bounds: tuple[float, float] | None, sign: float = 1.0
) -> dict[str, pd.DataFrame]:
    """The tuning curve of each variant on one task. The limits of all curves hold together with 95% confidence.

    `scores` are those of each variant's trials.
    """
    confidence = 1 - (1 - CONFIDENCE) / len(scores)
    return {variant: tuning_curve(values, bounds, confidence, sign) for variant, values in scores.items()}


def leads(a: pd.DataFrame, b: pd.DataFrame, sign: float = 1.0) -> np.ndarray:
    """[K]: 1 where the best of k settings of `a` is better than that of `b`, -1 where it is worse, 0 where limits
    overlap.

    K is the number of trials that both have.
    """
    both = min(len(a), len(b))
    a, b = a.iloc[:both], b.iloc[:both]
    above = a["low"].to_numpy() > b["high"].to_numpy()
    below = a["high"].to_numpy() < b["low"].to_numpy()
    return np.asarray(sign * (above.astype(int) - below.astype(int)))


def stretches(outcome: np.ndarray) -> list[tuple[int, int, int]]:
    """The stretches of equal outcomes: the outcome, and the first and last number of trials of each."""
    found, start = [], 0
    for end in range(1, len(outcome) + 1):
        if end == len(outcome) or outcome[end] != outcome[start]:
            found.append((int(outcome[start]), start + 1, end))
            start = end
    return found


def sentence(first: str, second: str, outcome: np.ndarray) -> str:
    """The outcome of `leads` in words, as in "PPO beats A2C from 16 trials on; with fewer, undecided"."""
    parts = stretches(outcome)
    most = len(outcome)
    told = []
    for sign, start, end in parts:
        if sign:
            winner, loser = (first, second) if sign > 0 else (second, first)
            told.append(f"{winner} beats {loser} {span(start, end, most)}")
    if not told:
        return f"{first} against {second}: undecided with any number of trials up to {most}."
    if len(told) == len(parts):
        return f"{'; '.join(told)}."
    rest = "with fewer" if parts[-1][0] and len(parts) == 2 else "with more" if len(parts) == 2 else "otherwise"
    return f"{'; '.join(told)}; {rest}, undecided."


def span(start: int, end: int, most: int) -> str:
    """The numbers of trials in words: "from 16 trials on"."""
    if (start, end) == (1, most):
        return f"with any number of trials up to {most}"
    if end == most:
        return f"from {start} trials on"
    if start == end:
        return f"with {start} trial{'s' * (start != 1)}"
    return f"with up to {end} trials" if start == 1 else f"with {start} to {end} trials"


def sentences(curves: Mapping[str, pd.DataFrame], sign: float = 1.0) -> list[str]:
    """One sentence for every pair of variants on a task, the variant with the better last value first."""
    order: Sequence[str] = sorted(curves, key=lambda name: -sign * float(curves[name]["best"].iloc[-1]))
    return [sentence(a, b, leads(curves[a], curves[b], sign)) for a, b in itertools.combinations(order, 2)]
