"""Search spaces, in the terms of Optuna's distributions: float, int and categorical; log; step.

Every distribution maps a point of [0, 1) to a value, and a value back to a point. The point is uniform where the value
is drawn at random.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from analysis.run_format import InputError

Value = bool | int | float | str | None
DIGITS = 4
"""Significant digits of drawn values, so that a winner can be read, typed and quoted."""


@dataclass(frozen=True)
class Float:
    """Numbers from `low` to `high`, both included: uniform, uniform in the logarithm, or in steps from `low`."""

    type: ClassVar[str] = "float"
    low: float
    high: float
    log: bool = False
    step: float | None = None

    def value(self, unit: float) -> float:
        """The value at `unit` of [0, 1)."""
        if self.step is not None:
            return float(f"{self.low + self.step * int(unit * self._choices):.12g}")
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        drawn = low + unit * (high - low)
        rounded = float(f"{math.exp(drawn) if self.log else drawn:.{DIGITS}g}")
        return min(max(rounded, self.low), self.high)

    def unit(self, value: Any) -> float:
        """The point of [0, 1] of a value."""
        if self.step is not None:
            return (round((float(value) - self.low) / self.step) + 0.5) / self._choices
        if self.low == self.high:
            return 0.5
        if self.log:
            return math.log(float(value) / self.low) / math.log(self.high / self.low)
        return (float(value) - self.low) / (self.high - self.low)

    @property
    def _choices(self) -> int:
        assert self.step is not None
        return int((self.high - self.low) / self.step * (1 + 1e-12)) + 1


@dataclass(frozen=True)
class Int:
    """Whole numbers from `low` to `high`, both included: in steps from `low`, or uniform in the logarithm."""

    type: ClassVar[str] = "int"
    low: int
    high: int
    log: bool = False
    step: int = 1

    def value(self, unit: float) -> int:
        """The value at `unit` of [0, 1)."""
        if self.log:
            low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
            return min(max(round(math.exp(low + unit * (high - low))), self.low), self.high)
        return self.low + self.step * int(unit * self._choices)

    def unit(self, value: Any) -> float:
        """The point of [0, 1] of a value."""
        if self.log:
            low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
            return (math.log(value) - low) / (high - low)
        return ((int(value) - self.low) // self.step + 0.5) / self._choices

    @property
    def _choices(self) -> int:
        return (self.high - self.low) // self.step + 1


@dataclass(frozen=True)
class Categorical:
    """One of several values, each with the same probability."""

    type: ClassVar[str] = "categorical"
    choices: tuple[Value, ...]

    def value(self, unit: float) -> Value:
        """The value at `unit` of [0, 1)."""
        return self.choices[int(unit * len(self.choices))]

    def unit(self, value: Any) -> float:
        """The point of [0, 1] of a value. Choices are in the order given."""
        return (self.choices.index(value) + 0.5) / len(self.choices)

    def choice(self, cell: Any) -> Value:
        """The choice that a cell of a table stands for.

        A number is matched by its value, anything else by its text; an empty cell is null.

        Raises:
            ValueError: The cell is none of the choices.
        """
        if cell in self.choices:
            return self.choices[self.choices.index(cell)]
        texts = ["" if choice is None else str(choice) for choice in self.choices]
        return self.choices[texts.index("" if cell != cell else str(cell))]


Distribution = Float | Int | Categorical

EXPECTED = "expected: {type: float, low: 1.0e-4, high: 0.1, log: true}, or type int or categorical (with choices)"
KEYS = {"float": {"low", "high", "log", "step"}, "int": {"low", "high", "log", "step"}, "categorical": {"choices"}}


def described(distribution: Distribution) -> dict[str, Any]:
    """The distribution as in YAML."""
    if isinstance(distribution, Categorical):
        return {"type": distribution.type, "choices": list(distribution.choices)}
    return {"type": distribution.type, **asdict(distribution)}


def in_words(distribution: Distribution) -> str:
    """The distribution in words: "0.0001 to 0.1, log" or "16 | 64 | 256"."""
    if isinstance(distribution, Categorical):
        return " | ".join(map(str, distribution.choices))
    step = f", step {distribution.step:g}" if distribution.step not in (None, 1) else ""
    return f"{distribution.low:g} to {distribution.high:g}{', log' * distribution.log}{step}"


def read_space(content: Mapping[str, Any], where: str) -> dict[str, Distribution]:
    """The distributions of a space's file, by dotted key. `where` names the file in messages.

    Raises:
        InputError: The space is empty, or an entry is not a distribution.
    """
    found = {key: read_distribution(entry, f"{where}.{key}") for key, entry in _entries(content, where)}
    if not found:
        raise InputError(f"{where}: an empty space has nothing to tune; expected: at least one setting")
    return dict(sorted(found.items()))


def _entries(content: Mapping[str, Any], where: str, prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, value in content.items():
        name = f"{prefix}{key}"
        if value is None:
            continue  # KEY=null takes a setting out of the space
        if not isinstance(value, Mapping):
            raise InputError(f"{where}.{name}={value!r}: not a distribution; {EXPECTED}")
        if "type" in value and not isinstance(value["type"], Mapping):
            yield name, value
        else:
            yield from _entries(value, where, f"{name}.")


def read_distribution(entry: Mapping[str, Any], where: str) -> Distribution:
    """The distribution of one setting.

    Raises:
        InputError: The entry is not a distribution.
    """
    kind = entry["type"]
    if kind not in KEYS:
        raise InputError(f"{where}.type={kind!r}: unknown; expected: float, int or categorical")
    given = {key: value for key, value in entry.items() if key != "type" and value is not None}
    if unknown := given.keys() - KEYS[kind]:
        name = sorted(unknown)[0]
        expected = ", ".join(sorted(KEYS[kind]))
        raise InputError(f"{where}.{name}={given[name]!r}: unknown key of type {kind}; expected: {expected}")
    return _categorical(given, where) if kind == "categorical" else _numeric(kind, given, where)


def _categorical(given: Mapping[str, Any], where: str) -> Categorical:
    choices = given.get("choices")
    if not isinstance(choices, list | tuple) or not choices:
        raise InputError(f"{where}.choices={choices!r}: nothing to choose; expected: a list of values")
    for choice in choices:
        if not isinstance(choice, Value):
            raise InputError(f"{where}.choices: {choice!r} is no single value; expected: numbers, words, true, null")
    if len(set(map(repr, choices))) < len(choices):
        raise InputError(f"{where}.choices={list(choices)!r}: names a value twice; expected: each once")
    return Categorical(tuple(choices))


def _numeric(kind: str, given: Mapping[str, Any], where: str) -> Distribution:
    whole = kind == "int"
    log = given.get("log", False)
    if not isinstance(log, bool):
        raise InputError(f"{where}.log={log!r}: expected: true or false")
    for name in ("low", "high", "step"):
        value = given.get(name)
        if name == "step" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not math.isfinite(value):
            raise InputError(f"{where}.{name}={value!r}: expected: a {'whole ' * whole}number")
    low, high, step = given["low"], given["high"], given.get("step")
    if low > high:
        raise InputError(f"{where}: low={low:g} is above high={high:g}; expected: low, the smaller one")
    if log and low <= 0:
        raise InputError(f"{where}.low={low:g}: has no logarithm; expected with log: a number above 0")
    if step is not None and (step <= 0 or log):
        raise InputError(f"{where}.step={step:g}: expected: a number above 0, and none with log")
    if whole:
        return Int(low, high, log, step or 1)
    return Float(float(low), float(high), log, None if step is None else float(step))
