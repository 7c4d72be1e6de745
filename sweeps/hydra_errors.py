"""Hydra's errors about a command line, as one line with the key, its value and what is expected."""

import difflib
from collections.abc import Sequence
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from analysis.run_format import flatten
from sweeps import CONF
from sweeps.errors import InputError, one_line


def explained(error: Exception, arguments: Sequence[str], name: str = "config") -> InputError | None:
    """Turn an error of Hydra's into one line about the arguments.

    Args:
        error: what Hydra raised.
        arguments: those of the command.
        name: the file of ``conf/`` that the command composes.

    Returns:
        The error to show, or None if the arguments are not to blame.
    """
    if isinstance(error, InputError):
        return error
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options is not None:
        return InputError(_no_such_option(error.missing_cfg_file, error.options))
    if isinstance(error, OverrideParseException):
        reason = str(error).splitlines()[0]
        return InputError(f"{error.override}: not an override ({reason}); expected: KEY=VALUE")
    key = getattr(error.__cause__, "full_key", None)
    if isinstance(error, ConfigCompositionException) and key and "not in struct" in str(error.__cause__):
        return InputError(_no_such_key(str(error), str(key), arguments, name))
    text = one_line(error)
    if "requires --multirun" in text or "Ambiguous value for argument" in text:
        override = text.split("'")[1]
        return InputError(f"{override}: several values; expected: one value, a [list], or a sweep (add -m)")
    if "does not support sweep type" in text:
        override = next(each for each in arguments if "interval(" in each)
        return InputError(f"{override}: an interval has no values to sweep over; expected: values, such as 0.1,0.2")
    if isinstance(error, HydraException | OmegaConfBaseException):
        cause = error.__cause__
        return InputError(f"{text} ({one_line(cause)})" if isinstance(cause, Exception) else text)
    return None


def other_sweeper(name: str) -> str:
    """Why only Hydra's own sweeper is allowed."""
    return (
        f"hydra/sweeper={name}: chooses its jobs while it runs, so they cannot be checked before the first one starts; "
        "expected: basic, or the command seedbed tune"
    )


def _no_such_option(file: str, options: Sequence[str]) -> str:
    """The message for an unknown option; presets are in subfolders of ``experiment``."""
    group, _, name = file.rpartition("/")
    if group == "hydra/sweeper":
        return other_sweeper(name)
    inner = sorted(path.stem for path in (CONF / file).glob("*.yaml"))
    if inner:
        return f"{group}={name}: a group of options; expected: {', '.join(f'{name}/{each}' for each in inner)}"
    groups = sorted(f"{path.name}/…" for path in (CONF / group).glob("*") if path.is_dir()) if group else []
    close = difflib.get_close_matches(name, options, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{group}={name}: no such option; {hint}expected: {', '.join([*options, *groups])}"


def _no_such_key(message: str, key: str, arguments: Sequence[str], name: str) -> str:
    wanted = message.split("'")[1] if "'" in message else key
    override = next((each for each in arguments if each.lstrip("+~").startswith(wanted)), wanted)
    others = [each for each in arguments if "=" in each and each != override and not each.startswith(("hydra.", "-"))]
    try:
        known = _keys(name, others)
    except (HydraException, OmegaConfBaseException):
        known = _keys(name, [])
    close = difflib.get_close_matches(wanted, [*known, *_groups()], n=1)
    ending = [each for each in known if each.rpartition(".")[2] == wanted.rpartition(".")[2]]
    hints = close or ending[:1]
    hint = f"did you mean {hints[0]}? " if hints else ""
    listed = "that seedbed train --help lists" if name == "config" else f"of conf/{name}.yaml"
    return f"{override}: unknown key; {hint}expected: a key {listed}"


def _keys(name: str, overrides: Sequence[str]) -> list[str]:
    """The keys of the config that a command composes from ``overrides``. Raises Hydra's errors."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config: Any = OmegaConf.to_container(compose(name, list(overrides)))
    return [key for key, _ in flatten(config)]


def _groups() -> list[str]:
    return [path.name for path in CONF.iterdir() if path.is_dir()]
