"""Checks the arguments of a user's class against its signature, like settings of our own classes."""

import inspect
import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import InitErrorDetails, PydanticCustomError

from algos.parts import PartError


def check_arguments(found: type, given: Sequence[str], chosen: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments ``chosen`` for the class ``found``, converted to its annotations (a YAML list to a tuple).

    ``given`` names the arguments that seedbed adds.

    Raises:
        PartError: The class does not take the ``given`` arguments.
        ValidationError: A chosen argument is unknown, missing or of a wrong type.
    """
    parameters = dict(inspect.signature(found, eval_str=True).parameters)
    kinds = [parameter.kind for parameter in parameters.values()]
    takes_all = inspect.Parameter.VAR_KEYWORD in kinds
    for name in given:
        if name not in parameters and not takes_all:
            raise PartError(f"does not take {name}; expected: a class with ({', '.join(given)}, …)")
    fields: dict[str, Any] = {}
    for name, parameter in parameters.items():
        if name in given or parameter.kind in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL):
            continue
        annotation = Any if parameter.annotation is parameter.empty else parameter.annotation
        fields[name] = (annotation, ... if parameter.default is parameter.empty else parameter.default)
    for name in chosen if not takes_all else ():
        if name not in fields:
            known = ", ".join(fields) or "none"
            problem = PydanticCustomError("unknown", "unknown key; expected: {known}", {"known": known})
            place = InitErrorDetails(type=problem, loc=(name,), input=chosen[name])
            raise ValidationError.from_exception_data(found.__name__, [place])
    rules = ConfigDict(extra="allow", strict=True, arbitrary_types_allowed=True)
    model: type[BaseModel] = create_model(found.__name__, __config__=rules, **fields)
    checked = model.model_validate_json(json.dumps(chosen))
    return {name: getattr(checked, name) for name in chosen}
