"""Train from a notebook or a program: one call trains a run and returns its rows."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps.overrides import override

if TYPE_CHECKING:
    import pandas as pd


def train(
    *overrides: str,
    directory: str | os.PathLike[str] | None = None,
    config_dir: str | os.PathLike[str] | None = None,
    **settings: Any,
) -> "pd.DataFrame":
    """Train all seeds of one run and return its rows: ``train("algo=ppo", "env=cartpole", num_seeds=4)``.

    Args:
        overrides: what ``seedbed train`` takes, such as ``"algo=ppo"`` or ``"algo.clip_coef=0.2"``.
        directory: where the run goes. A run that is there already continues, or is read if it is complete. By default
            a new temporary directory, which nothing deletes.
        config_dir: a folder of your own options beside ours, as ``--config-dir``.
        settings: the same as ``overrides``, for keys without a dot: ``num_seeds=4, evaluation={"interval": 5}``.

    Returns:
        One row per seed and iteration, as :func:`analysis.load_runs` gives it; ``frame.attrs["directory"]`` says where
        the run is.

    Raises:
        InputError: A setting or the directory is wrong.
        TaskError: The task cannot be made.
        RuntimeError: Training failed; the message names the error and the file with its traceback.
        KeyboardInterrupt: The run was interrupted; the same call with its directory continues it.
    """
    from analysis import load_runs
    from analysis.run_format import FAILED, TRACEBACK, read_info
    from sweeps.compose import composed_config
    from sweeps.errors import InputError
    from sweeps.interrupt import interrupt
    from sweeps.jobs import check_jobs
    from sweeps.training import train_run

    given = [*overrides, *(each for key, value in settings.items() for each in _overrides(key, value))]
    for each in given:
        if each.lstrip("+~").startswith("hydra"):
            raise InputError(f"{each}: a setting of the command line; expected: directory=…, and one run a call")
    interrupt.received = None  # of an earlier call
    content = composed_config(["resume=true", *given], config_dir)
    path = Path(directory) if directory is not None else Path(tempfile.mkdtemp(prefix="seedbed-"))
    check_jobs([(content, path)], launcher="basic")
    status = train_run(content, path, {"overrides": given})
    if interrupt.received:
        raise KeyboardInterrupt(f"interrupted; to continue it: the same call with directory={str(path)!r}")
    if status == FAILED and "error" in (info := read_info(path)):
        raise RuntimeError(f"{info['error']} (see {path / TRACEBACK})")
    frame = load_runs(path)
    frame.attrs["directory"] = str(path)
    return frame


def _overrides(key: str, value: Any) -> Iterator[str]:
    """Yield overrides for a Python value; a mapping sets several keys."""
    if isinstance(value, Mapping):
        for inner, each in value.items():
            yield from _overrides(f"{key}.{inner}", each)
    else:
        yield override(key, value)
