"""The parts of a run: classes that the config names by ``_target_``, from this repository or from outside.

A part has a class ``Settings`` for its section of the config, and the methods that its place asks for. It may live in
this repository or in the user's own, wherever Python can import it.
"""

import importlib
import inspect
import os
import sys
from collections.abc import Mapping
from types import ModuleType

OURS = ("algos", "sweeps")
"""The packages of this repository."""


class PartError(ValueError):
    """A class that the config names does not fit its place. The message is one line."""


def import_module(name: str) -> ModuleType:
    """A module of an installed package or of the working directory, however Python was started."""
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    return importlib.import_module(name)


def find_class(target: str) -> type:
    """The class at a dotted path, such as ``algos.ppo.PPO``.

    Raises:
        PartError: There is no such class, or its module cannot be imported.
    """
    module_name, _, class_name = target.rpartition(".")
    if not module_name:
        raise PartError("has no module; expected: MODULE.CLASS")
    try:
        module = import_module(module_name)
    except Exception as error:  # whatever the code of a user raises when it is imported
        reason = f"{type(error).__name__}: {error}"
        raise PartError(f"cannot be imported ({reason}); expected: MODULE.CLASS, below the working directory") from None
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        kind = "has no" if found is None else "holds no class but an object under the name"
        raise PartError(f"{module_name} {kind} {class_name}; expected: MODULE.CLASS")
    return found


def require(found: type, settings_base: type, methods: Mapping[str, tuple[str, ...]]) -> None:
    """Check that a class has ``Settings``, a subclass of ``settings_base``, and methods with these arguments.

    Raises:
        PartError: It has not.
    """
    settings = getattr(found, "Settings", None)
    if not (isinstance(settings, type) and issubclass(settings, settings_base)):
        raise PartError(f"has no settings class; expected: a class with a nested Settings({settings_base.__name__})")
    for name, arguments in methods.items():
        method = getattr(found, name, None)
        if not callable(method):
            raise PartError(f"has no method {name}; expected: a class with {name}({', '.join(arguments)})")
        try:
            inspect.signature(method).bind(None, *arguments)
        except TypeError:
            raise PartError(
                f"{name}{inspect.signature(method)} does not fit; expected: {name}({', '.join(('self', *arguments))})"
            ) from None


def is_ours(module: str) -> bool:
    """Whether a module belongs to this repository."""
    return module.partition(".")[0] in OURS
