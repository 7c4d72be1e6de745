"""Reads marl-eval's JSON, as Stoix and BenchMARL write it: environment, task, algorithm, seed, step."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analysis.readers.logs import Log, Request, Series, series
from analysis.readers.names import choose
from analysis.readers.remarks import Remarks
from analysis.readers.settings import read_json
from analysis.run_format import InputError

ABSOLUTE = "absolute_metrics"
NOT_METRICS = ("step_count", "elapsed_time")
SHAPE = "{environment: {task: {algorithm: {seed_0: {step_0: {step_count: 0, METRIC: [0.0]}}}}}}"


class MarlEvalReader:
    """Reads marl-eval's JSON. One file holds many runs."""

    name = "marl-eval"
    looks_for = "JSON of marl-eval"
    whole_directory = False

    def claims(self, directory: Path, names: Sequence[str], request: Request) -> list[list[str]]:
        files = [name for name in names if name.endswith(".json")]
        return [[name] for name in files if request.explicit or looks_like_marl_eval(directory / name)]

    def read(self, directory: Path, names: Sequence[str], request: Request) -> Iterable[Log]:
        path = directory / names[0]
        content = read_json(path)
        remarks = Remarks.beside(path)
        environments = [tasks for tasks in content.values() if isinstance(tasks, dict)]
        if len(environments) != len(content) or not content:
            raise InputError(f"{path}: not marl-eval's JSON; expected: {SHAPE}")
        times = Counter(task for tasks in environments for task in tasks)
        for environment, tasks in content.items():
            for task, algorithms in tasks.items():
                name = task if times[task] == 1 else f"{environment}/{task}"
                for algorithm, seeds in mapping(path, algorithms).items():
                    for seed, run in mapping(path, seeds).items():
                        yield seed_log(path, name, algorithm, seed, mapping(path, run), request, remarks)


def looks_like_marl_eval(path: Path) -> bool:
    """Whether the content is nested as deep as marl-eval's; for a damaged file, whether it names `step_count`."""
    try:
        data = path.read_bytes()
        if not data.lstrip().startswith(b"{"):
            return False
        content: Any = json.loads(data)
    except OSError:
        return False
    except (ValueError, RecursionError):
        return b'"step_count"' in data
    for _ in range(3):
        if not isinstance(content, dict) or not content:
            return False
        content = next(iter(content.values()))
    return isinstance(content, dict) and any(is_seed(key) for key in content)


def is_seed(key: str) -> bool:
    return key.removeprefix("seed_").isdigit()


def mapping(path: Path, content: Any) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise InputError(f"{path}: {content!r:.40} where a mapping belongs; expected: {SHAPE}")
    return content


def seed_log(
    path: Path, task: str, algorithm: str, seed: str, run: Mapping[str, Any], request: Request, remarks: Remarks
) -> Log:
    where = f"{path}: {algorithm} on {task}, {seed}"
    if not is_seed(seed):
        raise InputError(f"{where}; expected: seed_NUMBER")
    steps: list[Any] = []
    values: dict[str, list[tuple[Any, float]]] = {}
    for name, content in run.items():
        if name == ABSOLUTE:
            continue
        if not isinstance(content, dict) or "step_count" not in content:
            raise InputError(f"{where}, {name}: has no step_count; expected: {SHAPE}")
        steps.append(content["step_count"])
        for metric, numbers in content.items():
            if metric not in NOT_METRICS:
                values.setdefault(metric, []).append((content["step_count"], mean(where, name, metric, numbers)))
    last = max((step for step in steps if isinstance(step, (int, float))), default=0)
    for metric, numbers in mapping(path, run.get(ABSOLUTE, {})).items():
        if metric not in NOT_METRICS:
            values[f"{ABSOLUTE}/{metric}"] = [(last, mean(where, ABSOLUTE, metric, numbers))]
    facts = {"variant": algorithm, "task": task, "seed": int(seed.removeprefix("seed_"))}
    found: dict[str, Series] = {}
    notes: list[str] = []
    for wanted in list(values) if request.wanted is None else request.wanted:
        if (metric := choose(values, wanted, request)) is None:
            continue
        known = dict(values[metric])
        # A step without the metric is a row without a value.
        rows = {step: known.get(step, np.nan) for step in steps} if ABSOLUTE not in metric else known
        all_steps = list(rows)
        check_steps(where, all_steps)
        found[wanted], told = series(where, metric, all_steps, list(rows.values()))
        found[wanted] = remarks.applied(found[wanted], algorithm, task, facts["seed"])
        notes += told
    unfinished = remarks.is_unfinished(algorithm, task, facts["seed"])
    pairing = remarks.pairing.get(algorithm)
    place = path / algorithm / task
    return Log(place, "marl-eval", facts, found, list(values), {}, notes, pairing, unfinished)


def check_steps(where: str, steps: Sequence[Any]) -> None:
    for step in steps:
        if isinstance(step, bool) or not isinstance(step, (int, float)):
            raise InputError(f"{where}: step_count={step!r}; expected: a number")


def mean(where: str, step: str, metric: str, numbers: Any) -> float:
    """Mean of a metric's values at one step: a list with one value per episode, or one number."""
    try:
        values = np.asarray(numbers, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{where}, {step}: {metric}={numbers!r:.60}; expected: numbers") from None
    return float(values.mean()) if values.size else float("nan")
