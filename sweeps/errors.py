"""Errors in what the user gave: a command reports them in one line and exits with status 2."""

import sys
from typing import NoReturn

from analysis.run_format import InputError

__all__ = ["InputError", "exit_with", "one_line", "report"]


def one_line(error: Exception) -> str:
    """The message of an error in one line; a long one, such as a worker's traceback, is cut in the middle."""
    lines = str(error).split("\n")
    return " ".join(" ".join(lines if len(lines) < 5 else [lines[0], "…", *lines[-3:]]).split())


def report(message: str) -> None:
    """Print an error message to stderr."""
    print(f"error: {message}", file=sys.stderr, flush=True)


def exit_with(error: Exception) -> NoReturn:
    """Print ``error`` as one line and end the process with status 2."""
    sys.stdout.flush()
    report(one_line(error))
    sys.exit(2)
