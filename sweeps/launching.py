"""Launching a list of jobs by one of Hydra's launchers: here, by joblib, on SLURM, on Ray."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra._internal.callbacks import Callbacks
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from sweeps import CONF
from sweeps.compose import composed_config
from sweeps.errors import InputError
from sweeps.hydra_command import environment, job
from sweeps.hydra_errors import explained
from sweeps.jobs import ELSEWHERE, check_jobs
from sweeps.overrides import override
from sweeps.requirements import check_launcher
from sweeps.sweep_directory import write_sweep


@dataclass(frozen=True)
class Job:
    """A run: its directory below the sweep's, and the overrides that `seedbed train` takes."""

    directory: str
    overrides: tuple[str, ...]


def contents(jobs: Sequence[Job], config_dir: str | None) -> list[dict[str, Any]]:
    """The composed config of each job. Raises InputError."""
    return [composed_config([*job.overrides, "resume=true"], config_dir) for job in jobs]


def is_elsewhere(sweep: Path, options: Sequence[str], config_dir: str | None) -> bool:
    """Whether the launcher's jobs run on other machines, whose engine has signals of its own. Raises InputError."""
    return _with_hydra(sweep, options, config_dir, lambda hydra, config: check_launcher(config)) in ELSEWHERE


def check(jobs: Sequence[Job], sweep: Path, options: Sequence[str], config_dir: str | None) -> None:
    """Check all jobs and the launcher, before any starts.

    Raises:
        InputError, TaskError: what is wrong with the first that is wrong.
    """
    launcher = _with_hydra(sweep, options, config_dir, lambda hydra, config: check_launcher(config))
    paths = [sweep / job.directory for job in jobs]
    check_jobs(list(zip(contents(jobs, config_dir), paths, strict=True)), launcher)


def launch(
    jobs: Sequence[Job], done: Sequence[Job], sweep: Path, options: Sequence[str], config_dir: str | None
) -> None:
    """Train `jobs`, each in its directory below `sweep`, and list them there beside those that are `done`.

    What is complete is left as it is, and what was interrupted goes on. ``options``: overrides of Hydra's own keys,
    such as ``hydra/launcher=joblib``.

    Raises:
        InputError: the launcher cannot be used.
    """
    listed = [*done, *jobs]
    write_sweep(
        sweep,
        options,
        config_dir,
        [job.directory for job in listed],
        contents(listed, config_dir),
        [job.overrides for job in listed],
    )
    own = [[*each.overrides, "resume=true", override("hydra.sweep.subdir", each.directory)] for each in jobs]

    def start(hydra: Hydra, config: DictConfig) -> None:
        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks(config)),
            task_function=job,
            config=config,
        )
        launcher.launch(own, initial_job_idx=0)

    with environment():
        _with_hydra(sweep, options, config_dir, start)


def _with_hydra(sweep: Path, options: Sequence[str], config_dir: str | None, use: Any) -> Any:
    """What `use` gives for Hydra's main object and the config of a multirun in ``sweep``."""
    given = [*options, "hydra.mode=MULTIRUN", override("hydra.sweep.dir", str(sweep))]
    search_path = create_config_search_path(str(CONF))
    if config_dir is not None:
        own = f"file://{Path(config_dir).resolve()}"
        search_path.prepend("command-line", own, SearchPathQuery(provider="schema"))
    GlobalHydra.instance().clear()
    try:
        hydra = Hydra.create_main_hydra2(task_name="seedbed", config_search_path=search_path)
        config = hydra.compose_config("config", given, RunMode.MULTIRUN, with_log_configuration=False)
    except (HydraException, OmegaConfBaseException) as error:
        GlobalHydra.instance().clear()
        raise explained(error, options) or InputError(str(error)) from None
    try:
        return use(hydra, config)
    finally:
        GlobalHydra.instance().clear()
