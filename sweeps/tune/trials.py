"""The trials of a study: their settings and their runs."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analysis.tuning.space import Distribution
from sweeps.lockstep import Job
from sweeps.overrides import override
from sweeps.tune.plan import Cell, Plan
from sweeps.tune.work import Work

TRIALS, FRESH = "trials", "test"
DECIDED = ("seed", "num_seeds", "iterations")
"""Keys of every run that the study decides."""


@dataclass(frozen=True)
class Trial:
    """One setting of a variant on a task, and its run."""

    cell: Cell
    number: int
    settings: Mapping[str, Any]
    job: Job

    @property
    def directory(self) -> Path:
        return self.job.directory

    @property
    def work(self) -> Work:
        """Its run, with whom it is counted for."""
        return Work(self.job, self.cell.variant, self.cell.task, str(self.number))


def draw(space: Mapping[str, Distribution], seed: int, variant: str, number: int) -> dict[str, Any]:
    """Draw the settings of trial ``number`` of a variant.

    Every setting has its own random stream. So a setting has the same value on every task, and adding another setting
    to the space does not change it.
    """

    def unit(key: str) -> float:
        return float(np.random.default_rng([seed, number, word_number(variant), word_number(key)]).random())

    return {key: distribution.value(unit(key)) for key, distribution in space.items()}


def word_number(text: str) -> int:
    """A whole number that depends only on a text (its CRC-32)."""
    return zlib.crc32(text.encode())


def make_trial(plan: Plan, directory: Path, cell: Cell, number: int, settings: Mapping[str, Any]) -> Trial:
    """Make the trial with these settings."""
    path = directory / TRIALS / cell.task / cell.variant / f"{number:03d}"
    overrides = [f"algo={cell.variant}", f"env={cell.task}", *plan.overrides]
    overrides += [override(key, value) for key, value in settings.items()]
    content = plan.run_content(cell, settings, plan.tuning_seeds)
    title = f"trial {number + 1} of {plan.options.trials}: "
    return Trial(cell, number, settings, make_job(content, overrides, path, title))


def make_job(content: dict[str, Any], overrides: Sequence[str], directory: Path, title: str) -> Job:
    """Make a run, with the overrides by which ``seedbed train`` repeats it alone."""
    kept = [each for each in overrides if each.partition("=")[0] not in DECIDED]
    decided = [f"{key}={content[key]}" for key in DECIDED]
    return Job(content, directory, {"overrides": [*kept, *decided]}, title)


def random_trials(plan: Plan, directory: Path) -> list[Trial]:
    """All trials of a random search, task by task and variant by variant."""
    settings = {
        variant: [draw(plan.spaces[variant], plan.options.seed, variant, k) for k in range(plan.options.trials)]
        for variant in plan.variants
    }
    return [
        make_trial(plan, directory, cell, number, chosen)
        for cell in plan.cells
        for number, chosen in enumerate(settings[cell.variant])
    ]
