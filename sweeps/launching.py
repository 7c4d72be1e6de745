"""Start a list of jobs with one of Hydra's launchers: in this process, with joblib, on SLURM or on Ray."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

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
from sweeps.hydra_command import environment
from sweeps.hydra_command import job as train_job
from sweeps.hydra_errors import explained
from sweeps.jobs import ELSEWHERE, check_jobs
from sweeps.overrides import override
from sweeps.requirements import check_launcher
from sweeps.sweep_directory import write_sweep

T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """A run: its directory below the sweep's, and the overrides that ``seedbed train`` takes."""

    directory: str
    overrides: tuple[str, ...]


@dataclass(frozen=True)
class How:
    """How jobs are started.

    ``options``: overrides of Hydra's own keys, such as ``hydra/launcher=joblib``. ``config_dir``: the user's folder of
    options. The config of a job is composed once.
    """

    options: Sequence[str]
    config_dir: str | None
    _composed: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict, repr=False, compare=False)

    def content(self, job: Job) -> dict[str, Any]:
        """The composed config of a job.

        Raises:
            InputError: An override is wrong.
        """
        if job.overrides not in self._composed:
            self._composed[job.overrides] = composed_config([*job.overrides, "resume=true"], self.config_dir)
        return self._composed[job.overrides]

    def is_elsewhere(self, sweep: Path) -> bool:
        """Whether the jobs run on other machines, which handle signals themselves.

        Raises:
            InputError: The launcher cannot be used.
        """
        return self._launcher(sweep) in ELSEWHERE

    def check(self, jobs: Sequence[Job], sweep: Path) -> None:
        """Check all jobs and the launcher, before any job starts.

        Raises:
            InputError: The first job or launcher that is wrong.
            TaskError: The first task that cannot be made.
        """
        check_jobs([(self.content(job), sweep / job.directory) for job in jobs], self._launcher(sweep))

    def launch(self, jobs: Sequence[Job], done: Sequence[Job], sweep: Path) -> None:
        """Train ``jobs``, each in its directory below ``sweep``, and list them there beside those that are ``done``.

        A complete job stays as it is; an interrupted one continues.

        Raises:
            InputError: The launcher cannot be used.
        """
        listed = [*done, *jobs]
        write_sweep(
            sweep,
            self.options,
            self.config_dir,
            [job.directory for job in listed],
            [self.content(job) for job in listed],
            [job.overrides for job in listed],
        )
        own = [[*each.overrides, "resume=true", override("hydra.sweep.subdir", each.directory)] for each in jobs]

        def start(hydra: Hydra, config: DictConfig) -> None:
            launcher = Plugins.instance().instantiate_launcher(
                hydra_context=HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks(config)),
                task_function=train_job,
                config=config,
            )
            launcher.launch(own, initial_job_idx=0)

        with environment():
            self._with_hydra(sweep, start)

    def _launcher(self, sweep: Path) -> str:
        return self._with_hydra(sweep, lambda hydra, config: check_launcher(config))

    def _with_hydra(self, sweep: Path, use: Callable[[Hydra, DictConfig], T]) -> T:
        """Call ``use`` with Hydra's main object and the config of a multirun in ``sweep``; return its result."""
        given = [*self.options, "hydra.mode=MULTIRUN", override("hydra.sweep.dir", str(sweep))]
        search_path = create_config_search_path(str(CONF))
        if self.config_dir is not None:
            own = f"file://{Path(self.config_dir).resolve()}"
            search_path.prepend("command-line", own, SearchPathQuery(provider="schema"))
        GlobalHydra.instance().clear()
        try:
            hydra = Hydra.create_main_hydra2(task_name="seedbed", config_search_path=search_path)
            config = hydra.compose_config("config", given, RunMode.MULTIRUN, with_log_configuration=False)
        except (HydraException, OmegaConfBaseException) as error:
            GlobalHydra.instance().clear()
            raise explained(error, self.options) or InputError(str(error)) from None
        try:
            return use(hydra, config)
        finally:
            GlobalHydra.instance().clear()
