"""Read the command line of ``seedbed tune``; the defaults are in ``conf/tune.yaml``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from analysis.run_format import NOT_COMPUTED, is_below
from sweeps import CONF
from sweeps.errors import InputError

Positive = Annotated[int, Field(ge=1)]
NonNegative = Annotated[int, Field(ge=0)]
UNITS = {"k": 1_000, "M": 1_000_000, "G": 1_000_000_000}
COUNTS = ("trials", "seeds", "budget", "test_seeds", "test_seed", "seed", "workers")
LISTS = ("algo", "env")
TEXTS = ("study", "grid", "metric", "score", "launcher", "scope", "sampler")
"""Keys whose values are paths or words, which are not parsed as YAML."""

DECIDED = {
    "iterations": "budget=STEPS",
    "num_seeds": "seeds=N and test_seeds=N",
    "experiment": "algo=… env=…, and settings as KEY=VALUE",
    "resume": "nothing, because a study always resumes",
}
"""Settings of a run that a study decides, and what to give instead."""


class Options(BaseModel):
    """The keys of ``conf/tune.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    algo: list[str]
    env: list[str]
    trials: Positive
    seeds: Positive
    budget: Positive
    test_seeds: NonNegative
    test_seed: NonNegative
    scope: Literal["per_task", "all_tasks"]
    sampler: Literal["random", "tpe", "gp"]
    seed: NonNegative
    presets: bool
    metric: str
    score: str
    lower_is_better: bool
    study: str | None
    grid: str | None
    launcher: Literal["joblib", "submitit_slurm", "ray"] | None
    workers: Positive


@dataclass(frozen=True)
class Given:
    """A command line in parts.

    ``told``: the options that it names. ``budgets``: env steps by task. ``spaces``: overrides of each space.
    ``overrides``: those of every run. ``launching``: those of Hydra's launcher.
    """

    options: Options
    told: frozenset[str]
    budgets: dict[str, int] = field(default_factory=dict)
    spaces: dict[str, list[str]] = field(default_factory=dict)
    overrides: list[str] = field(default_factory=list)
    launching: list[str] = field(default_factory=list)


def defaults() -> dict[str, Any]:
    """The content of ``conf/tune.yaml``."""
    content: dict[str, Any] = yaml.safe_load((CONF / "tune.yaml").read_text(encoding="utf-8"))
    return content


def read_arguments(arguments: Sequence[str]) -> Given:
    """Read every ``KEY=VALUE`` of a command line.

    Raises:
        InputError: The first one that is wrong.
    """
    known = defaults()
    values = {key: _value(key, str(value)) if key in COUNTS else value for key, value in known.items()}
    told: set[str] = set()
    budgets: dict[str, int] = {}
    spaces: dict[str, list[str]] = {}
    overrides: list[str] = []
    launching: list[str] = []
    for argument in arguments:
        key, equals, text = argument.partition("=")
        if not equals:
            raise InputError(f"{argument}: not an override; expected: KEY=VALUE, or an option of seedbed tune --help")
        if key in known:
            values[key] = _value(key, text)
            told.add(key)
        elif key.startswith("budget."):
            budgets[key.removeprefix("budget.")] = _count(key, text)
        elif key.startswith("space."):
            _, name, rest = [*key.split(".", 2), ""][:3]
            spaces.setdefault(name, []).append(f"{rest}={text}")
        elif key.startswith("hydra.launcher."):
            launching.append(argument)
        elif key.lstrip("+~") in DECIDED or key.lstrip("+~").startswith("hydra"):
            raise InputError(
                f"{argument}: a study decides this; expected: {DECIDED.get(key.lstrip('+~'), 'no setting of Hydra')}"
            )
        else:
            overrides.append(argument)
    for key in LISTS:
        values[key] = values[key] or []
    for key, count in budgets.items():
        if count < 1:
            raise InputError(f"budget.{key}={count}: expected: 1 or more")
    try:
        options = Options.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        key = str(problem["loc"][0])
        message = problem["msg"].replace("Input should be ", "")
        raise InputError(f"{key}={problem['input']}: expected: {message}") from None
    return Given(options, frozenset(told), budgets, spaces, overrides, launching)


def _value(key: str, text: str) -> Any:
    if key in LISTS:
        names = [name for name in text.strip("[]").replace(" ", "").split(",") if name]
        if len(set(names)) < len(names):
            raise InputError(f"{key}={text}: names one of them twice; expected: each name once")
        return names
    if key in COUNTS:
        return _count(key, text)
    if key in TEXTS:
        return None if text == "null" else text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text  # the validation below refuses it


def _count(key: str, text: str) -> int:
    match = re.fullmatch(r"(?P<digits>[0-9][0-9_]*(\.[0-9]+)?)(?P<unit>[kMG]?)", text.strip())
    number = float(match["digits"].replace("_", "")) * UNITS.get(match["unit"], 1) if match else -0.5
    if number != int(number):
        raise InputError(f"{key}={text}: expected: a whole number, such as 32, 100000 or 100k")
    return int(number)


def is_kept(override: str) -> bool:
    """Whether an override changes what a run computes and therefore belongs to the plan of a study."""
    return not is_below(override.partition("=")[0].lstrip("+~"), NOT_COMPUTED)
