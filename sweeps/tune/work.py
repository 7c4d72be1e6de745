"""A run of a study, with the variant, task and trial that its env steps are counted for."""

from dataclasses import dataclass
from pathlib import Path

from analysis.run_format import has_ended
from sweeps.lockstep import Job


@dataclass(frozen=True)
class Work:
    """A run, and the variant, task and trial that its env steps are counted for."""

    job: Job
    variant: str
    task: str
    trial: str

    @property
    def directory(self) -> Path:
        return self.job.directory

    @property
    def ended(self) -> bool:
        """Whether it has trained to its end."""
        return has_ended(self.directory)
