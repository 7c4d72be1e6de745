"""Hydra's callbacks: they check all jobs before the first one starts, and print a summary after a sweep."""

import sys
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from algos.envs.errors import TaskError
from sweeps.compose import own_config_dir, plain_config
from sweeps.errors import InputError, exit_with
from sweeps.interrupt import exit_interrupted, interrupt
from sweeps.jobs import ELSEWHERE, check_jobs, sweep_jobs
from sweeps.requirements import check_launcher
from sweeps.run_directory import check_writable
from sweeps.status import outcome
from sweeps.sweep_directory import write_sweep


def _must_pass(check: Callable[..., None]) -> Callable[..., None]:
    """End the command where a check fails; Hydra would only warn and start the jobs."""

    @wraps(check)
    def checked(*args: Any, **kwargs: Any) -> None:
        try:
            check(*args, **kwargs)
        except (InputError, TaskError) as error:
            exit_with(error)
        except Exception:
            traceback.print_exc()
            sys.exit(1)

    return checked


class CheckBeforeStart(Callback):
    """Check every job before the first one starts; end the command with status 2 and one line if any is wrong."""

    @_must_pass
    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the one job."""
        check_jobs([(plain_config(config), Path(config.hydra.run.dir))], launcher="basic")

    @_must_pass
    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check all jobs of the sweep and list them in its directory."""
        try:
            jobs = sweep_jobs(config)
        except (HydraException, OmegaConfBaseException):
            return  # Hydra will compose the jobs again, and report this error itself
        launcher = check_launcher(config)
        sweep = Path(config.hydra.sweep.dir)
        check_writable(sweep)
        paths = [sweep / job.hydra.sweep.subdir for job in jobs]
        contents = [plain_config(job) for job in jobs]
        check_jobs(list(zip(contents, paths, strict=True)), launcher)
        write_sweep(
            sweep,
            [*config.hydra.overrides.hydra, *config.hydra.overrides.task],
            own_config_dir(config),
            [job.hydra.sweep.subdir for job in jobs],
            contents,
            [list(job.hydra.overrides.task) for job in jobs],
        )
        if launcher not in ELSEWHERE:
            interrupt.install(sweep)

    @_must_pass
    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Print how the jobs ended; the exit status is 0 only if all are complete."""
        sweep = Path(config.hydra.sweep.dir)
        status = outcome(sweep)
        if interrupt.received:
            exit_interrupted(sweep)
        sys.exit(status)
