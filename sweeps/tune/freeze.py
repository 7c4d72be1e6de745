"""Winners as experiments: ``experiment=tuned/TASK/VARIANT`` composes what the winning trial trained with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from analysis.run_format import NOT_COMPUTED, flatten
from sweeps import ROOT
from sweeps.compose import composed_config
from sweeps.errors import InputError
from sweeps.files import replace_file
from sweeps.tune.options import is_kept

GROUPS = [path.name for path in (ROOT / "conf").iterdir() if path.is_dir() and path.name != "hydra"]
SEEDS = ("seed", "num_seeds")


def frozen(content: Mapping[str, Any], groups: list[str], note: str, config_dir: Path | None) -> str:
    """The text of an experiment that composes ``content``, but for its seeds and for how runs are kept.

    ``groups`` are the overrides that choose options, ``algo=ppo`` and the like; ``note`` is its comment; ``config_dir``
    is the folder of the user's options, if there is one. Only what the options do not have is written.
    """
    chosen = [each.lstrip("+").partition("=") for each in groups]
    presets = [option for group, _, option in chosen if group == "experiment"]
    base = dict(flatten(composed_config(groups, config_dir)))
    own: dict[str, Any] = {}
    for key, value in flatten(content):
        outermost = key.split(".")[0]
        if outermost not in (*SEEDS, *NOT_COMPUTED) and (key not in base or base[key] != value):
            section = own
            *path, last = key.split(".")
            for name in path:
                section = section.setdefault(name, {})
            section[last] = value
    options = [{f"override /{group}": option} for group, _, option in chosen if group != "experiment"]
    head = {"defaults": [*presets, *options, "_self_"]}
    body = yaml.safe_dump(own, sort_keys=False, allow_unicode=True)
    comments = "".join(f"# {line}\n" for line in note.splitlines())
    return f"# @package _global_\n{comments}{yaml.safe_dump(head, sort_keys=False)}\n{body}"


def freeze(
    config_dir: Path, own: Path | None, name: str, content: Mapping[str, Any], overrides: list[str], note: str
) -> None:
    """Write ``experiment=NAME`` into a folder of options; ``own`` is the one that the study was made with.

    Raises:
        InputError: what it composes is not ``content``.
    """
    groups = [each for each in overrides if each.partition("=")[0].lstrip("+") in GROUPS and is_kept(each)]
    replace_file(config_dir / "experiment" / f"{name}.yaml", frozen(content, groups, note, own).encode())
    composed = dict(flatten(composed_config([f"experiment={name}"], config_dir)))
    left_out = (*SEEDS, *NOT_COMPUTED)
    for key, value in flatten(content):
        if key.split(".")[0] not in left_out and composed.get(key) != value:
            raise InputError(f"experiment={name}: composes {key}={composed.get(key)!r}, not {value!r}")
