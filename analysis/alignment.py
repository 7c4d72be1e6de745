"""Making the seeds of a task comparable: one env-step grid, one horizon, a rule for every seed that is not whole."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.runs.progress import OK, STATUS

RULES = (
    "Variants are compared on environment steps, over the steps that all of them reached: the horizon of a task is "
    "the smallest, over its variants, of the number of steps that at least half of the variant's seeds that did not "
    "fail reached. What a longer run did after the horizon is drawn but not scored.",
    "The grid is that of the variant with the longest rollout. The value of a variant with shorter rollouts is the "
    "mean over its iterations since the last grid point.",
    "Where no episode ended, the last value before holds; before a seed's first episode ended, its first value holds.",
    "A failed seed counts: after its failure it scores the lowest value that any seed of the task reported.",
    "A seed that has not reached the horizon is drawn and counted but not scored.",
)


@dataclass(frozen=True)
class Curves:
    """Seeds of one variant on one task.

    `seeds` [S]; `x` [T], increasing; `values` [S, T], NaN where a seed has no value there; `last` [S], the index of
    each seed's last row; `failed` [S], whether it failed there.
    """

    seeds: np.ndarray
    x: np.ndarray
    values: np.ndarray
    last: np.ndarray
    failed: np.ndarray

    def filled(self, floor: float) -> np.ndarray:
        """[S, T] values for statistics over seeds: where no episode ended, the value before; after a failure, `floor`.

        What is not known stays NaN: before a seed's first value, and after the last row of one that did not fail.
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
    """The `metric` of `variant`'s seeds against the column `x`; `frame` holds the rows of one task."""
    return curves_of(frame[frame["variant"] == variant], metric, x)


def curves_of(rows: pd.DataFrame, metric: str, x: str = "env_steps") -> Curves:
    """As curves, from the rows of one variant on one task."""
    seeds, row = np.unique(rows["seed"].to_numpy(), return_inverse=True)
    steps, column = np.unique(rows[x].to_numpy(), return_inverse=True)
    values = np.full((len(seeds), len(steps)), np.nan)
    values[row, column] = rows[metric].to_numpy()
    last = np.zeros(len(seeds), dtype=np.int64)
    np.maximum.at(last, row, column)
    failed = np.zeros(len(seeds), dtype=bool)
    failed[row[(rows[STATUS] != OK).to_numpy()]] = True
    return Curves(seeds, steps, values, last, failed)


def floor_of(frame: pd.DataFrame, metric: str) -> float:
    """The lowest value that any seed of this task reported: what a failed seed is worth."""
    return float(frame[metric].min())


@dataclass(frozen=True)
class Aligned:
    """One variant on its task's grid: `seeds` [S]; `values` [S, G], NaN from where a seed is not known on; `failed`
    [S], whether a seed failed within the horizon."""

    seeds: np.ndarray
    values: np.ndarray
    failed: np.ndarray

    @property
    def scored(self) -> np.ndarray:
        """[S], whether a seed reached the horizon or failed before it."""
        return np.isfinite(self.values).all(axis=1)


@dataclass(frozen=True)
class Task:
    """The variants of one task on one grid.

    `grid` [G] in env steps, up to the horizon; `floor`: what a failed seed scores; `untrained`: the mean of the
    seeds' first values, the return before learning.
    """

    env_id: str
    grid: np.ndarray
    floor: float
    untrained: float
    variants: dict[str, Aligned]

    def frame(self) -> pd.DataFrame:
        """The scored seeds, tidy: one row per seed and grid point, with env_id, variant, seed, env_steps, value."""
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


def align(frame: pd.DataFrame, metric: str) -> Task | None:
    """The rows of one task on a common grid; None if no seed has a value of `metric`."""
    each = {str(variant): curves_of(rows, metric) for variant, rows in frame.groupby("variant", observed=True)}
    each = {variant: lines for variant, lines in each.items() if np.isfinite(lines.values).any()}
    if not each:
        return None
    horizon = min(map(reach, each.values()))
    within = {variant: lines.x[lines.x <= horizon] for variant, lines in each.items()}
    grid = min((steps for steps in within.values() if len(steps)), key=len)
    floor = floor_of(frame, metric)
    first = np.concatenate([first_values(lines.values) for lines in each.values()])
    variants = {variant: on_grid(lines, grid, floor) for variant, lines in each.items()}
    return Task(str(frame["env_id"].iloc[0]), grid, floor, float(first.mean()), variants)


def reach(lines: Curves) -> float:
    """The env steps that at least half of the seeds that did not fail reached (all seeds, if every one failed)."""
    steps = lines.x[lines.last]
    return float(np.quantile(steps if lines.failed.all() else steps[~lines.failed], 0.5, method="lower"))


def on_grid(lines: Curves, grid: np.ndarray, floor: float) -> Aligned:
    coarse = lines.on_grid(grid)
    values = coarse.filled(floor)
    start = np.isfinite(values).argmax(axis=1)
    before = np.arange(len(grid)) < start[:, None]
    values = np.where(before, np.take_along_axis(values, start[:, None], axis=1), values)
    return Aligned(lines.seeds, values, coarse.failed)


def first_values(values: np.ndarray) -> np.ndarray:
    """The first value of each row of [S, T] that has any."""
    known = np.isfinite(values)
    rows = known.any(axis=1)
    return values[rows, known[rows].argmax(axis=1)]
