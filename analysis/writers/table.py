"""Writes one plain table: a row for each value of each seed."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.choices import Choices
from analysis.readers.table import METRIC, PAIRING, STATUS, UNFINISHED, VALUE, parquet
from analysis.runs.dataset import Dataset


def plain_table(dataset: Dataset, metric: str) -> pd.DataFrame:
    """One row for each row of the runs: variant, task, seed, env_steps, value, metric, status, pairing.

    `status` is ok, the quantity at which a seed failed, or unfinished. Runs with the same `pairing` and seed began
    alike.
    """
    frame = dataset.frame
    table = pd.DataFrame(
        {
            "variant": frame["variant"].astype(str),
            "task": frame["env_id"].astype(str),
            "seed": frame["seed"],
            "env_steps": frame["env_steps"],
            VALUE: frame[metric],
            METRIC: metric,
            STATUS: np.where(frame["finished"], frame[STATUS].astype(str), UNFINISHED),
        }
    )
    table[PAIRING] = table["variant"].map(dataset.pairings)
    return table.sort_values(["variant", "task", "seed", "env_steps"], kind="stable", ignore_index=True)


class CsvWriter:
    name = "csv"
    suffix = ".csv"

    def files(self, dataset: Dataset, choices: Choices, out: Path) -> Mapping[Path, bytes]:
        """The table. Numbers have as many digits as it takes to read them back exactly."""
        return {out: plain_table(dataset, choices.metric).to_csv(index=False, lineterminator="\n").encode()}


class ParquetWriter:
    name = "parquet"
    suffix = ".parquet"

    def files(self, dataset: Dataset, choices: Choices, out: Path) -> Mapping[Path, bytes]:
        parquet()
        buffer = io.BytesIO()
        plain_table(dataset, choices.metric).to_parquet(buffer, index=False)
        return {out: buffer.getvalue()}
