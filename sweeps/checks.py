"""Every job of a run or sweep is checked before the first one starts."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict
from pydantic import ValidationError

from algos.build import make_environments
from algos.config import Config
from algos.envs.errors import TaskError
from sweeps.errors import InputError, exit_with
from sweeps.run_directory import check_new


def validate(composed: dict[str, Any]) -> Config:
    """The typed config of a composed one.

    Raises:
        InputError: one line with the first key that is wrong, its value and what is allowed.
    """
    try:
        return Config.model_validate(composed)
    except ValidationError as error:
        raise InputError(_first_problem(error, composed)) from None


def _first_problem(error: ValidationError, composed: dict[str, Any]) -> str:
    problem = error.errors()[0]
    if problem["type"] == "value_error" and not problem["loc"]:
        return str(problem["ctx"]["error"])
    path: list[str] = []
    inside: Any = composed
    for part in problem["loc"]:
        known = part in inside if isinstance(inside, dict) else isinstance(part, int)
        if known or part == problem["loc"][-1]:  # what is not a key is the name of a chosen variant
            path.append(str(part))
            inside = inside[part] if known else None
    allowed = problem["msg"].replace("Input should be ", "allowed: ")
    if problem["type"] in ("missing", "extra_forbidden"):
        return f"{'.'.join(path)}: {allowed}"
    return f"{'.'.join(path)}={problem['input']!r}: {allowed}"


def task_config(config: DictConfig) -> dict[str, Any]:
    """The resolved config without Hydra's own section, as plain containers."""
    content: Any = OmegaConf.to_container(
        OmegaConf.masked_copy(config, [key for key in config if key != "hydra"]), resolve=True
    )
    return content


def sweep_jobs(config: DictConfig) -> Iterator[DictConfig]:
    """The composed config of every job of a multirun, in the order of Hydra's basic sweeper."""
    loader = GlobalHydra.instance().config_loader()
    overrides = OverridesParser.create(config_loader=loader).parse_overrides(config.hydra.overrides.task)
    batches = BasicSweeper.split_arguments(overrides, max_batch_size=None)
    for number, job_overrides in enumerate(batches[0]):
        job = loader.load_sweep_config(config, list(job_overrides))
        with open_dict(job):
            job.hydra.job.num = number
            job.hydra.job.id = str(number)
        yield job


class CheckBeforeStart(Callback):
    """Ends the command with status 2 and one line where any job is wrong, before any is started."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the one job."""
        self._check([(config, Path(config.hydra.run.dir))])

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check all jobs of the sweep."""
        try:
            jobs = list(sweep_jobs(config))
        except Exception:  # a job that Hydra cannot compose: Hydra says so itself, when it gets there
            return
        self._check([(job, Path(job.hydra.sweep.dir) / job.hydra.sweep.subdir) for job in jobs])

    def _check(self, jobs: list[tuple[DictConfig, Path]]) -> None:
        try:
            checked = []
            for config, directory in jobs:
                task = validate(task_config(config)).env
                if task not in checked:
                    make_environments(task, 1).close()
                    checked.append(task)
            directories = [directory for _, directory in jobs]
            for directory in directories:
                if directories.count(directory) > 1:
                    raise InputError(f"hydra.sweep.subdir={directory.name}: shared by several jobs; allowed: one each")
                check_new(directory)
        except (InputError, TaskError) as error:
            sys.stdout.flush()
            exit_with(error)
