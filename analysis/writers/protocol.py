"""What a writer is given, and what it makes of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from analysis.comparison import Choices
from analysis.readers.remarks import Remarks
from analysis.runs.dataset import Dataset


class Writer(Protocol):
    """Writes one format."""

    name: str
    suffix: str
    """Of the file."""

    def files(self, dataset: Dataset, choices: Choices, out: Path) -> Mapping[Path, bytes]:
        """The content of the file `out`, and of those beside it. Raises InputError."""


def pairings(dataset: Dataset) -> dict[str, str]:
    """By variant: what its runs have in common with those that began alike with the same seed."""
    found: dict[str, set[str]] = {}
    for name, run in dataset.runs.items():
        pairing = run.info["pairing"] if run.format else run.algo
        if pairing is not None:
            found.setdefault(dataset.variants[name], set()).add(str(pairing))
    return {variant: " ".join(sorted(names)) for variant, names in found.items()}


def remarks(dataset: Dataset, metric: str) -> Remarks:
    """What a format without a place for it leaves out."""
    by_state = {
        state: dataset.seeds.loc[dataset.seeds["state"] == state, ["variant", "env_id", "seed"]].values.tolist()
        for state in ("failed", "unfinished")
    }
    return Remarks(metric, pairings(dataset), by_state["failed"], by_state["unfinished"])
