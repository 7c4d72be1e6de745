"""The tables behind the page: the learning curve of each seed, and what each run cost."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import RunWarning, load_runs
from analysis.run_format import TIMING, read_config, read_info

CURVES, FACTS = "curves.csv", "runs.csv"

POINTS = 61
"""Points of a curve. The presets have 8 x 61 and 16 x 61 iterations."""


def curves(directory: Path) -> pd.DataFrame:
    """The learning curves of a run: one row per seed and point.

    The columns are those of a table that ``seedbed compare`` reads: ``variant, task, seed, env_steps, value, status``,
    and ``run``. ``value`` is the mean return of the training episodes that ended since the last point; NaN if none did.
    """
    with warnings.catch_warnings(action="ignore", category=RunWarning):  # the status tells which seeds failed
        rows = load_runs(directory, ["episodes", "episodic_return"])
    iterations = read_config(directory)["iterations"]
    rows["point"] = rows["iteration"] * POINTS // iterations
    rows["earned"] = (rows["episodes"] * rows["episodic_return"]).fillna(0.0)
    points = rows.groupby(["seed", "point"], observed=True)
    table = points.agg({"env_steps": "last", "episodes": "sum", "earned": "sum", "status": "last"}).reset_index()
    table["value"] = np.divide(
        table["earned"], table["episodes"], out=np.full(len(table), np.nan), where=table["episodes"] > 0
    )
    info = read_info(directory)
    table = table.assign(run=directory.name, variant=info["algo"], task=info["env_id"])
    return table[["run", "variant", "task", "seed", "env_steps", "value", "status"]]


def facts(directory: Path) -> pd.DataFrame:
    """What a run cost, and where it ran: one row. ``seconds`` include those of evaluations."""
    info, config = read_info(directory), read_config(directory)
    timing = pd.read_csv(directory / TIMING).sum()
    row = {
        "run": directory.name,
        "seconds": round(timing["seconds"]),
        "evaluation_seconds": round(timing.get("evaluation_seconds", 0.0)),
        "environments": "EnvPool" if config["env"]["vectorization"] == "envpool" else "Gymnasium",
        "processor": info["host"]["processor"],
        "commit": info["commit"],
    }
    return pd.DataFrame([row])
