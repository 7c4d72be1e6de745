"""Bounds of a task's returns. Without them the expected best score has no upper limit."""

from functools import cache
from pathlib import Path

import yaml

FILE = Path(__file__).with_name("bounds.yaml")
RETURNS = ("episodic_return", "eval_return_deterministic", "eval_return_stochastic")
"""The columns to which the bounds apply."""


@cache
def shipped() -> dict[str, tuple[float, float]]:
    """The lowest and the highest return of an episode, by task."""
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {env_id: (float(low), float(high)) for env_id, (low, high) in content.items()}


def bounds_of(env_id: str, metric: str) -> tuple[float, float] | None:
    """The bounds of a task's scores. None if they are not known, or if the metric is no return."""
    return shipped().get(env_id) if metric in RETURNS else None
