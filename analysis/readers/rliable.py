"""Reads the score arrays of rliable, [runs, tasks] by variant, as `seedbed export --to rliable` writes them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from analysis.readers.files import load_arrays
from analysis.readers.logs import Log, Request, Series
from analysis.readers.remarks import FAILED, Remarks
from analysis.run_format import OK, InputError


class RliableReader:
    """Reads score arrays. A file holds many runs of two points: the untrained return, and the score at the horizon."""

    name = "rliable"
    looks_for = "an npz of scores that seedbed exported"
    whole_directory = False

    def claims(self, directory: Path, names: Sequence[str], request: Request) -> list[list[str]]:
        files = [name for name in names if name.endswith(".npz")]
        return [[name] for name in files if request.explicit or Remarks.path(directory / name).is_file()]

    def read(self, directory: Path, names: Sequence[str], request: Request) -> Iterable[Log]:
        path = directory / names[0]
        remarks = Remarks.beside(path)
        if not remarks.scores:
            beside = Remarks.path(path).name
            raise InputError(f"{path}: nothing says which tasks its columns are; expected: {beside} beside it")
        horizons = remarks.scores["horizons"]
        for variant, tasks in remarks.scores["runs"].items():
            load_arrays(path, [variant])
            for task, seeds in tasks.items():
                for seed, run in seeds.items():
                    end = int(horizons[task])
                    steps = np.array([0, end])
                    values = np.array([np.nan if run["untrained"] is None else run["untrained"], run["score"]])
                    statuses = np.array([OK, FAILED if run["failed"] else OK], dtype=object)
                    metric = remarks.metric
                    wanted = [metric] if request.wanted is None else request.wanted
                    found = {name: Series(metric, steps, values, end, statuses) for name in wanted if name == metric}
                    facts = {"variant": variant, "task": task, "seed": int(seed)}
                    pairing = remarks.pairing.get(variant)
                    yield Log(path / variant / task, self.name, facts, found, [metric], {}, (), pairing)
