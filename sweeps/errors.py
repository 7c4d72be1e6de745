"""Errors of the user's making: reported as one line, with exit status 2."""

import sys
from typing import NoReturn

from analysis.run_format import InputError

__all__ = ["InputError", "exit_with", "one_line", "report"]


def one_line(error: Exception) -> str:
    """The message of an error without line breaks; of a long one, such as a worker's traceback, both ends."""
    lines = str(error).split("\n")
    return " ".join(" ".join(lines if len(lines) < 5 else [lines[0], "…", *lines[-3:]]).split())


def report(message: str) -> None:
    """Print what went wrong."""
    print(f"error: {message}", file=sys.stderr, flush=True)


def exit_with(error: Exception) -> NoReturn:
    """Print ``error`` as one line and end the process with status 2."""
    sys.stdout.flush()
    report(one_line(error))
    sys.exit(2)
