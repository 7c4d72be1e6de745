"""Composing configs from ``conf/``, as Hydra's command line does."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sweeps import CONF
from sweeps.errors import InputError
from sweeps.hydra_errors import explained
from sweeps.overrides import override


def composed_config(
    overrides: Sequence[str], config_dir: str | os.PathLike[str] | None = None, name: str = "config"
) -> dict[str, Any]:
    """Compose a config as ``seedbed train --config-dir CONFIG_DIR OVERRIDES`` does.

    Args:
        overrides: ``KEY=VALUE`` and ``GROUP=OPTION``.
        config_dir: a folder with options of the user's.
        name: the file of ``conf/`` to start from.

    Returns:
        Plain dictionaries and lists, without Hydra's own section.

    Raises:
        InputError: An option or key does not exist, an interpolation does not resolve, or a value is missing.
    """
    given = [*overrides, *_search_path(config_dir)]
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return plain_config(compose(name, given))
    except (HydraException, OmegaConfBaseException) as error:
        raise explained(error, overrides, name) or error from None


def _search_path(config_dir: str | os.PathLike[str] | None) -> list[str]:
    if config_dir is None:
        return []
    path = Path(config_dir).resolve()
    if not path.is_dir():
        raise InputError(f"config_dir={str(config_dir)!r}: no such directory; expected: a folder of YAML files")
    return [override("hydra.searchpath", [f"file://{path}"])]


def composed_file(name: str, config_dir: str | os.PathLike[str] | None = None) -> dict[str, Any] | None:
    """Compose one file of the user's folder or of ``conf/``, with the files that its ``defaults`` name.

    Returns:
        Its content, or None if neither folder has the file.

    Raises:
        InputError: The file cannot be composed.
    """
    folders = [CONF, *([] if config_dir is None else [Path(config_dir)])]
    own = next((folder for folder in folders[::-1] if (folder / f"{name}.yaml").exists()), None)
    if own is None:
        return None
    # Hydra looks for the primary config in one folder only; the other folder goes to the search path.
    beside = config_dir if own == CONF else CONF
    try:
        with initialize_config_dir(str(own.resolve()), version_base="1.3"):
            return plain_config(compose(name, _search_path(beside)))
    except (HydraException, OmegaConfBaseException) as error:
        raise explained(error, []) or error from None


def own_config_dir(config: DictConfig) -> str | None:
    """The folder that ``--config-dir`` named, or None."""
    sources = config.hydra.runtime.config_sources
    return next((source.path for source in sources if source.provider == "command-line"), None)


def plain_config(config: DictConfig) -> dict[str, Any]:
    """The resolved config as plain dictionaries and lists, without Hydra's own section.

    Raises:
        InputError: An interpolation does not resolve, or a value is missing.
    """
    own = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    try:
        content: Any = OmegaConf.to_container(own, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise InputError(f"{error.full_key}: {error.msg}; expected: a value") from None
    return content
