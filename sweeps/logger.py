"""The interface of a live view of a run: a class that the config names in ``logger._target_``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from algos.config import PartSettings
from algos.core.loop import Iteration


class LoggerSettings(PartSettings):
    """The settings of a logger; a subclass adds the keys of its YAML file."""

    def check_installed(self) -> None:
        """Check that the packages of the logger are installed on the machine that trains.

        Raises:
            ImportError: One line that says how to install them.
        """


class Logger(Protocol):
    """Shows what a run reports while it trains; it has no influence on the run.

    The class has ``Settings``, a nested subclass of :class:`LoggerSettings`. The constructor takes the settings, the
    run's directory, its seeds, and the env steps after its next iteration: a resumed run reports these steps again.
    """

    def __init__(self, settings: LoggerSettings, directory: Path, seeds: range, first_step: int) -> None: ...

    def log(self, iteration: Iteration) -> None:
        """Show one iteration's numbers."""

    def close(self) -> None:
        """Write what is left; called when the run has ended or was interrupted."""


def series_points(iteration: Iteration, seeds: range) -> Iterator[tuple[str, float]]:
    """Yield the name and value of each series at one iteration: ``<figure>/seed<K>`` and ``<figure>/median``.

    A value that does not exist gives no point.
    """
    for name, values in iteration.stats.items():
        if name == "env_steps":
            continue
        known = iteration.running & np.isfinite(values.astype(float))
        for index in np.flatnonzero(known):
            yield f"{name}/seed{seeds[index]}", float(values[index])
        if known.any():
            yield f"{name}/median", float(np.median(values[known]))
