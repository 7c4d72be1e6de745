"""The error of a task that cannot be trained on."""


class TaskError(ValueError):
    """An environment id that is unknown, fails to construct, has unsupported spaces, or breaks Gymnasium's contract.

    The message is one line: what is wrong, the value, and what is expected.
    """


def one_line(error: BaseException) -> str:
    """The error's type and message in one line, cut where that would be long."""
    text = " ".join(str(error).split())
    short = text if len(text) <= 300 else text[:300] + " …"
    return f"{type(error).__name__}: {short}" if short else type(error).__name__
