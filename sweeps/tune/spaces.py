"""Read the search space of a variant from ``conf/space/NAME.yaml``, the user's options and the command line."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import OmegaConf

from analysis.run_format import NOT_A_VARIANT, flatten, is_below
from analysis.tuning.space import Categorical, Distribution, Float, Int, read_space
from sweeps import CONF
from sweeps.compose import composed_file
from sweeps.errors import InputError
from sweeps.run_config import validate

MOST_ENDS = 64
"""The most values of a setting that decides the length of a rollout."""


def find_space(option: str, name: str, overrides: Sequence[str], config_dir: str | None) -> dict[str, Distribution]:
    """Find the search space with the name of a variant's option or, failing that, of its algorithm.

    Args:
        option: the name of the option of ``algo``.
        name: the name of the algorithm.
        overrides: ``KEY=VALUE`` without the leading ``space.NAME.``.
        config_dir: the user's folder of options.

    Raises:
        InputError: There is none, or it is wrong.
    """
    for each in dict.fromkeys((option, name)):
        content = composed_file(f"space/{each}", config_dir)
        if content is not None:
            own = OmegaConf.to_container(OmegaConf.merge(content.get("space", content), _nested(overrides)))
            assert isinstance(own, dict)
            return read_space({str(key): value for key, value in own.items()}, f"space.{each}")
    folders = ", ".join(sorted(path.stem for path in (CONF / "space").glob("*.yaml") if path.stem != "common"))
    raise InputError(
        f"algo={option}: has no search space; expected: space/{option}.yaml in --config-dir DIR, or one of {folders}"
    )


def _nested(overrides: Sequence[str]) -> Any:
    return OmegaConf.from_dotlist(list(overrides))


def check_space(space: Mapping[str, Distribution], where: str, content: Mapping[str, Any]) -> None:
    """Check that the config has every setting of a space, and accepts its smallest and largest values.

    Raises:
        InputError: The first setting or value that is wrong.
    """
    leaves = dict(flatten(content))
    for key, distribution in space.items():
        if key not in leaves:
            close = difflib.get_close_matches(key, leaves, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise InputError(f"{where}.{key}: unknown key; {hint}expected: a setting that seedbed train --help lists")
        if is_below(key, (*NOT_A_VARIANT, "iterations", "dtype")):
            raise InputError(f"{where}.{key}: cannot be tuned; expected: a setting of the variant")
        for value in ends(distribution):
            try:
                validate(with_settings(content, {key: value}))
            except InputError as error:
                raise InputError(f"{where}.{key}: {error}") from None


def ends(distribution: Distribution) -> list[Any]:
    """The values with which a setting is checked: the ends of a range, or every choice."""
    if isinstance(distribution, Categorical):
        return list(distribution.choices)
    return list(dict.fromkeys([distribution.low, distribution.high]))


def values_of(distribution: Distribution, where: str) -> list[int]:
    """All values of a setting that decides the length of a rollout.

    Raises:
        InputError: They are not whole numbers, or too many.
    """
    if isinstance(distribution, Float):
        raise InputError(f"{where}: of type float; expected: int or categorical")
    if isinstance(distribution, Int):
        found: Sequence[Any] = range(distribution.low, distribution.high + 1, distribution.step)
    else:
        found = distribution.choices
    if len(found) > MOST_ENDS:
        raise InputError(
            f"{where}: {len(found)} rollout lengths are too many for one budget; expected: at most {MOST_ENDS} values"
        )
    return [int(value) for value in found]


def with_settings(content: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Copy a config with new values at some dotted keys; sections without changes are shared."""
    result = dict(content)
    for key, value in settings.items():
        section = result
        *path, last = key.split(".")
        for name in path:
            section[name] = dict(section[name])
            section = section[name]
        section[last] = value
    return result
