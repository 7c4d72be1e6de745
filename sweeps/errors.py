"""Errors of the user's making: reported as one line, with exit status 2."""

import sys
from typing import NoReturn


class InputError(ValueError):
    """Bad input; the message names the key or file, its value and what is allowed."""


def exit_with(error: Exception) -> NoReturn:
    """Print ``error`` as one line and end the process with status 2."""
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(2)
