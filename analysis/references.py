"""References: fixed ends of each task's scale. With them a normalised score does not depend on the rest of a report."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from analysis.run_format import InputError

SHIPPED = Path(__file__).with_name("references.yaml")
RETURNS = ("episodic_return", "post_return", "eval_return_deterministic", "eval_return_stochastic")
"""The columns to which the shipped references apply."""

EXPECTED = "expected: TASK: {low: NUMBER, high: NUMBER, source: TEXT}"


@dataclass(frozen=True)
class Reference:
    """The ends of a task's scale: `low` counts as 0 and is the score of a failed seed, `high` counts as 1."""

    low: float
    high: float
    source: str = ""

    @property
    def width(self) -> float:
        return abs(self.high - self.low)


def references_for(
    metric: str, own: Mapping[str, Reference] | None = None, lower_is_better: bool = False
) -> dict[str, Reference]:
    """The reference of each task that has one.

    The shipped references are about returns. The user's `own` are about the `metric`, and come first.
    """
    about = metric in RETURNS and not lower_is_better
    return {**(shipped() if about else {}), **(own or {})}


@cache
def shipped() -> Mapping[str, Reference]:
    return read(SHIPPED)


def read(file: Path) -> dict[str, Reference]:
    """The references in a YAML file.

    Raises:
        InputError: The file cannot be read, or an entry is wrong.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}; expected: a YAML file of references") from None
    except (ValueError, yaml.YAMLError) as error:
        raise InputError(f"{file}: not YAML ({' '.join(str(error).split())}); {EXPECTED}") from None
    if not isinstance(content, dict):
        raise InputError(f"{file}: holds no mapping; {EXPECTED}")
    return {str(env_id): reference(file, str(env_id), value) for env_id, value in content.items()}


def reference(file: Path, env_id: str, value: Any) -> Reference:
    where = f"{file}: {env_id}"
    if not isinstance(value, dict) or not {"low", "high"} <= value.keys():
        raise InputError(f"{where}={value!r} has no low and high; {EXPECTED}")
    if unknown := value.keys() - {"low", "high", "source"}:
        raise InputError(f"{where}.{sorted(map(str, unknown))[0]} is unknown; {EXPECTED}")
    for name in ("low", "high"):
        number = value[name]
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
            raise InputError(f"{where}.{name}={number!r}; expected: a finite number")
    if value["low"] == value["high"]:
        raise InputError(f"{where}: low and high are both {value['low']:g}; expected: two different returns")
    return Reference(float(value["low"]), float(value["high"]), str(value.get("source", "")))
