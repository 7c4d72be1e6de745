"""Whether this machine has what a run asks for: a device, and the packages of extras."""

import importlib
import importlib.util

import torch
from omegaconf import DictConfig

from sweeps.errors import InputError

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


def check_logger(name: str | None) -> None:
    """Whether what a logger needs is installed.

    Raises:
        InputError: it is not.
    """
    if name is not None and importlib.util.find_spec(name) is None:
        raise InputError(f"logger={name}: not installed; expected after: pip install 'seedbed[{name}]'")


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
