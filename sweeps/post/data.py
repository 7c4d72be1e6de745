"""The numbers behind the figures: compressed CSVs and the facts of their runs, taken from run directories."""

import gzip
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import RunWarning, load_runs
from analysis.run_format import has_ended, read_config, read_info, read_json
from sweeps.batch import Run, seconds_of_iterations
from sweeps.files import replace_file, write_json
from sweeps.post.runs import HALF_TRAINED
from sweeps.post.trust_region import along_natural_gradient
from sweeps.trained import load_agents

FACTS = "runs.json"
METRICS = ("episodic_return", "post_return")
TOLD = ("algo", "env_id", "seeds", "iterations", "status", "failed_seeds", "command", "commit", "versions", "host")
SETTINGS = ("num_envs", "num_steps", "gamma", "gae_lambda")


@dataclass(frozen=True)
class Data:
    """A directory of ``NAME.csv.gz`` files, one per run, and ``runs.json``."""

    directory: Path

    def has(self, name: str) -> bool:
        """Whether the run's numbers are here."""
        return (self.directory / f"{name}.csv.gz").exists()

    def facts(self) -> dict[str, dict[str, Any]]:
        """By run: what ``run.json`` says, main settings, ``seconds`` that its iterations took, and ``quick``."""
        path = self.directory / FACTS
        return read_json(path) if path.exists() else {}

    def frame(self, name: str) -> pd.DataFrame:
        """Rows of ``seed, iteration, status`` and the metrics, under the run's name as ``variant``."""
        return pd.read_csv(self.directory / f"{name}.csv.gz").assign(variant=name)

    def write(self, name: str, frame: pd.DataFrame) -> None:
        """Keep a table; the same numbers give the same bytes."""
        text = frame.to_csv(index=False, float_format="%.6g", lineterminator="\n")
        replace_file(self.directory / f"{name}.csv.gz", gzip.compress(text.encode(), mtime=0))

    def collect(self, run: Run, directory: Path, quick: bool) -> bool:
        """Take the numbers of the run in ``directory``; False where it has not ended, or is not there."""
        if not has_ended(directory):
            return False
        if run.name == HALF_TRAINED.name:
            self.write(run.name, trust_region(directory, quick))
        else:
            with warnings.catch_warnings(action="ignore", category=RunWarning):  # the captions tell
                frame = load_runs(directory)
            metrics = [name for name in METRICS if name in frame]
            self.write(run.name, frame[["seed", "iteration", "status", *metrics]])
        info, config = read_info(directory), read_config(directory)
        facts = {key: info[key] for key in TOLD} | {key: config[key] for key in SETTINGS}
        seconds = round(sum(seconds_of_iterations(directory)), 1)
        write_json(self.directory / FACTS, self.facts() | {run.name: facts | {"seconds": seconds, "quick": quick}})
        return True


def trust_region(directory: Path, quick: bool) -> pd.DataFrame:
    """The table of :func:`along_natural_gradient` for the first seed of a run."""
    config, policy, critic = load_agents(directory, range(1))
    multiples = np.linspace(-4.0, 8.0, 13 if quick else 49)
    return along_natural_gradient(policy, critic, config, multiples, num_episodes=32 if quick else 256)
