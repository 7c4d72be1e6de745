"""Check that this machine has what a run needs: its device, and the packages of its extras."""

import importlib

import torch
from omegaconf import DictConfig

from sweeps.errors import InputError
from sweeps.logger import LoggerSettings

EXTRAS = {"joblib": "joblib", "submitit_slurm": "slurm", "ray": "ray"}
"""By launcher: the extra that installs its package."""


def check_device(name: str) -> None:
    """Check that PyTorch can compute on a device of this machine.

    Raises:
        InputError: It cannot.
    """
    usable = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    usable += [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if name not in usable:
        raise InputError(f"device={name}: not on this machine; expected: {', '.join(usable)}")


def check_logger(settings: LoggerSettings | None) -> None:
    """Check that the packages of a logger are installed.

    Raises:
        InputError: They are not.
    """
    try:
        if settings is not None:
            settings.check_installed()
    except ImportError as error:
        raise InputError(f"logger: {error}") from None


def check_launcher(config: DictConfig) -> str:
    """The name of the launcher that starts the processes of a multirun; checks that it is installed.

    Raises:
        InputError: Its package is not installed.
    """
    key, settings = "hydra/launcher", config.hydra.launcher
    if config.hydra.runtime.choices[key] == "lockstep":
        key, settings = "hydra/launcher/over", settings.over
    launcher: str = config.hydra.runtime.choices[key]
    try:
        importlib.import_module(settings._target_.rpartition(".")[0])
    except ImportError as error:
        wanted = EXTRAS.get(launcher, launcher)
        expected = f"pip install 'seedbed[{wanted}]'" + (f", or {key}=basic" if key.endswith("over") else "")
        raise InputError(f"{key}={launcher}: {error}; expected: {expected}") from None
    return launcher
