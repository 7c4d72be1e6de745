"""A tuning study, read from its files: `study.json`, `trials.csv`, `fresh.csv`, `winners.csv` and the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.run_format import STUDY, InputError, read_json
from analysis.tuning.ledger import LEDGER, read_ledger
from analysis.tuning.space import Categorical, Distribution, read_distribution

TRIALS, FRESH, WINNERS = "trials.csv", "fresh.csv", "winners.csv"
MADE = "made.json"
TUNED, PRESET = "tuned", "preset"
"""Origin of a fresh run's settings: the winner of tuning, or the preset that comes with seedbed."""


@dataclass(frozen=True)
class Study:
    """A tuning study.

    Attributes:
        plan: the content of study.json.
        trials: one row per trial and seed: variant, env_id, trial, seed, score, failed, then a column for each setting.
        fresh: one row per fresh seed: variant, origin, env_id, seed, score, failed.
        winners: one row per task and variant: trial, score (the mean over the tuning seeds), and the experiment that it
            is frozen as.
        ledger: the cost of every run.
        made: the content of made.json: the command, and the commits and processors of all runs.
    """

    plan: Mapping[str, Any]
    trials: pd.DataFrame
    fresh: pd.DataFrame
    winners: pd.DataFrame
    ledger: pd.DataFrame
    made: Mapping[str, Any]

    @property
    def variants(self) -> list[str]:
        return list(self.plan["algo"])

    @property
    def tasks(self) -> list[str]:
        """The ids of the tasks."""
        return list(self.plan["tasks"].values())

    @property
    def sign(self) -> float:
        """-1 where lower is better."""
        return -1.0 if self.plan["lower_is_better"] else 1.0

    @cached_property
    def spaces(self) -> dict[str, dict[str, Distribution]]:
        """The space of each variant. Empty if the trials are of a grid."""
        return {
            variant: {key: read_distribution(entry, f"space.{variant}.{key}") for key, entry in space.items()}
            for variant, space in self.plan["spaces"].items()
        }

    @cached_property
    def means(self) -> pd.DataFrame:
        """One row per trial: variant, env_id, trial, `score` (the mean over seeds), `failed` (the number of failed
        seeds).
        """
        groups = self.trials.groupby(["variant", "env_id", "trial"], sort=False)
        return groups.agg(score=("score", "mean"), failed=("failed", "sum")).reset_index()

    @cached_property
    def settings(self) -> dict[str, pd.DataFrame]:
        """By variant, one row per trial with the settings of its space as columns. Choices keep their types."""
        found = {}
        for variant, rows in self.trials.groupby("variant", sort=False):
            space = self.spaces[str(variant)]
            table = rows.drop_duplicates("trial").set_index("trial")[list(space)].sort_index()
            chosen = {
                key: pd.Series([each.choice(cell) for cell in table[key]], table.index, dtype=object)
                for key, each in space.items()
                if isinstance(each, Categorical)
            }
            found[str(variant)] = table.assign(**chosen)
        return found

    def scores(self, variant: str, env_id: str) -> pd.Series:
        """The scores of a variant's trials on a task, by number of the trial."""
        here = self.means[(self.means["variant"] == variant) & (self.means["env_id"] == env_id)]
        return here.set_index("trial")["score"].sort_index()


def read_study(directory: Path) -> Study:
    """The study whose files are in a directory.

    Raises:
        InputError: A file cannot be read.
    """
    plan = read_json(directory / STUDY)
    return Study(
        plan,
        read_table(directory / TRIALS),
        read_table(directory / FRESH),
        read_table(directory / WINNERS),
        read_ledger(directory / LEDGER),
        read_json(directory / MADE),
    )


def read_table(path: Path) -> pd.DataFrame:
    """A table of a study. Only an empty cell is missing: "None" is a word.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        return pd.read_csv(path, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {error}; expected: the table that seedbed tune wrote") from None
