"""Learning curves of one variant on one task as an array, seeds by iterations."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.progress import OK, STATUS


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
