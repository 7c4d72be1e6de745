"""The error of a task that cannot be trained on."""


class TaskError(ValueError):
    """An environment id that is unknown, fails to construct, has unsupported spaces, or breaks Gymnasium's contract.

    The message is one line: what is wrong, the value, and what is allowed.
    """
