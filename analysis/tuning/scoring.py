"""The score of a trial: one number per seed, by the rules of every comparison."""

from pathlib import Path

import numpy as np
import pandas as pd

from analysis.alignment import align
from analysis.choices import Choices
from analysis.runs.dataset import load
from analysis.scores import seed_scores


def run_scores(directory: Path, choices: Choices) -> pd.DataFrame:
    """One row per seed that a run was asked for: `seed`, `score` and `failed`.

    A failed seed has its task's low reference as its score. A seed without any value of the metric has no score (NaN).
    No other run affects the scores.

    Raises:
        InputError: The run cannot be read.
    """
    dataset = load(directory, [choices.metric])
    seeds = pd.DataFrame({"seed": sorted(dataset.seeds["seed"])})
    task = align(dataset.frame, choices.metric, choices.known_references) if len(dataset.frame) else None
    if task is None:
        return seeds.assign(score=np.nan, failed=True)
    scores = seed_scores(task, choices.last, None, choices.lower_is_better, choices.extra)
    known = scores[["seed", choices.scored.name, "failed"]].rename(columns={choices.scored.name: "score"})
    table = seeds.merge(known, how="left", on="seed")
    return table.assign(failed=table["failed"].isna() | table["failed"].eq(True))


def filled(scores: pd.Series, lower_is_better: bool, low: float | None) -> pd.Series:
    """The scores with a number for each that is missing: the task's low reference, or else the worst score."""
    worst = scores.max() if lower_is_better else scores.min()
    return scores.fillna(worst if low is None else low)
