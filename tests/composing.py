"""Configs and runs for tests, composed as the command line composes them."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from algos.build import make_trainer
from algos.core.loop import Trainer
from algos.core.normalisation import ObservationNormaliser
from sweeps.compose import composed_config
from sweeps.run_config import RunConfig, validate
from sweeps.table import TableWriter, progress_rows

VARIANTS = ("reinforce", "a2c", "npg", "trpo", "ppo", "ppo_penalty")

RAW = ObservationNormaliser(1, 1, np.float64, normalise=False, clip=None)
"""For policies that are asked only about what their networks see."""


@cache
def plain(*overrides: str) -> dict[str, Any]:
    """The config of ``python -m sweeps.train OVERRIDES`` as plain containers, composed once; not to be changed."""
    return composed_config(overrides)


def composed(*overrides: str) -> RunConfig:
    """The validated config of ``python -m sweeps.train OVERRIDES``."""
    return validate(plain(*overrides))


def trainer(*overrides: str) -> Trainer:
    """A run that is ready to iterate."""
    return make_trainer(composed(*overrides))


def train_rows(directory: Path, overrides: Sequence[str]) -> list[str]:
    """Train with these overrides; the lines of ``progress.csv``, header first."""
    config = composed(*overrides)
    writer = TableWriter(directory / "progress.csv")
    for iteration in make_trainer(config):
        writer.append(progress_rows(config.algo.name, config.env.id, config.seeds, iteration))
    return (directory / "progress.csv").read_text().splitlines()


def median_final_return(run: Trainer) -> float:
    """Median over seeds of the last iteration's episodic return."""
    *_, last = run
    return float(np.nanmedian(last.stats["episodic_return"]))
