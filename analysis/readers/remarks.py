"""Remarks: a file beside an exported one, for what the other format has no place for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from analysis.readers.logs import Series
from analysis.readers.settings import read_json
from analysis.run_format import OK, InputError

FAILED = "failed"
"""Status of the last row of a seed that failed, if the export does not say more."""


@dataclass(frozen=True)
class Remarks:
    """What seedbed knows of exported runs.

    Attributes:
        metric: the exported metric.
        pairing: by variant. Runs with the same pairing and seed began alike.
        failed: [variant, task, seed] of each seed that failed.
        unfinished: [variant, task, seed] of each seed that had not finished.
        scores: for an export of scores: the scores, and the numbers that they depend on.
    """

    metric: str = ""
    pairing: Mapping[str, str] = field(default_factory=dict)
    failed: Sequence[Sequence[Any]] = ()
    unfinished: Sequence[Sequence[Any]] = ()
    scores: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def path(exported: Path) -> Path:
        return exported.with_name(f"{exported.stem}.seedbed.json")

    @classmethod
    def beside(cls, exported: Path) -> "Remarks":
        """The remarks on an exported file. Empty if there are none.

        Raises:
            InputError: The file of the remarks cannot be read.
        """
        path = cls.path(exported)
        if not path.is_file():
            return cls()
        try:
            return cls(**read_json(path))
        except TypeError:
            raise InputError(f"{path}: has other keys than seedbed export writes; expected: that file") from None

    def text(self) -> str:
        return json.dumps(asdict(self), indent=1, allow_nan=False) + "\n"

    def is_unfinished(self, *seed: Any) -> bool:
        return list(seed) in [list(each) for each in self.unfinished]

    def applied(self, series: Series, *seed: Any) -> Series:
        """The `series`, with the status of a failure at its end if the seed failed."""
        if list(seed) not in [list(each) for each in self.failed] or not len(series.env_steps):
            return series
        statuses = np.full(len(series.env_steps), OK, dtype=object)
        statuses[-1] = FAILED
        return replace(series, statuses=statuses)
