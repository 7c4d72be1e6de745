"""Refuse to import code that the files of a run or sweep name, unless the user allows it.

The config of a user's own variant or task names its module. ``resume``, ``evaluate`` and ``record`` would import it,
although the directory may come from somebody else.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.run_format import read_config
from sweeps.errors import InputError

OWN = ("algos", "analysis", "sweeps")

HARMLESS = ("hydra.mode", "hydra.sweep.dir", "hydra.sweep.subdir", "hydra/launcher", "hydra/launcher/over")
"""Settings of Hydra's own that name no code."""

HARMLESS_OF_LAUNCHERS = (
    *("n_jobs", "partition", "account", "qos", "cpus_per_task", "timeout_min", "mem_gb", "array_parallelism"),
    *("signal_delay_s", "max_num_timeout", "ray.init.address", "ray.remote.num_cpus"),
    *("memory_gb", "max_rows"),
)


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--trust``."""
    parser.add_argument(
        "--trust",
        action="store_true",
        help="allow imports of modules that files in the directory name; use it for your own runs",
    )


def named_code(config: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each key of a config that names a module outside seedbed, and the name."""
    if isinstance(config, Mapping):
        for key, value in config.items():
            inner = f"{path}.{key}" if path else str(key)
            module = value.rpartition(":")[0] if inner == "env.id" and isinstance(value, str) else value
            names = key == "_target_" or inner in ("env.id", "env.module")
            if not names:
                yield from named_code(value, inner)
            elif module and str(module).split(".")[0] not in OWN:
                yield inner, str(value)
    elif isinstance(config, list):
        for index, value in enumerate(config):
            yield from named_code(value, f"{path}[{index}]")


def check_run(directory: Path, trust: bool) -> None:
    """Check that the run in ``directory`` may be trained or played.

    Raises:
        InputError: Its config names code, and ``trust`` does not allow it.
    """
    if not trust:
        _refuse(directory, dict(named_code(read_config(directory))))


def check_sweep(directory: Path, arguments: Sequence[str], trust: bool) -> None:
    """Check that the command line of a sweep or a study may run again.

    Raises:
        InputError: It names code, or a folder whose configs may name code, and ``trust`` does not allow it.
    """
    if trust:
        return
    found: dict[str, str] = {}
    for argument in arguments:
        key, _, value = argument.partition("=")
        key = key.lstrip("+~")
        of_launcher = key.removeprefix("hydra.launcher.").removeprefix("over.") in HARMLESS_OF_LAUNCHERS
        of_hydra = key.startswith("hydra") and key not in HARMLESS and not of_launcher
        of_task = (
            key == "env.module" or (key == "env.id" and {":", "$"} & set(value)) or (key == "env" and "{" in value)
        )
        of_score = key == "score" and ":" in value
        if of_hydra or of_task or of_score or "_target_" in argument or argument.startswith("-"):
            found[key] = value or "…"
    _refuse(directory, found)


def _refuse(directory: Path, found: Mapping[str, str]) -> None:
    if found:
        named = ", ".join(f"{key}={value}" for key, value in found.items())
        raise InputError(f"{directory}: names code to import ({named}); expected: --trust, if you trust its source")
