"""The help of ``seedbed train``, made from the files in ``conf/``."""

import re
import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from sweeps import CONF

LINE = re.compile(r"^(?P<indent> *)(?P<key>\w+):(?P<value>(?:[^#]|#(?! ))*?)(?:\s+# (?P<comment>.*))?$")
GLOBAL = "# @package _global_"

USAGE = """usage: seedbed train [GROUP=OPTION …] [KEY=VALUE …] [-m] [--config-dir DIR]

Train all seeds of a variant on a task, in lock-step and in one process.
"""
EXAMPLES = {
    "algo=ppo env=swingup num_seeds=36": "one run, of seeds 0 to 35",
    "-m algo=a2c,ppo,trpo num_seeds=36": "a sweep: one run for each value",
    "experiment=acrobot/trpo num_seeds=10": "a preset",
    "env.id=my_lab.corridor:Corridor-v0": "a task of your own",
    "… hydra.run.dir=DIR": "directory of the run; hydra.sweep.dir=DIR of a sweep",
    "… resume=true": "continue the run or sweep in that directory",
    "… --config-dir DIR": "options of your own: DIR/algo/NAME.yaml is algo=NAME",
    "… --cfg job": "print the config and train nothing",
    "--hydra-help": "what else Hydra offers",
}
"""Examples of arguments, and what they do."""


def help_text(arguments: Sequence[str]) -> str:
    """The usage, the options of every group, and every key with its value under the options in ``arguments``."""
    chosen = dict(each.split("=", 1) for each in arguments if re.fullmatch(r"\w+=\w+", each))
    defaults = dict(_defaults())
    groups = "".join(_group_lines(defaults))
    keys = list(keys_of(CONF / "config.yaml", ""))
    for group, option in defaults.items():
        path = CONF / group / f"{chosen.get(group, option)}.yaml"
        if path.exists():
            keys += keys_of(path, group)
    unique: dict[str, tuple[str, str]] = {}
    for key, value, comment in keys:  # the comment may be in the file that this one is based on
        unique[key] = value, comment or unique.get(key, ("", ""))[1]
    lines = _two_columns({f"{key}={value}": comment for key, (value, comment) in unique.items()})
    options = " ".join(f"{group}={chosen.get(group, option)}" for group, option in defaults.items() if option)
    examples = _two_columns({f"seedbed train {words}": meaning for words, meaning in EXAMPLES.items()})
    return "\n".join(
        [
            USAGE,
            *examples,
            f"\ngroups and their options (* by default):\n{groups}",
            _wrapped(f"keys and their values with {options} (seedbed train --help algo=trpo shows another option's):"),
            *lines,
        ]
    )


def _wrapped(line: str) -> str:
    width = shutil.get_terminal_size((120, 24)).columns
    return textwrap.fill(line, width, subsequent_indent="    ", break_on_hyphens=False) + "\n"


def _two_columns(explained: Mapping[str, str]) -> list[str]:
    """Settings and their meanings in two columns, as wide as the terminal."""
    width = shutil.get_terminal_size((120, 24)).columns
    left = min(max(map(len, explained)) + 4, max(width * 2 // 5, 26))
    lines = []
    for setting, comment in explained.items():
        wrapped = textwrap.wrap(comment, max(width - left, 20))
        start = f"  {setting}"
        if wrapped and len(start) + 2 <= left:
            start = f"{start:{left}}{wrapped.pop(0)}"
        lines += [start, *(f"{'':{left}}{line}" for line in wrapped)]
    return lines


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
        yield _wrapped(f"  {group}: {', '.join(names)}")
        if folders:
            yield _wrapped(f"    {', '.join(folders)}: each with {', '.join(inside)} (post: the post's own)")


def keys_of(path: Path, group: str) -> Iterator[tuple[str, str, str]]:
    """Yield the key, value and comment of every leaf of a file; the files in its ``defaults`` come first."""
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
