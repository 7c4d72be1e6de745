"""Patterns of paths: which part is the variant, the task and the seed, as in `{variant}/{task}_{seed}`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from analysis.run_format import InputError

FIELDS = ("variant", "task", "seed")
EXAMPLE = "{variant}/{task}_{seed}"


@dataclass(frozen=True)
class Pattern:
    """Describes the end of a run's path.

    In `text`, `{variant}` and `{task}` stand for a part of a name without a slash, `{seed}` for digits, and `*` for any
    part of a name.
    """

    text: str

    def __post_init__(self) -> None:
        fields = re.findall(r"\{([^{}]*)\}", self.text)
        if not fields or set(fields) - set(FIELDS) or len(fields) != len(set(fields)):
            raise InputError(
                f"--pattern {self.text}: expected: {{variant}}, {{task}} and {{seed}}, each at most once, "
                f"as in {EXAMPLE}"
            )

    @cached_property
    def expressions(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        """The pattern with each part as short as possible, and with each part as long as possible."""
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
        """The fields of a path. None if it does not match.

        Raises:
            InputError: The path matches in two ways.
        """
        short, long = (expression.fullmatch(path) for expression in self.expressions)
        if short is None or long is None:
            return None
        if short.groupdict() != long.groupdict():
            ways = " or ".join(str(found.groupdict()) for found in (short, long))
            raise InputError(f"--pattern {self.text}: {path} matches in two ways, {ways}; expected: one way")
        return short.groupdict()


def described(facts: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {facts.get(name, 'not known')}" for name in FIELDS)
