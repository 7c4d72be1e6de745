"""The parts of a run are classes that the config names by ``_target_``: one mechanism, whoever wrote them.

A part has a class ``Settings`` for its section of the config, and the methods that its place asks for. It may live in
this repository or in the user's own, wherever Python can import it.
"""

import importlib
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

OURS = ("algos", "sweeps")
"""Packages whose classes are this repository's own."""


class PartError(ValueError):
    """A class that the config names cannot be what it is named for; the message is one line."""


def find_class(target: str) -> type:
    """The class at a dotted path, such as ``algos.ppo.PPO``.

    Raises:
        PartError: there is none, or its module cannot be imported.
    """
    module_name, _, class_name = target.rpartition(".")
    if not module_name:
        raise PartError("has no module; allowed: MODULE.CLASS")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # whatever the code of a user raises when it is imported
        raise PartError(f"cannot be imported ({type(error).__name__}: {error}); allowed: MODULE.CLASS") from None
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        kind = "has no" if found is None else "holds no class but an object under the name"
        raise PartError(f"{module_name} {kind} {class_name}; allowed: MODULE.CLASS")
    return found


def require(found: type, settings_base: type, methods: Mapping[str, tuple[str, ...]]) -> None:
    """Whether a class has ``Settings`` below ``settings_base``, and methods that take these arguments.

    Raises:
        PartError: it lacks one of them.
    """
    settings = getattr(found, "Settings", None)
    if not (isinstance(settings, type) and issubclass(settings, settings_base)):
        raise PartError(f"has no settings class; allowed: a class with a nested Settings({settings_base.__name__})")
    for name, arguments in methods.items():
        method = getattr(found, name, None)
        if not callable(method):
            raise PartError(f"has no method {name}; allowed: a class with {name}({', '.join(arguments)})")
        try:
            inspect.signature(method).bind(None, *arguments)
        except TypeError:
            raise PartError(
                f"{name}{inspect.signature(method)} does not fit; allowed: {name}({', '.join(('self', *arguments))})"
            ) from None


def foreign_modules(content: Mapping[str, Any]) -> Iterator[str]:
    """The modules from outside this repository that a composed config would have imported."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from foreign_modules(value)
        elif isinstance(value, str) and (key == "_target_" or key == "module"):
            module = value.rpartition(".")[0] if key == "_target_" else value
            if module.partition(".")[0] not in OURS:
                yield module
