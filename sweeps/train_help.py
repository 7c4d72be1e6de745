"""The help of ``seedbed train``, made from the files in ``conf/``."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from sweeps import ROOT

CONF = ROOT / "conf"
LINE = re.compile(r"^(?P<indent> *)(?P<key>\w+):(?P<value>(?:[^#]|#(?! ))*?)(?:\s+# (?P<comment>.*))?$")
GLOBAL = "# @package _global_"

USAGE = """usage: seedbed train [GROUP=OPTION …] [KEY=VALUE …] [-m] [--config-dir DIR]

Train all seeds of a variant on a task, in lock-step and in one process.

  seedbed train algo=ppo env=swingup num_seeds=36      one run, of seeds 0 to 35
  seedbed train -m algo=a2c,ppo,trpo num_seeds=36      a sweep: one run for each value
  seedbed train experiment=acrobot/trpo num_seeds=10   a preset
  seedbed train env.id=my_lab.corridor:Corridor-v0     a task of your own
  seedbed train … hydra.run.dir=DIR                    where the run goes; hydra.sweep.dir=DIR for a sweep
  seedbed train … resume=true                          go on with what the directory holds
  seedbed train … --config-dir DIR                     options of your own: DIR/algo/NAME.yaml is algo=NAME
  seedbed train … --cfg job                            print the config and train nothing
  seedbed train --hydra-help                           what else Hydra offers
"""


def help_text(arguments: Sequence[str]) -> str:
    """Usage, the options of every group, and every key with its value in the options that ``arguments`` choose."""
    chosen = dict(each.split("=", 1) for each in arguments if re.fullmatch(r"\w+=\w+", each))
    defaults = dict(_defaults())
    groups = "".join(_group_lines(defaults))
    keys = list(keys_of(CONF / "config.yaml", ""))
    for group, option in defaults.items():
        path = CONF / group / f"{chosen.get(group, option)}.yaml"
        if path.exists():
            keys += keys_of(path, group)
    unique = {key: (value, comment) for key, value, comment in keys}
    width = max(len(f"{key}={value}") for key, (value, _) in unique.items())
    lines = [
        f"  {f'{key}={value}':{width}}  {comment}".rstrip()
        for key, (value, comment) in unique.items()
    ]  # fmt: skip
    options = " ".join(f"{group}={chosen.get(group, option)}" for group, option in defaults.items() if option)
    return (
        f"{USAGE}\ngroups and their options (* by default):\n{groups}\n"
        f"keys and their values, of {options}\n(for another option's: seedbed train --help algo=trpo):\n"
        + "\n".join(lines)
    )


def _defaults() -> Iterator[tuple[str, str | None]]:
    for entry in yaml.safe_load((CONF / "config.yaml").read_text())["defaults"]:
        if isinstance(entry, dict):
            yield from ((group, option) for group, option in entry.items() if " " not in group)


def _group_lines(defaults: dict[str, str | None]) -> Iterator[str]:
    for group, default in defaults.items():
        root = CONF / group
        files = sorted(path.relative_to(root).with_suffix("").as_posix() for path in root.rglob("*.yaml"))
        names = [f"{name}*" if name == default else name for name in files if "/" not in name]
        folders = sorted({name.split("/")[0] for name in files if "/" in name})
        inside = sorted({name.split("/", 1)[1] for name in files if "/" in name and not name.startswith("post/")})
        yield f"  {group}: {', '.join(names)}\n"
        if folders:
            yield f"    {', '.join(folders)}: each with {', '.join(inside)} (post: the post's own)\n"


def keys_of(path: Path, group: str) -> Iterator[tuple[str, str, str]]:
    """Key, value and comment of every leaf of a file, those of the files that it is based on first."""
    text = path.read_text()
    for base in (yaml.safe_load(text) or {}).get("defaults", []):
        if isinstance(base, str) and base != "_self_":
            yield from keys_of(path.with_name(f"{base}.yaml"), group)
    above = [] if text.startswith(GLOBAL) or not group else [group]
    parts: list[tuple[int, str]] = []
    for line in text.splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        indent = len(match["indent"])
        parts = [*(part for part in parts if part[0] < indent), (indent, match["key"])]
        value = match["value"].strip()
        if value and parts[0][1] not in ("defaults", "hydra"):
            yield ".".join([*above, *(key for _, key in parts)]), value, match["comment"] or ""
