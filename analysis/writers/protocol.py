"""What a writer is given, and what it makes of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from analysis.choices import Choices
from analysis.readers.remarks import Remarks
from analysis.runs.dataset import Dataset


class Writer(Protocol):
    """Writes one format."""

    name: str
    suffix: str
    """Suffix of the file."""

    def files(self, dataset: Dataset, choices: Choices, out: Path) -> Mapping[Path, bytes]:
        """The contents of the file `out` and of the files beside it, by path.

        Raises:
            InputError: The runs cannot be written in this format.
        """


def remarks(dataset: Dataset, metric: str) -> Remarks:
    """The remarks for a format that has no place for them."""
    by_state = {
        state: dataset.seeds.loc[dataset.seeds["state"] == state, ["variant", "env_id", "seed"]].values.tolist()
        for state in ("failed", "unfinished")
    }
    return Remarks(metric, dataset.pairings, by_state["failed"], by_state["unfinished"])
