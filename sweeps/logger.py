"""What a live view of a run is to the run: a class that the config names by ``logger._target_``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from algos.config import PartSettings
from algos.core.loop import Iteration


class LoggerSettings(PartSettings):
    """Of a logger; a subclass adds the keys of its YAML."""

    def check_installed(self) -> None:
        """Whether what the logger imports late is installed; asked where the run will be trained.

        Raises:
            ImportError: one line that says how to install it.
        """


class Logger(Protocol):
    """Shows what a run reports while it trains; nothing that is computed depends on it.

    Its class has ``Settings``, a nested subclass of :class:`LoggerSettings`. It is made with the run's directory, its
    seeds, and the env steps of the next iteration, from which on events of an earlier attempt no longer count.
    """

    def __init__(self, settings: LoggerSettings, directory: Path, seeds: range, first_step: int) -> None: ...

    def log(self, iteration: Iteration) -> None:
        """Show one iteration's numbers."""

    def close(self) -> None:
        """The run has ended, or was interrupted: write what is left to write."""


def series_points(iteration: Iteration, seeds: range) -> Iterator[tuple[str, float]]:
    """The numbers of one iteration by the name of their series: ``<figure>/seed<K>`` for each seed, and
    ``<figure>/median``. Values that do not exist leave no point."""
    for name, values in iteration.stats.items():
        if name == "env_steps":
            continue
        known = iteration.running & np.isfinite(values.astype(float))
        for index in np.flatnonzero(known):
            yield f"{name}/seed{seeds[index]}", float(values[index])
        if known.any():
            yield f"{name}/median", float(np.median(values[known]))
