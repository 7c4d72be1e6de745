"""A logger from outside: a line an iteration."""

from pathlib import Path

from algos.core.loop import Iteration
from sweeps.logger import LoggerSettings


class LineLogger:
    """Writes the numbers of the iterations, and the median of one of their figures, to a file."""

    class Settings(LoggerSettings):
        column: str

    def __init__(self, settings: Settings, directory: Path, seeds: range, first_step: int) -> None:
        self.column = settings.column
        self.path = directory / "lines.txt"
        self.path.write_text(f"{list(seeds)} from {first_step}\n")

    def log(self, iteration: Iteration) -> None:
        with self.path.open("a") as file:
            file.write(f"{iteration.number} {iteration.stats[self.column][0]}\n")

    def close(self) -> None:
        with self.path.open("a") as file:
            file.write("closed\n")
