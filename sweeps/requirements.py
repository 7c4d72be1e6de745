"""Whether this machine has what a run asks for: a device, and the packages of extras."""

import importlib

import torch
from omegaconf import DictConfig

from sweeps.errors import InputError
from sweeps.logger import LoggerSettings

EXTRAS = {"joblib": "joblib", "submitit_slurm": "slurm", "ray": "ray"}
"""The optional dependencies that a launcher needs."""


def check_device(name: str) -> None:
    """Whether PyTorch can compute on a device here.

    Raises:
        InputError: it cannot.
    """
    usable = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    usable += [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if name not in usable:
        raise InputError(f"device={name}: not on this machine; expected: {', '.join(usable)}")


def check_logger(settings: LoggerSettings | None) -> None:
    """Whether what a logger needs is installed.

    Raises:
        InputError: it is not.
    """
    try:
        if settings is not None:
            settings.check_installed()
    except ImportError as error:
        raise InputError(f"logger: {error}") from None


def check_launcher(config: DictConfig) -> str:
    """The name of the launcher that starts the processes of a multirun.

    Raises:
        InputError: its package is not installed.
    """
    key, settings = "hydra/launcher", config.hydra.launcher
    if config.hydra.runtime.choices[key] == "lockstep" and settings.over is not None:
        key, settings = "hydra/launcher/over", settings.over
    launcher: str = config.hydra.runtime.choices[key]
    try:
        importlib.import_module(settings._target_.rpartition(".")[0])
    except ImportError as error:
        wanted = EXTRAS.get(launcher, launcher)
        command = f"pip install 'seedbed[{wanted}]'"
        raise InputError(f"{key}={launcher}: {error}; expected after: {command}") from None
    return launcher
