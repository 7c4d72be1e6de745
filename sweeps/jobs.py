"""Check the jobs of a command before any of them starts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.utils import get_class
from omegaconf import DictConfig, open_dict

from algos.build import make_environments
from algos.parts import PartError
from algos.rehearsal import Rehearsals
from sweeps.compose_once import compose_once
from sweeps.errors import InputError
from sweeps.hydra_errors import other_sweeper
from sweeps.requirements import check_device, check_logger
from sweeps.run_config import validate
from sweeps.run_directory import check_directory

ELSEWHERE = ("submitit_slurm", "ray")
"""Launchers whose jobs run on other machines, which may have other devices."""


def sweep_jobs(config: DictConfig) -> list[DictConfig]:
    """The composed config of every job of a multirun, in the order in which Hydra's own sweeper runs them.

    Raises:
        InputError: The sweeper is another one, whose jobs are not known in advance.
    """
    loader = GlobalHydra.instance().config_loader()
    compose_once(loader)
    sweeper: Any = get_class(config.hydra.sweeper._target_)
    if not hasattr(sweeper, "split_arguments"):
        raise InputError(other_sweeper(config.hydra.runtime.choices["hydra/sweeper"]))
    params = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    overrides = OverridesParser.create(loader).parse_overrides([*params, *config.hydra.overrides.task])
    jobs = []
    for number, job_overrides in enumerate(sweeper.split_arguments(overrides, max_batch_size=None)[0]):
        job = loader.load_sweep_config(config, list(job_overrides))
        with open_dict(job):
            job.hydra.job.num = number
            job.hydra.job.id = str(number)
        jobs.append(job)
    return jobs


def check_jobs(jobs: Sequence[tuple[dict[str, Any], Path]], launcher: str) -> None:
    """Check the configs, tasks, devices and directories of all jobs.

    Raises:
        InputError: The first wrong config, device or directory.
        TaskError: The first task that cannot be made.
    """
    tasks, directories, rehearsals = [], set(), Rehearsals()
    for content, directory in jobs:
        run = validate(content)
        if launcher not in ELSEWHERE:
            check_device(run.device)
            check_logger(run.logger)
        if run.env not in tasks:
            make_environments(run.env, 1).close()
            tasks.append(run.env)
        try:
            rehearsals.check(run)
        except PartError as error:
            raise InputError(str(error)) from None
        if directory in directories:
            raise InputError(
                f"hydra.sweep.subdir={directory.name}: shared by several jobs; expected: one directory for each job"
            )
        directories.add(directory)
        check_directory(directory, content, run.resume)
