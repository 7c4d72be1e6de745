"""marl-eval's JSON: environment, task, algorithm, seed, step."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.choices import Choices
from analysis.readers.remarks import Remarks
from analysis.runs.dataset import Dataset
from analysis.writers.protocol import remarks
from analysis.writers.table import plain_table

ENVIRONMENT = "seedbed"


class MarlEvalWriter:
    name = "marl-eval"
    suffix = ".json"

    def files(self, dataset: Dataset, choices: Choices, out: Path) -> Mapping[Path, bytes]:
        """A step without a value has no entry of the metric. What has no place in the format is in a file beside."""
        content: dict[str, Any] = {}
        table = plain_table(dataset, choices.metric)
        for (task, variant, seed), rows in table.groupby(["task", "variant", "seed"], sort=True):
            run: dict[str, Any] = {}
            for number, (step, value) in enumerate(zip(rows["env_steps"], rows["value"], strict=True)):
                entry: dict[str, Any] = {"step_count": int(step)}
                if math.isfinite(value):
                    entry[choices.metric] = [float(value)]
                run[f"step_{number}"] = entry
            run["absolute_metrics"] = {}
            content.setdefault(str(task), {}).setdefault(str(variant), {})[f"seed_{seed}"] = run
        beside = remarks(dataset, choices.metric).text()
        return {
            out: (json.dumps({ENVIRONMENT: content}, indent=1, allow_nan=False) + "\n").encode(),
            Remarks.path(out): beside.encode(),
        }
