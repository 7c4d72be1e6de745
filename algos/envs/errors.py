"""The error of a task that cannot be trained on."""

import difflib
from collections.abc import Iterable


class TaskError(ValueError):
    """A task cannot be made, has unsupported spaces, or breaks the contract of its interface.

    The message is one line: the id, what is wrong, and what is expected.
    """


def unknown_id(env_id: str, kind: str, known: Iterable[str], expected: str) -> TaskError:
    """The error of an id that is not one of the ``known`` ids. It suggests up to three similar ones."""
    close = difflib.get_close_matches(env_id, known, n=3)
    hint = f"did you mean {', '.join(close)}? " if close else ""
    return TaskError(f"{env_id} is not {kind}; {hint}expected: {expected}")


def one_line(error: BaseException) -> str:
    """The error's type and message in one line. Messages of more than 300 characters are cut."""
    text = " ".join(str(error).split())
    short = text if len(text) <= 300 else text[:300] + " …"
    return f"{type(error).__name__}: {short}" if short else type(error).__name__
