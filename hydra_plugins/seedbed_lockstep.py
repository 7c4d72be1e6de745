"""Seedbed's lock-step launcher, in the package in which Hydra looks for launchers."""

from collections.abc import Sequence
from typing import Any

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class LockstepLauncher(Launcher):
    """Trains the jobs of a multirun in groups. Each group is one job of another launcher."""

    def __init__(self, memory_gb: float | None, max_rows: int | None, over: Launcher) -> None:
        self.memory_gb = memory_gb
        self.max_rows = max_rows
        self.over = over

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context = hydra_context
        self.config = config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from sweeps.lockstep_launcher import launch_groups  # late: Hydra imports this file for every command

        arguments: Any = (self.memory_gb, self.max_rows, self.over)
        return launch_groups(self.hydra_context, self.config, job_overrides, initial_job_idx, *arguments)


class InThisProcess(BasicLauncher):
    """Hydra's own launcher, by a name that a config may use."""
