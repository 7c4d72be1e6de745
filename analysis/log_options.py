"""Command line options for logs of other programs: --pattern, --column, --preview."""

import argparse
from collections.abc import Sequence

from analysis.numbers import listed
from analysis.readers import Reading, find, read_logs
from analysis.readers.patterns import EXAMPLE, Pattern, described
from analysis.run_format import InputError
from analysis.runs.directories import read_runs

PREVIEWED = 20


def add_logs(parser: argparse.ArgumentParser) -> None:
    """Adds the options to a command."""
    logs = parser.add_argument_group("logs of other programs")
    logs.add_argument(
        "--pattern",
        type=pattern,
        action="append",
        default=[],
        metavar="PATTERN",
        help=f"how to read variant, task and seed from a run's path, as in '{EXAMPLE}'. The pattern describes the end "
        "of the path; * stands for any part of a name. Of several patterns, the first that matches a run is used",
    )
    logs.add_argument(
        "--column",
        type=column,
        action="append",
        default=[],
        metavar="OURS=THEIRS",
        help="name of a column or series in the logs: env_steps=global_step, value=return, episodic_return=NAME",
    )
    logs.add_argument(
        "--preview",
        action="store_true",
        help="list the runs and what the patterns read from their paths; compare nothing",
    )


def pattern(text: str) -> Pattern:
    try:
        return Pattern(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error).partition(": ")[2]) from None


def column(text: str) -> tuple[str, str]:
    ours, equals, theirs = (part.strip() for part in text.partition("="))
    if not (ours and equals and theirs):
        raise argparse.ArgumentTypeError(f"{text!r}; expected: OURS=THEIRS, as in env_steps=global_step")
    return ours, theirs


def reading_of(arguments: argparse.Namespace) -> Reading:
    return Reading(arguments.pattern, dict(arguments.column))


def preview(paths: Sequence[str], reading: Reading) -> list[str]:
    """One line for each run that is found, with what is known of it.

    Raises:
        InputError: A path holds no run, or a log cannot be read.
    """
    found = find(paths, reading)
    logs, tables = read_logs(found, None, reading, open_facts=True)
    lines = [
        f"{run.path}: seedbed, variant {run.algo}, task {run.env_id}, {len(run.info['seeds'])} seeds"
        for run in read_runs(found.own)
    ]
    for log in logs:
        lines.append(f"{log.path}: {log.format}, {described(log.facts)}; {listed(log.names)}")
    lines += [f"{table.path}: table, means of {len(table.rows)} variants and tasks, no seeds" for table in tables]
    total = len(lines)
    if total > PREVIEWED:
        lines = [*lines[:PREVIEWED], f"... and {total - PREVIEWED} more runs"]
    return lines
