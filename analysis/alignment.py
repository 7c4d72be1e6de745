"""Alignment: puts the seeds of a task on one grid of env steps, up to one horizon.

RULES say what happens to seeds that failed or stopped early.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.references import Reference, references_for
from analysis.run_format import OK, STATUS

RULES = (
    "Variants are compared on environment steps, up to the horizon of the task. The horizon is the smallest, over the "
    "variants, of the number of steps that at least half of the variant's seeds reached; failed seeds do not count "
    "here. What a longer run did after the horizon is drawn but not scored.",
    "The grid is that of the variant with the longest rollout. The value of a variant with shorter rollouts is the "
    "mean over its iterations since the last grid point.",
    "Where no episode ended, the last value before holds. Nothing is filled backwards: before a seed's first value "
    "there is none.",
    "A failed seed counts: after its failure it scores the task's low reference, whatever else is in the report. "
    "Without a reference it scores its own first value.",
    "A seed that has not finished training is drawn and listed, but not scored, unless --include-unfinished is given.",
    "A seed that did not reach the horizon is drawn and listed, but not scored.",
)

EARLY = 0.1
"""A seed's first value counts as untrained if it lies within this share of the horizon, or at the first grid point."""


@dataclass(frozen=True)
class Curves:
    """Seeds of one variant on one task.

    Attributes:
        seeds: [S].
        x: [T], increasing.
        values: [S, T], NaN where a seed has no value.
        last: index [S] of each seed's last row.
        failed: whether [S] the seed failed in its last row.
    """

    seeds: np.ndarray
    x: np.ndarray
    values: np.ndarray
    last: np.ndarray
    failed: np.ndarray

    def filled(self, floor: float | np.ndarray) -> np.ndarray:
        """Values [S, T] for statistics over seeds.

        Where no episode ended, the value before holds. After a failure, `floor` holds: one number, or one for each
        seed. Values before a seed's first one, and after the last one of a seed that did not fail, stay NaN.
        """
        position = np.arange(len(self.x))
        before = np.maximum.accumulate(np.where(np.isnan(self.values), 0, position), axis=1)
        carried = np.take_along_axis(self.values, before, axis=1)
        after = np.where(self.failed, floor, np.nan)[:, None]
        return np.where(position > self.last[:, None], after, carried)

    def on_grid(self, grid: np.ndarray) -> "Curves":
        """The same seeds on a coarser, increasing `grid` [G]: the mean of the values in each (grid[g-1], grid[g]]."""
        used = self.x <= grid[-1]
        cell = np.searchsorted(grid, self.x[used])
        starts = np.flatnonzero(np.diff(cell, prepend=-1))
        known = np.isfinite(self.values[:, used])
        count = np.add.reduceat(known, starts, axis=1, dtype=np.int64)
        total = np.add.reduceat(np.where(known, self.values[:, used], 0.0), starts, axis=1)
        values = np.full((len(self.seeds), len(grid)), np.nan)
        values[:, cell[starts]] = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
        last = np.minimum(np.searchsorted(grid, self.x[self.last]), len(grid) - 1)
        failed = self.failed & (self.x[self.last] <= grid[-1])
        return Curves(self.seeds, grid, values, last, failed)


def curves(frame: pd.DataFrame, variant: str, metric: str, x: str = "env_steps") -> Curves:
    """The `metric` of a variant's seeds against the column `x`. `frame` holds the rows of one task."""
    return curves_of(frame[frame["variant"] == variant], metric, x)


def curves_of(rows: pd.DataFrame, metric: str, x: str = "env_steps") -> Curves:
    """The same as `curves`, from the rows of one variant on one task."""
    seeds, row = np.unique(rows["seed"].to_numpy(), return_inverse=True)
    steps, column = np.unique(rows[x].to_numpy(), return_inverse=True)
    values = np.full((len(seeds), len(steps)), np.nan)
    values[row, column] = rows[metric].to_numpy()
    last = np.zeros(len(seeds), dtype=np.int64)
    np.maximum.at(last, row, column)
    failed = np.zeros(len(seeds), dtype=bool)
    failed[row[(rows[STATUS] != OK).to_numpy()]] = True
    return Curves(seeds, steps, values, last, failed)


def first_values(values: np.ndarray) -> np.ndarray:
    """First known value [S] of each row of [S, T]. NaN for a row without any."""
    if not values.shape[1]:
        return np.full(len(values), np.nan)
    return np.take_along_axis(values, np.isfinite(values).argmax(axis=1)[:, None], axis=1)[:, 0]


def floors(lines: Curves, reference: Reference | None) -> np.ndarray:
    """Score [S] of each seed after a failure (see RULES).

    Without a reference, a seed that failed before its first value gets the mean first value of the others.
    """
    if reference is not None:
        return np.full(len(lines.seeds), reference.low)
    first = first_values(lines.values)
    known = first[np.isfinite(first)]
    return np.where(np.isfinite(first), first, known.mean() if len(known) else np.nan)


def floors_of(
    rows: pd.DataFrame, lines: Curves, metric: str, known: Mapping[str, Reference] | None = None
) -> np.ndarray:
    """The same as `floors`, for the task that `rows` name. Without a task, no reference. `known`: as in align."""
    if "env_id" not in rows:
        return floors(lines, None)
    known = references_for(metric) if known is None else known
    return floors(lines, known.get(str(rows["env_id"].iloc[0])))


@dataclass(frozen=True)
class Aligned:
    """One variant on its task's grid.

    Attributes:
        seeds: [S].
        values: [S, G], NaN where a seed has no value.
        failed: whether [S] a seed failed within the horizon.
        floor: score [S] of the seed after a failure.
        reach: env steps that at least half of the seeds reached.
    """

    seeds: np.ndarray
    values: np.ndarray
    failed: np.ndarray
    floor: np.ndarray
    reach: float

    @property
    def scored(self) -> np.ndarray:
        """Whether [S] a seed has a value at the horizon."""
        return np.isfinite(self.values[:, -1])


@dataclass(frozen=True)
class Task:
    """The variants of one task on one grid.

    Attributes:
        grid: env steps [G], up to the horizon.
        start: index of the first grid point at which every scored seed has a value.
        first: returns before learning, of the seeds that reported one.
        reference: fixed ends of the task's scale; None if there are none.
    """

    env_id: str
    grid: np.ndarray
    start: int
    first: np.ndarray
    reference: Reference | None
    variants: dict[str, Aligned]

    @property
    def untrained(self) -> float:
        """Mean return before learning. NaN if no seed reported it."""
        return float(self.first.mean()) if len(self.first) else math.nan

    @property
    def horizon(self) -> float:
        return float(self.grid[-1])

    def frame(self) -> pd.DataFrame:
        """Tidy frame of the scored seeds, one row per seed and grid point: env_id, variant, seed, env_steps, value."""
        return pd.concat(
            [
                pd.DataFrame(
                    {
                        "env_id": self.env_id,
                        "variant": variant,
                        "seed": np.repeat(aligned.seeds[aligned.scored], len(self.grid)),
                        "env_steps": np.tile(self.grid, int(aligned.scored.sum())),
                        "value": aligned.values[aligned.scored].ravel(),
                    }
                )
                for variant, aligned in self.variants.items()
            ],
            ignore_index=True,
        )


def align(
    frame: pd.DataFrame,
    metric: str,
    known: Mapping[str, Reference] | None = None,
    include_unfinished: bool = False,
) -> Task | None:
    """Puts the rows of one task on a common grid. None if no seed that counts has a value of `metric`.

    Args:
        frame: rows of one task, as from load_runs.
        metric: the column that is compared.
        known: ends of the tasks' scales. None: the shipped ones, if the metric is a return.
        include_unfinished: whether seeds count that have not finished training.
    """
    env_id = str(frame["env_id"].iloc[0])
    reference = (references_for(metric) if known is None else known).get(env_id)
    counted = frame if include_unfinished or "finished" not in frame else frame[frame["finished"]]
    each = {str(variant): curves_of(rows, metric) for variant, rows in counted.groupby("variant", observed=True)}
    each = {variant: lines for variant, lines in each.items() if np.isfinite(lines.values).any()}
    if not each:
        return None
    reached = {variant: reach(lines) for variant, lines in each.items()}
    alive = [variant for variant, lines in each.items() if not lines.failed.all()] or list(each)
    horizon = min(reached[variant] for variant in alive)
    within = [each[variant].x[each[variant].x <= horizon] for variant in alive]
    grid = min((steps for steps in within if len(steps)), key=len)
    variants = {
        variant: aligned_on(grid, lines, floors(lines, reference), reached[variant]) for variant, lines in each.items()
    }
    scored = np.concatenate([aligned.values[aligned.scored] for aligned in variants.values()])
    start = int(np.isfinite(scored).all(axis=0).argmax()) if len(scored) else 0
    return Task(env_id, grid, start, untrained_returns(each.values(), horizon), reference, variants)


def reach(lines: Curves) -> float:
    """Env steps that at least half of the seeds reached. Failed seeds count only if every seed failed."""
    steps = np.sort(lines.x[lines.last if lines.failed.all() else lines.last[~lines.failed]])[::-1]
    return float(steps[math.ceil(len(steps) / 2) - 1])


def aligned_on(grid: np.ndarray, lines: Curves, floor: np.ndarray, reached: float) -> Aligned:
    coarse = lines.on_grid(grid)
    return Aligned(lines.seeds, coarse.filled(floor), coarse.failed, floor, reached)


def untrained_returns(each: Iterable[Curves], horizon: float) -> np.ndarray:
    """First values of all seeds whose first value is early enough (EARLY)."""
    first: list[float] = []
    for lines in each:
        early = np.isfinite(lines.values) & (lines.x <= max(EARLY * horizon, lines.x[0]))
        first += first_values(np.where(early, lines.values, np.nan))[early.any(axis=1)].tolist()
    return np.array(first)
