"""Configs and runs for tests, composed as the command line composes them."""

import copy
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hydra import compose, initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from algos.build import make_trainer
from algos.core.loop import Trainer
from algos.core.normalisation import ObservationNormaliser
from sweeps.compose import CONF, composed_config, plain_config
from sweeps.errors import InputError
from sweeps.run_config import RunConfig, validate
from sweeps.table import TableWriter, progress_rows

VARIANTS = ("reinforce", "a2c", "npg", "trpo", "ppo", "ppo_penalty")

RAW = ObservationNormaliser(1, 1, np.float64, normalise=False, clip=None)
"""For policies that are asked only about what their networks see."""


@cache
def plain(*overrides: str) -> dict[str, Any]:
    """The config of ``python -m sweeps.train OVERRIDES`` as plain containers; not to be changed.

    What :func:`sweeps.compose.composed_config` gives, in a tenth of its time: Hydra composes every choice of options
    once, and the values are set in a copy. ``tests/test_composing.py`` compares them.
    """
    options = tuple(each for each in overrides if _chooses(each))
    try:
        config = copy.deepcopy(_with_options(*options))
        values = [each for each in overrides if each not in options]
        ConfigLoaderImpl._apply_overrides_to_config(_PARSER.parse_overrides(values), config)
        return plain_config(config)
    except (HydraException, OmegaConfBaseException, InputError):
        return composed_config(overrides)  # which says what is wrong


_PARSER = OverridesParser.create()


def _chooses(override: str) -> bool:
    """Whether an override chooses an option of a group, or is Hydra's own."""
    key = override.partition("=")[0].lstrip("+~")
    return key.startswith("hydra") or (CONF / key).is_dir()


@cache
def _with_options(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("config", list(overrides))
    own = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    OmegaConf.set_struct(own, True)
    return own


def composed(*overrides: str) -> RunConfig:
    """The validated config of ``python -m sweeps.train OVERRIDES``."""
    return validate(plain(*overrides))


def trainer(*overrides: str) -> Trainer:
    """A run that is ready to iterate."""
    return make_trainer(composed(*overrides))


def train_rows(directory: Path, overrides: Sequence[str]) -> list[str]:
    """Train with these overrides; the lines of ``progress.csv``, header first."""
    config = composed(*overrides)
    writer = TableWriter(directory / "progress.csv")
    for iteration in make_trainer(config):
        writer.append(progress_rows(config.algo.name, config.env.id, config.seeds, iteration))
    return (directory / "progress.csv").read_text().splitlines()


def median_final_return(run: Trainer) -> float:
    """Median over seeds of the last iteration's episodic return."""
    *_, last = run
    return float(np.nanmedian(last.stats["episodic_return"]))
