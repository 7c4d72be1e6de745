"""Every job of a run or sweep is checked before the first one starts; a sweep ends with what became of its jobs."""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Literal

import torch
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel, ValidationError

from algos.build import make_environments
from algos.config import Config, Positive
from algos.envs.errors import TaskError
from algos.parts import PartError
from algos.rehearsal import is_foreign, rehearse
from sweeps.errors import InputError, exit_with
from sweeps.interrupt import exit_interrupted, interrupt
from sweeps.run_directory import check_directory, check_writable
from sweeps.status import outcome
from sweeps.sweep_directory import write_sweep

EXTRAS = {"joblib": "joblib", "submitit_slurm": "slurm", "ray": "ray"}
"""The optional dependencies that a launcher needs."""

ELSEWHERE = ("submitit_slurm", "ray")
"""Launchers whose jobs run on machines that may have other devices than this one."""


class RunConfig(Config):
    """A run with how it is kept."""

    checkpoint_interval: Positive
    resume: bool
    logger: Literal["tensorboard"] | None


def validate(composed: dict[str, Any]) -> RunConfig:
    """The typed config of a composed one.

    Raises:
        InputError: one line with the first key that is wrong, its value and what is allowed.
    """
    try:
        return RunConfig.model_validate(composed)
    except ValidationError as error:
        raise InputError(_first_problem(error, composed)) from None


def _first_problem(error: ValidationError, composed: dict[str, Any]) -> str:
    problem = error.errors()[0]
    if problem["type"] == "value_error" and isinstance(problem["input"], dict | BaseModel):  # of a whole section
        return str(problem["ctx"]["error"])
    path: list[str] = []
    inside: Any = composed
    for part in problem["loc"]:
        known = part in inside if isinstance(inside, dict) else isinstance(part, int)
        if known or part == problem["loc"][-1]:  # what is not a key is the name of a chosen variant
            path.append(str(part))
            inside = inside[part] if known else None
    name = ".".join(path)
    if problem["type"] == "missing":
        return f"{name}: missing; allowed: the keys of conf/"
    if problem["type"] == "extra_forbidden":
        return f"{name}={problem['input']!r}: unknown key; allowed: the keys of conf/"
    return f"{name}={problem['input']!r}: {problem['msg'].replace('Input should be ', 'allowed: ')}"


def check_device(name: str) -> None:
    """Whether PyTorch can compute on a device here.

    Raises:
        InputError: it cannot.
    """
    usable = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    usable += [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if name not in usable:
        raise InputError(f"device={name}: not on this machine; allowed: {', '.join(usable)}")


def check_logger(name: str | None) -> None:
    """Whether what a logger needs is installed.

    Raises:
        InputError: it is not.
    """
    if name is not None and importlib.util.find_spec(name) is None:
        raise InputError(f"logger={name}: not installed; allowed after: pip install 'seedbed[{name}]'")


def task_config(config: DictConfig) -> dict[str, Any]:
    """The resolved config without Hydra's own section, as plain containers.

    Raises:
        InputError: an interpolation does not resolve, or a value is missing.
    """
    own = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    try:
        content: Any = OmegaConf.to_container(own, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise InputError(f"{error.full_key}: {error.msg}; allowed: a value") from None
    return content


def sweep_jobs(config: DictConfig) -> list[DictConfig]:
    """The composed config of every job of a multirun, in the order of its sweeper, which has to be Hydra's own.

    Raises:
        InputError: another sweeper; it makes its jobs up as it goes.
    """
    loader = GlobalHydra.instance().config_loader()
    sweeper: Any = get_class(config.hydra.sweeper._target_)
    if not hasattr(sweeper, "split_arguments"):
        raise InputError(f"hydra/sweeper={config.hydra.runtime.choices['hydra/sweeper']}: allowed: basic")
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


def check_jobs(jobs: list[tuple[DictConfig, Path]], launcher: str) -> list[dict[str, Any]]:
    """Check configs, tasks, devices and directories of all jobs; returns their configs as plain data.

    Raises:
        InputError, TaskError: what is wrong with the first job that is wrong.
    """
    contents, tasks, directories, rehearsed = [], [], set(), []
    targets: dict[str, str] = {}
    for config, directory in jobs:
        content = task_config(config)
        run = validate(content)
        contents.append(content)
        if launcher not in ELSEWHERE:
            check_device(run.device)
            check_logger(run.logger)
        if targets.setdefault(run.algo.name, run.algo.target) != run.algo.target:
            other = targets[run.algo.name]
            raise InputError(f"algo.name={run.algo.name!r}: taken by {other} in this sweep; allowed: another name")
        foreign = is_foreign(run) and (run.algo, run.critic, run.estimator, run.policy, run.value, run.env) not in rehearsed
        if run.env not in tasks or foreign:
            envs = make_environments(run.env, 1)
            tasks.append(run.env)
            if foreign:
                rehearse(run, envs)
                rehearsed.append((run.algo, run.critic, run.estimator, run.policy, run.value, run.env))
            envs.close()
        if directory in directories:
            raise InputError(f"hydra.sweep.subdir={directory.name}: shared by several jobs; allowed: one each")
        directories.add(directory)
        check_directory(directory, content, run.resume)
    return contents


def _check_launcher(config: DictConfig) -> str:
    launcher: str = config.hydra.runtime.choices["hydra/launcher"]
    try:
        importlib.import_module(config.hydra.launcher._target_.rpartition(".")[0])
    except ImportError as error:
        wanted = EXTRAS.get(launcher, launcher)
        command = f"pip install 'seedbed[{wanted}]'"
        raise InputError(f"hydra/launcher={launcher}: {error}; allowed after: {command}") from None
    return launcher


def _must_pass(check: Callable[..., None]) -> Callable[..., None]:
    """Hydra turns what a callback raises into a warning and starts the jobs; a failed check must end the command."""

    @wraps(check)
    def checked(*args: Any, **kwargs: Any) -> None:
        try:
            check(*args, **kwargs)
        except (InputError, TaskError, PartError) as error:
            exit_with(error)
        except Exception:
            traceback.print_exc()
            sys.exit(1)

    return checked


class CheckBeforeStart(Callback):
    """Ends the command with status 2 and one line where any job is wrong, before any is started."""

    @_must_pass
    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the one job."""
        check_jobs([(config, Path(config.hydra.run.dir))], launcher="basic")

    @_must_pass
    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check all jobs of the sweep and list them in the sweep's directory."""
        try:
            jobs = sweep_jobs(config)
        except (HydraException, OmegaConfBaseException):
            return  # Hydra composes all jobs itself before it starts one, and says what is wrong
        launcher = _check_launcher(config)
        sweep = Path(config.hydra.sweep.dir)
        check_writable(sweep)
        paths = [sweep / job.hydra.sweep.subdir for job in jobs]
        contents = check_jobs(list(zip(jobs, paths, strict=True)), launcher)
        overrides = [*config.hydra.overrides.hydra, *config.hydra.overrides.task]
        write_sweep(sweep, overrides, [job.hydra.sweep.subdir for job in jobs], contents)
        if launcher not in ELSEWHERE:
            interrupt.install()

    @_must_pass
    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Say what became of the jobs; the exit status is 0 only if all are complete."""
        sweep = Path(config.hydra.sweep.dir)
        status = outcome(sweep)
        if interrupt.received:
            exit_interrupted(sweep)
        sys.exit(status)
