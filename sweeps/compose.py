"""Composing configs from ``conf/``, as Hydra's command line does."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sweeps.errors import InputError

CONF = Path(__file__).resolve().parent.parent / "conf"
"""The folder of this installation. A path, not a package: a folder ``conf`` in the working directory is the user's."""


def composed_config(overrides: Sequence[str]) -> dict[str, Any]:
    """The config that ``seedbed train OVERRIDES`` composes, as plain containers.

    Raises:
        InputError: an interpolation does not resolve, or a value is missing.
    """
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return plain_config(compose("config", list(overrides)))


def plain_config(config: DictConfig) -> dict[str, Any]:
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
