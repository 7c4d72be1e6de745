"""A live view: what a run reports, as TensorBoard event files beside its CSVs."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from algos.core.loop import Iteration
from sweeps.logger import LoggerSettings


class TensorBoardLogger:
    """One series per seed, ``<figure>/seed<K>``, and their median, ``<figure>/median``, over env steps.

    Events go to ``DIRECTORY/tensorboard``; those at or after ``first_step`` of an earlier attempt are discarded.
    """

    class Settings(LoggerSettings):
        def check_installed(self) -> None:
            if find_spec("tensorboard") is None:
                raise ImportError("tensorboard is not installed; expected after: pip install 'seedbed[tensorboard]'")

    def __init__(self, settings: Settings, directory: Path, seeds: range, first_step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter  # an extra

        self.seeds = seeds
        self.writer = SummaryWriter(str(directory / "tensorboard"), purge_step=first_step)

    def log(self, iteration: Iteration) -> None:
        """Write the figures of one iteration; values that do not exist leave no point."""
        step = int(iteration.stats["env_steps"][0])
        for name, values in iteration.stats.items():
            if name == "env_steps":
                continue
            known = iteration.running & np.isfinite(values.astype(float))
            for index in np.flatnonzero(known):
                self.writer.add_scalar(f"{name}/seed{self.seeds[index]}", float(values[index]), step)
            if known.any():
                self.writer.add_scalar(f"{name}/median", float(np.median(values[known])), step)
        self.writer.flush()
