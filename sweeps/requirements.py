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
    """The name of the launcher that a multirun uses.

    Raises:
        InputError: its package is not installed.
    """
    launcher: str = config.hydra.runtime.choices["hydra/launcher"]
    try:
        importlib.import_module(config.hydra.launcher._target_.rpartition(".")[0])
    except ImportError as error:
        wanted = EXTRAS.get(launcher, launcher)
        command = f"pip install 'seedbed[{wanted}]'"
        raise InputError(f"hydra/launcher={launcher}: {error}; expected after: {command}") from None
    return launcher
