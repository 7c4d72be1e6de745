"""A score, a statistic and a figure of my lab's own, for the report.

From the directory above ``my_lab``:

    seedbed compare RUN_DIR... --out DIR --score my_lab.scores:worst_quarter \
        --statistic my_lab.scores:stuck --figure my_lab.scores:first_against_last

A function's name is what the report calls it, and the first line of its docstring is the caption.
"""

import numpy as np
from matplotlib.figure import Figure

STUCK_BELOW = 100.0


def worst_quarter(values: np.ndarray, env_steps: np.ndarray) -> np.ndarray:
    """Mean of the worst quarter of a seed's training.

    A score takes every seed's curve [seeds, points], NaN where a seed has no value yet, and the env steps [points]. It
    gives one number per seed [seeds]. This one punishes seeds that learn late, and seeds that forget.
    """
    ordered = np.sort(values, axis=1)  # NaN comes last
    points = max(1, len(env_steps) // 4)
    return np.nanmean(ordered[:, :points], axis=1)


def stuck(scores: np.ndarray, axis: int = -1) -> np.ndarray:
    """Fraction of the seeds that score below 100.

    A statistic takes the scores of all seeds [..., n] and the axis they are on, and gives one number for all of them.
    The table adds a bootstrap interval.
    """
    return (scores < STUCK_BELOW).mean(axis=axis)


def first_against_last(comparison) -> Figure:
    """Every seed's mean over training against its final score: who learns early, and who ends high.

    A figure takes the whole comparison, with its tables as data frames, and gives a matplotlib Figure.
    """
    figure = Figure(figsize=(3.5, 2.5), layout="constrained")
    ax = figure.subplots()
    for variant, rows in comparison.scores.groupby("variant"):
        ax.plot(rows["auc"], rows["final"], "o", label=f"{variant} (n={len(rows)})", markersize=3)
    ax.set(xlabel="mean return over training", ylabel="final return")
    ax.legend()
    return figure
