"""Overrides in Hydra's grammar: ``KEY=VALUE``, with values that Hydra reads back as they were."""

import re
from typing import Any

PLAIN = re.compile(r"(?!(?:null|true|false|nan|inf)$)[A-Za-z_][\w./-]*", re.ASCII | re.IGNORECASE)
"""Texts that need no quotes: they are neither a number nor a word with a meaning of its own."""


def quoted(text: str) -> str:
    """A text in single quotes; backslashes are doubled only where a quote follows, as Hydra's grammar asks."""
    return "'" + re.sub(r"(\\*)('|\Z)", lambda match: match[1] * 2 + match[2].replace("'", "\\'"), text) + "'"


def value_text(value: Any) -> str:
    """A Python value, or a list of them, as Hydra's command line writes it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"[{','.join(map(value_text, value))}]"
    if isinstance(value, str):
        return value if PLAIN.fullmatch(value) else quoted(value)
    return str(value)


def override(key: str, value: Any) -> str:
    """``KEY=VALUE`` for a Python value."""
    return f"{key}={value_text(value)}"
