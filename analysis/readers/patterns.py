"""Which part of a path is the variant, the task, the seed: `{variant}/{task}_{seed}`, as the user says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from analysis.run_format import InputError

FIELDS = ("variant", "task", "seed")
EXAMPLE = "{variant}/{task}_{seed}"


@dataclass(frozen=True)
class Pattern:
    """`text` describes the end of a run's path. `{variant}`, `{task}` and `{seed}` stand for a part of a name without a
    slash, `{seed}` for digits; `*` for any part of a name that says nothing."""

    text: str

    def __post_init__(self) -> None:
        fields = re.findall(r"\{([^{}]*)\}", self.text)
        if not fields or set(fields) - set(FIELDS) or len(fields) != len(set(fields)):
            raise InputError(
                f"--pattern {self.text}: expected {{variant}}, {{task}} and {{seed}}, each once at most, as {EXAMPLE}"
            )

    @cached_property
    def expressions(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        """The same pattern with each part as short, and as long, as can be."""
        return self._expression("?"), self._expression("")

    def _expression(self, lazy: str) -> re.Pattern[str]:
        parts = []
        for piece in re.split(r"(\{\w+\}|\*)", self.text.strip("/")):
            if piece == "*":
                parts.append(f"[^/]*{lazy}")
            elif piece == "{seed}":
                parts.append(r"(?P<seed>\d+)")
            elif piece.startswith("{"):
                parts.append(f"(?P<{piece[1:-1]}>[^/]+{lazy})")
            else:
                parts.append(re.escape(piece))
        return re.compile(rf"(?:.*/)?{''.join(parts)}")

    def match(self, path: str) -> Mapping[str, str] | None:
        """The fields of a path; None if it does not match. Raises InputError if it matches in two ways."""
        short, long = (expression.fullmatch(path) for expression in self.expressions)
        if short is None or long is None:
            return None
        if short.groupdict() != long.groupdict():
            ways = " or ".join(str(found.groupdict()) for found in (short, long))
            raise InputError(f"--pattern {self.text}: {path} matches in two ways, {ways}; expected: one way")
        return short.groupdict()


def described(facts: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {facts.get(name, 'not known')}" for name in FIELDS)
