"""Write what a run reports as TensorBoard events, next to its CSV files."""

from importlib.util import find_spec
from pathlib import Path

from algos.core.loop import Iteration
from sweeps.logger import LoggerSettings, series_points


class TensorBoardLogger:
    """One series per seed, ``<figure>/seed<K>``, and their median, ``<figure>/median``, over env steps.

    Events go to ``DIRECTORY/tensorboard``. A resumed run discards the earlier events from ``first_step`` on.
    """

    class Settings(LoggerSettings):
        def check_installed(self) -> None:
            if find_spec("tensorboard") is None:
                raise ImportError("tensorboard is not installed; expected: pip install 'seedbed[tensorboard]'")

    def __init__(self, settings: Settings, directory: Path, seeds: range, first_step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter  # an extra

        self.seeds = seeds
        self.writer = SummaryWriter(str(directory / "tensorboard"), purge_step=first_step)

    def log(self, iteration: Iteration) -> None:
        """Write the figures of one iteration."""
        step = int(iteration.stats["env_steps"][0])
        for name, value in series_points(iteration, self.seeds):
            self.writer.add_scalar(name, value, step)
        self.writer.flush()

    def close(self) -> None:
        self.writer.close()
