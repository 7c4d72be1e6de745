"""The user's own functions, named MODULE:FUNCTION: scores, statistics and figures of the report."""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from analysis.run_format import InputError


def from_outside(name: str, kind: str) -> Callable[..., Any]:
    """The function that MODULE:FUNCTION names. Its module may lie in the working directory.

    Raises:
        InputError: There is no such function.
    """
    module_name, _, function_name = name.partition(":")
    where = f"{kind} {name!r}"
    if not (module_name and function_name.isidentifier()):
        raise InputError(f"{where} is not a function's name; expected: MODULE:FUNCTION")
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.append(os.getcwd())
    try:
        module = import_module(module_name)
    except Exception as error:
        raise InputError(f"{where}: {module_name} cannot be imported ({one_line(error)})") from error
    function = getattr(module, function_name, None)
    if function is None:
        raise InputError(f"{where}: {module_name} has no {function_name}; expected: a function of that module")
    if not callable(function):
        raise InputError(f"{where} is {type(function).__name__}; expected: a function")
    return function


def one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
