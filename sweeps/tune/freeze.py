"""Write winners as experiments: ``experiment=tuned/TASK/VARIANT`` composes the config of the winning trial."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from analysis.run_format import NOT_COMPUTED, flatten
from sweeps import CONF
from sweeps.compose import composed_config
from sweeps.errors import InputError
from sweeps.files import replace_file
from sweeps.tune.options import is_kept

GROUPS = [path.name for path in CONF.iterdir() if path.is_dir() and path.name != "hydra"]
SEEDS = ("seed", "num_seeds")


def frozen(content: Mapping[str, Any], groups: list[str], note: str, config_dir: Path | None) -> str:
    """The text of an experiment that composes ``content``, without its seeds and without how runs are kept.

    Args:
        content: the config.
        groups: the overrides that choose options, such as ``algo=ppo``; only other values than theirs are written.
        note: the comment at the top.
        config_dir: the user's folder of options, if there is one.
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
    """Write ``experiment=NAME`` into a folder of options, and check that it composes ``content``.

    Args:
        config_dir: the folder to write to.
        own: the folder of options that the study used, if it used one.
        name: the name of the experiment.
        content: the config.
        overrides: the overrides of the trial.
        note: the comment at the top.

    Raises:
        InputError: It composes another config.
    """
    groups = [each for each in overrides if each.partition("=")[0].lstrip("+") in GROUPS and is_kept(each)]
    replace_file(config_dir / "experiment" / f"{name}.yaml", frozen(content, groups, note, own).encode())
    composed = dict(flatten(composed_config([f"experiment={name}"], config_dir)))
    left_out = (*SEEDS, *NOT_COMPUTED)
    for key, value in flatten(content):
        if key.split(".")[0] not in left_out and composed.get(key) != value:
            raise InputError(f"experiment={name}: composes {key}={composed.get(key)!r}, not {value!r}")
