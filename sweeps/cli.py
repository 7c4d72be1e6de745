"""``seedbed COMMAND``: every command of seedbed under one name."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

from sweeps.imports import collect_rarely, own_packages_first


@dataclass(frozen=True)
class Command:
    """The module whose ``main`` takes the arguments, and what it does in a few words."""

    module: str
    summary: str


COMMANDS = {
    "train": Command("sweeps.hydra_command", "train the seeds of a variant on a task, or a sweep of such runs (-m)"),
    "tune": Command("sweeps.tune.command", "search settings with equal budgets, and train the winners on fresh seeds"),
    "compare": Command("analysis.command", "say which variant is better, by how much, and how sure that is"),
    "export": Command("analysis.export", "write runs in the formats that other programs read"),
    "study": Command(
        "sweeps.study.command", "answer a question by a study that is planned first and stops when it knows"
    ),
    "status": Command("sweeps.status", "show how far the jobs of a sweep are"),
    "resume": Command("sweeps.resume", "finish a run or a sweep that was stopped, or make it longer"),
    "publish": Command("sweeps.publish", "pack runs and studies into a folder that others can compare theirs with"),
    "evaluate": Command("sweeps.evaluate", "play trained policies and report their returns"),
    "record": Command("sweeps.record", "record a trained policy as a GIF or a video"),
    "check-variant": Command("sweeps.check_variant", "hold a variant against what seedbed promises of every one"),
    "reproduce": Command("sweeps.reproduce", "train and draw what the post shows"),
    "published": Command("sweeps.published", "train the presets and compare them with published results"),
    "completion": Command("sweeps.completion", "print what makes the shell complete commands and settings"),
}


def parser() -> argparse.ArgumentParser:
    """The command line up to the name of a command; what follows it is the command's own."""
    listed = "\n".join(f"  {name:14} {command.summary}" for name, command in COMMANDS.items())
    result = argparse.ArgumentParser(
        prog="seedbed",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Is variant X really better than Y? Train many seeds side by side, and see how they spread.",
        epilog=f"commands:\n{listed}\n\nseedbed COMMAND --help explains a command.",
    )
    result.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of the commands below")
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; its exit status is the process's."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    name = parser().parse_args(given[:1]).command
    collect_rarely()
    own_packages_first()
    sys.exit(import_module(COMMANDS[name].module).main(given[1:]))


if __name__ == "__main__":
    main()
