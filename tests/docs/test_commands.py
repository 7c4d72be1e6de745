"""Every command that a page shows is one that seedbed takes: options, keys, values, extras, targets and modules exist.

Training commands are composed and validated for each value of a sweep. The commands that take minutes or hours are in
LONG, with the day on which they were last run to their end.
"""

import argparse
import re
import shlex
import tomllib
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from sweeps import cli
from sweeps.study import command as study
from tests.composing import composed

ROOT = Path(cli.__file__).parents[1]
EXAMPLE = ROOT / "examples" / "extending"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("*/README.md"), *ROOT.glob("docs/*.md")]
PAGES += [ROOT / "sweeps" / "STUDIES.md"]
PAGES += [*ROOT.glob("figures/*/README.md"), EXAMPLE / "README.md"]

LONG = {
    "make compare": "2026-11-25",
    "make test": "2026-11-25",
    "seedbed train -m algo=a2c,ppo,trpo env=swingup num_seeds=36": "2026-11-23",
    "seedbed reproduce": "2026-11-23",
    "seedbed published": "2026-11-26",
    "seedbed benchmark": "2026-11-26",
    "seedbed compare figures/benchmark/curves.csv --reference ppo": "2026-11-26",
    "make speed": "2026-11-23",
}
"""The beginnings of commands that no test runs to their end."""

MODULES = {"analysis.compare": "compare"} | {
    "sweeps.train" if name == "train" else command.module: name for name, command in cli.COMMANDS.items()
}
BLOCK = re.compile(r"^```([^`\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"^    ((?:seedbed|python|pip|make) .*(?:\n {8,}.*)*)", re.MULTILINE)
INLINE = re.compile(r"`((?:seedbed|python -m|make|pip install) [^`\n…]+)`")
OTHERS = {"eval", "cd", "cp", "rm", "diff", "source", "git", "echo", "PYTHON"}


def commands(page: Path) -> Iterator[str]:
    """The commands of a page, one line each, without comments."""
    text = page.read_text(encoding="utf-8")
    blocks = [match[2] for match in BLOCK.finditer(text) if match[1] in ("", "sh")]
    blocks += [match[1] for match in INDENTED.finditer(BLOCK.sub("", text))]
    for block in blocks:
        for line in re.sub(r"\\\n\s*", " ", block).splitlines():
            for part in re.split(r"\s&&\s", re.sub(r"\s+#.*", "", line)):
                if part.strip() and not part.startswith(("#", " ")):
                    yield part.strip()
    yield from (match[1] for match in INLINE.finditer(BLOCK.sub("", text)))


SHOWN = sorted(
    {(str(page.relative_to(ROOT)), command) for page in PAGES if page.exists() for command in commands(page)}
)


def test_the_pages_have_commands():
    assert len(SHOWN) > 60
    assert {page for page, _ in SHOWN} >= {"README.md", "analysis/README.md", "sweeps/README.md", "docs/start.md"}


def test_long_commands_are_on_some_page():
    for beginning in LONG:
        assert any(command.startswith(beginning) for _, command in SHOWN), beginning


@pytest.mark.parametrize(("page", "command"), SHOWN, ids=[f"{page}: {command}" for page, command in SHOWN])
def test_a_command_is_one_that_seedbed_takes(page, command, monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLE)
    words = shlex.split(command.replace("…", ""))
    program = words.pop(0).removeprefix(".venv/bin/")
    if program == "make":
        check_make(words)
    elif program == "pip":
        check_extras(words)
    elif program == "python":
        if words[0] != "-m":
            assert (ROOT / words[0]).exists(), command
        elif words[1] in MODULES:
            check_seedbed(MODULES[words[1]], words[2:])
        else:
            assert words[1] == "pytest" or find_spec(words[1]), command
    elif program == "seedbed":
        name = words.pop(0)
        if name not in ("COMMAND", "--help", "X"):
            assert name in cli.COMMANDS
            check_seedbed(name, words)
    else:
        assert program in OTHERS or "=" in program, command


def check_make(words: list[str]) -> None:
    text = (ROOT / "Makefile").read_text()
    for word in words:
        if "=" not in word:
            assert re.search(rf"^{re.escape(word)}:", text, re.MULTILINE), f"make {word}"


def check_extras(words: list[str]) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for word in words:
        for extra in re.findall(r"\[(.*)\]", word):
            assert set(extra.split(",")) <= set(extras)


def check_seedbed(name: str, words: list[str]) -> None:
    own = {"train": check_train, "tune": check_tune, "study": check_study}
    if name in own:
        own[name](words)
        return
    parser = import_module(cli.COMMANDS[name].module).parser()
    parser.exit_on_error = False
    if "--help" in words or not words:
        return
    try:
        parser.parse_args(words)
    except (SystemExit, argparse.ArgumentError) as error:
        raise AssertionError(f"seedbed {name} does not take {words}") from error


def check_study(words: list[str]) -> None:
    parsed = study.parser().parse_intermixed_args(words)
    if (ROOT / "conf" / "study" / f"{dict(each.split('=') for each in parsed.overrides).get('study')}.yaml").exists():
        study.read_plan(parsed.overrides, None)


def check_tune(words: list[str]) -> None:
    """The keys are those of conf/tune.yaml, and the variants and tasks are options."""
    known = yaml.safe_load((ROOT / "conf" / "tune.yaml").read_text()).keys() | {"study", "grid", "space", "budget"}
    for key, _, values in (word.partition("=") for word in words if "=" in word):
        if key in ("algo", "env"):
            assert all((ROOT / "conf" / key / f"{value}.yaml").exists() for value in values.split(","))
        else:
            assert key.split(".")[0] in known, key


def check_train(words: list[str]) -> None:
    """Composes and validates every value of a sweep, one key away from the first at a time."""
    overrides, single = [], []
    for position, word in enumerate(words):
        if word == "--config-dir":
            single.append(f"hydra.searchpath=[file://{EXAMPLE / 'conf'}]")
        elif words[position - 1] != "--config-dir" and "=" in word and not word.startswith("-"):
            overrides.append(word)
    parsed = [each for each in OverridesParser.create().parse_overrides(overrides) if each.key_or_group != "resume"]
    for each in parsed:
        if each.key_or_group == "hydra/launcher":
            assert (ROOT / "conf" / "hydra" / "launcher" / f"{each.value()}.yaml").exists()
    values = {
        each.key_or_group: [str(value) for value in each.sweep_iterator()][:12] if each.is_sweep_override() else None
        for each in parsed
        if not each.key_or_group.startswith("hydra")
    }
    single += [each.input_line for each in parsed if values.get(each.key_or_group, ()) is None]
    swept = {key: several for key, several in values.items() if several}
    first = {key: several[0] for key, several in swept.items()}
    choices = [first, *({**first, key: value} for key, several in swept.items() for value in several[1:])]
    for choice in choices:
        if "tuned/" in choice.get("experiment", " ".join(single)):
            continue  # written by seedbed tune
        composed(*single, *(f"{key}={value}" for key, value in choice.items()))
