"""``seedbed COMMAND``: every command of seedbed under one name."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

from sweeps.imports import collect_rarely, own_packages_first


@dataclass(frozen=True)
class Command:
    """A command: the module whose ``main`` takes the arguments, and a short summary."""

    module: str
    summary: str


COMMANDS = {
    "train": Command("sweeps.hydra_command", "train the seeds of a variant on a task, or a sweep of such runs (-m)"),
    "tune": Command("sweeps.tune.command", "search settings with equal budgets, then train the best on fresh seeds"),
    "compare": Command("analysis.command", "say which variant is better, by how much, and how certain that is"),
    "export": Command("analysis.export", "write runs in the formats that other programs read"),
    "study": Command("sweeps.study.command", "plan a comparison, train until its questions are answered, and report"),
    "status": Command("sweeps.status", "show how far the jobs of a sweep are"),
    "resume": Command("sweeps.resume", "finish a stopped run, sweep or study, or make a run longer"),
    "publish": Command("sweeps.publish", "copy runs and studies into a folder for others to compare with"),
    "evaluate": Command("sweeps.evaluate", "play trained policies and report their returns"),
    "record": Command("sweeps.record", "record a trained policy as a GIF or a video"),
    "check-variant": Command("sweeps.check_variant", "check that a variant does what every variant must do"),
    "reproduce": Command("sweeps.reproduce", "train the post's runs and draw its figures"),
    "published": Command("sweeps.published.command", "train the presets and compare them with published results"),
    "benchmark": Command("sweeps.benchmark.command", "train PPO, TRPO and NPG on eleven tasks and compare them"),
    "completion": Command("sweeps.completion", "print a script that lets the shell complete commands and settings"),
}


def parser() -> argparse.ArgumentParser:
    """The parser of the command's name; each command parses its own arguments."""
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
    """Run a command and exit with its status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    name = parser().parse_args(given[:1]).command
    collect_rarely()
    own_packages_first()
    sys.exit(import_module(COMMANDS[name].module).main(given[1:]))


if __name__ == "__main__":
    main()
