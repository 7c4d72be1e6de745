"""The tables of all settings, made from `conf/` and from the classes that check them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, PlainValidator, TypeAdapter

from algos.config import LayersConfig, LayersPolicyConfig, SharedConfig
from algos.parts import find_class
from sweeps.run_config import RunConfig
from sweeps.train_help import CONF, keys_of

GROUPS = {
    "": ("The run", "Keys of `conf/config.yaml`."),
    "algo": ("Variants", "`algo=OPTION`. The equations and sources are on [the page of the variants](variants.md)."),
    "env": ("Tasks", "`env=OPTION`, or any id with `env.id=`."),
    "network": ("Networks", "`network=OPTION`."),
    "critic": ("Critics", "`critic=OPTION`."),
    "estimator": ("Estimators", "`estimator=OPTION`."),
    "normalisation": ("Normalisation", "`normalisation=OPTION`."),
}
CLASS_KEY = "_target_"


def tables() -> str:
    """A heading and a table for each group."""
    return "\n\n".join(f"## {title}\n\n{text}\n\n{table(group)}" for group, (title, text) in GROUPS.items())


def table(group: str) -> str:
    """The keys of a group: allowed values, meaning, and the value in each option that has the key."""
    meanings: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    allowed: dict[str, str] = {}
    for path in options(group):
        rows = {key: (value, comment) for key, value, comment in keys_of(path, group)}  # later files win
        for key, (value, comment) in rows.items():
            values.setdefault(key, {})[path.stem] = value
            if comment:
                meanings.setdefault(key, comment)
        classes = {
            key.removesuffix(f".{CLASS_KEY}"): value for key, (value, _) in rows.items() if key.endswith(CLASS_KEY)
        }
        for key in rows:
            if key not in allowed and not key.endswith(CLASS_KEY):
                allowed[key] = expected(key, classes)
    lines = ["| key | allowed | meaning | value |", "| --- | --- | --- | --- |"]
    for key, by_option in values.items():
        if key.endswith(CLASS_KEY):
            cells = [f"`{key}`", "a class, as `package.module.Class`", "the class that this section configures"]
        else:
            cells = [f"`{key}`", allowed[key], meanings[key]]
        lines.append("| " + " | ".join(escaped(cell) for cell in [*cells, told(by_option)]) + " |")
    return "\n".join(lines)


def options(group: str) -> list[Path]:
    return [CONF / "config.yaml"] if not group else sorted((CONF / group).glob("*.yaml"))


def told(by_option: dict[str, str]) -> str:
    """One value where all options have the same, else each option's."""
    if len(set(by_option.values())) == 1:
        return f"`{next(iter(by_option.values()))}`"
    of_value: dict[str, list[str]] = {}
    for option, value in by_option.items():
        of_value.setdefault(value, []).append(option)
    return "; ".join(f"`{value}` ({', '.join(names)})" for value, names in of_value.items())


def escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


def expected(key: str, classes: dict[str, str]) -> str:
    """In words, what the class that checks `key` allows. `classes`: by section, the class that the option names."""
    model: type[BaseModel] = RunConfig
    *sections, leaf = key.split(".")
    for depth, section in enumerate(sections):
        path = ".".join(sections[: depth + 1])
        if path in classes:
            model = find_class(classes[path]).Settings
        elif section == "policy":
            model = LayersPolicyConfig
        elif section == "value":
            model = SharedConfig if leaf == "shared" else LayersConfig
        else:
            model = model.model_fields[section].annotation  # type: ignore[assignment]
    field = model.model_fields[leaf]
    if any(isinstance(each, PlainValidator) for each in field.metadata):
        return "an option of the group"
    schema = TypeAdapter(Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation)
    return " or ".join(words(schema.json_schema()))


NAMES = {"boolean": "true or false", "string": "text", "null": "null", "object": "a mapping"}


def words(schema: dict[str, Any]) -> Iterator[str]:
    """A JSON schema as a reader says it."""
    if "anyOf" in schema:
        for each in schema["anyOf"]:
            yield from words(each)
    elif "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        yield ", ".join(f"`{str(value).lower()}`" for value in values)
    elif schema.get("type") in ("integer", "number"):
        kind = "whole number" if schema["type"] == "integer" else "number"
        bounds = [f"{sign} {schema[name]:g}" for name, sign in BOUNDS.items() if name in schema]
        yield " and ".join([f"{kind} {bounds[0]}", *bounds[1:]]) if bounds else kind
    elif schema.get("type") == "array":
        yield f"list; each: {' or '.join(words(schema['items']))}"
    else:
        yield NAMES[schema["type"]]


BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
