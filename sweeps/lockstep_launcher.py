"""``hydra/launcher=lockstep``: train the jobs of a multirun in groups, each group in one process."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from os.path import relpath
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, configure_log, run_job, setup_globals
from hydra.types import HydraContext
from omegaconf import DictConfig, open_dict

from sweeps.hydra_command import described
from sweeps.imports import own_packages_first
from sweeps.lockstep import groups
from sweeps.overrides import override
from sweeps.training import Job, train_together

GB = 10**9


@dataclass(frozen=True)
class TrainGroup:
    """The function that another launcher calls for a job; it trains a whole group."""

    groups: Sequence[Sequence[Job]]
    first: int  # the number that the launcher gives to the first of them

    def __call__(self, config: DictConfig) -> None:
        own_packages_first()  # this may be a process that the launcher has started
        train_together(self.groups[HydraConfig.get().job.num - self.first])


def launch_groups(
    hydra_context: HydraContext,
    config: DictConfig,
    job_overrides: Sequence[Sequence[str]],
    first: int,
    memory_gb: float | None,
    max_rows: int | None,
    over: Any,
) -> list[JobReturn]:
    """Train the jobs of a multirun in groups; they were checked before.

    Args:
        hydra_context: Hydra's loader of configs, and its callbacks.
        config: the config of the multirun.
        job_overrides: the overrides of each job.
        first: the number of the first job.
        memory_gb: gigabytes that a group may take, by estimate.
        max_rows: rows that a group may have.
        over: the launcher that runs each group as one of its jobs. Joblib gets a group for each of its processes.

    Returns:
        Hydra's record of each job.
    """
    setup_globals()
    configure_log(config.hydra.hydra_logging, config.hydra.verbose)
    returns = [composed(hydra_context, config, own, first + index) for index, own in enumerate(job_overrides)]
    jobs = [each.return_value for each in returns]
    processes = _processes(over)
    together = groups(jobs, None if memory_gb is None else int(memory_gb * GB), max_rows, processes)
    if hasattr(over, "joblib"):  # it shares out the cores as threads by this number
        over.joblib["n_jobs"] = min(processes, len(together))
    numbers = {job.directory: index for index, job in enumerate(jobs)}
    top = config.hydra.sweep.dir
    leaders = [
        [*job_overrides[numbers[job.directory]], override("hydra.sweep.subdir", relpath(job.directory, top))]
        for job, *_ in together
    ]
    over.setup(hydra_context=hydra_context, task_function=TrainGroup(together, first), config=config)
    over.launch(leaders, first)
    return returns


def _processes(over: Any) -> int:
    """The processes on this machine in which ``over`` runs jobs at the same time."""
    if not hasattr(over, "joblib"):
        return 1
    joblib = import_module("joblib")  # it comes with an extra
    return int(joblib.effective_n_jobs(over.joblib["n_jobs"]))


def composed(hydra_context: HydraContext, config: DictConfig, overrides: Sequence[str], number: int) -> JobReturn:
    """Compose a job with Hydra without training it; the returned value holds a :class:`Job`."""
    own = hydra_context.config_loader.load_sweep_config(config, list(overrides))
    with open_dict(own):
        own.hydra.job.id = own.hydra.job.num = number
    job = run_job(
        hydra_context=hydra_context,
        task_function=described,
        config=own,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
    )
    _ = job.return_value  # raises the error, if there was one
    return job
