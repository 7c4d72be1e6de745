"""Train all seeds of a variant on a task: ``seedbed train algo=ppo env=swingup num_seeds=36``."""

import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from sweeps.imports import collect_rarely, own_packages_first

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from sweeps.training import Job


# Our configs of launchers have the names of their plugins' schemas, on purpose.
warnings.filterwarnings("ignore", message=r"\s*'hydra/launcher/\w+' is validated against ConfigStore schema")


def described(composed: "DictConfig") -> "Job":
    """The job that Hydra runs at the moment, ready for training."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode
    from omegaconf import OmegaConf

    from sweeps.compose import plain_config
    from sweeps.sweep_directory import find_job
    from sweeps.training import Job

    settings = HydraConfig.get()
    hydra_files = {
        "overrides": list(settings.overrides.task),
        "hydra": {"hydra": OmegaConf.to_container(OmegaConf.structured(settings), enum_to_str=True)},
    }
    title = ""
    if settings.mode == RunMode.MULTIRUN:
        number, own = find_job(Path(settings.sweep.dir), settings.sweep.subdir)
        title = f"{number} ({own}): " if own else f"{number}: "
    return Job(plain_config(composed), Path(settings.runtime.output_dir), hydra_files, title)


def job(composed: "DictConfig") -> None:
    """Train one job of a command; if it fails, a sweep continues with the next."""
    collect_rarely()
    own_packages_first()  # this may be a process that a launcher has started

    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from sweeps.interrupt import exit_interrupted, interrupt
    from sweeps.training import train

    own = described(composed)
    status = train(own.content, own.directory, own.hydra_files, own.title)
    settings = HydraConfig.get()
    multirun = settings.mode == RunMode.MULTIRUN
    in_command = settings.runtime.choices["hydra/launcher"] == "basic"
    if interrupt.received and in_command:
        exit_interrupted(Path(settings.sweep.dir) if multirun else own.directory)
    if status and not multirun:
        sys.exit(status)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and exit with the status of the run or sweep; with 2 and one line if the input is wrong."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    collect_rarely()
    own_packages_first()
    if {"--help", "-h"} & set(given):
        from sweeps.train_help import help_text

        print(help_text(given))
        return
    # Hydra's parser takes no option between overrides.
    sys.argv = ["seedbed train", *sorted(given, key=lambda each: each not in ("-m", "--multirun"))]
    import hydra

    from sweeps import CONF

    wants_everything = os.environ.get("HYDRA_FULL_ERROR") == "1"
    try:
        with environment():
            hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(job)()
    except Exception as error:
        _exit(error, given, wants_everything)


@contextmanager
def environment() -> Iterator[None]:
    """Make Hydra raise its errors instead of printing them, and keep the working directory off a worker's path."""
    names = ("HYDRA_FULL_ERROR", "PYTHONSAFEPATH")
    before = {name: os.environ.get(name) for name in names}
    os.environ |= dict.fromkeys(names, "1")
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _exit(error: Exception, given: Sequence[str], wants_everything: bool) -> NoReturn:
    from sweeps.errors import exit_with
    from sweeps.hydra_errors import explained

    told = None if wants_everything else explained(error, given)
    if told is not None:
        exit_with(told)
    traceback.print_exception(error)
    sys.exit(1)
