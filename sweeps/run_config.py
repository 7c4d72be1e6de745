"""The typed config of a run: what it computes, and how it is kept."""

from typing import Annotated, Any

from pydantic import ValidationError

from algos.config import Config, Positive, part
from analysis.run_format import purpose_of
from sweeps.errors import InputError
from sweeps.logger import LoggerSettings


class RunConfig(Config):
    """What a run computes, and how it is kept."""

    checkpoint_interval: Positive
    resume: bool
    logger: Annotated[LoggerSettings | None, part(LoggerSettings, optional=True, log=("iteration",))]


def validate(composed: dict[str, Any]) -> RunConfig:
    """Turn a composed config into a typed one.

    Raises:
        InputError: One line with the first wrong key, its value and what is expected.
    """
    try:
        config = RunConfig.model_validate(composed)
    except ValidationError as error:
        raise InputError(_first_problem(error, composed)) from None
    purpose_of(config.seeds)
    return config


def _first_problem(error: ValidationError, composed: dict[str, Any]) -> str:
    problem = error.errors()[0]
    if problem["type"] == "value_error" and isinstance(problem["input"], dict):  # of a whole section
        return str(problem["ctx"]["error"])
    path: list[str] = []
    inside: Any = composed
    for key in problem["loc"]:
        known = key in inside if isinstance(inside, dict) else isinstance(key, int)
        if known or key == problem["loc"][-1]:  # what is not a key is the name of a chosen variant
            path.append(str(key))
            inside = inside[key] if known else None
    name = ".".join(path)
    if problem["type"] == "missing":
        return f"{name}: missing; expected: the keys of conf/"
    if problem["type"] == "extra_forbidden":
        return f"{name}={problem['input']!r}: unknown key; expected: the keys of conf/"
    return f"{name}={problem['input']!r}: {problem['msg'].replace('Input should be ', 'expected: ')}"
