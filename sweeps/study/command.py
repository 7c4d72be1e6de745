"""Answer a question by a study that is planned first and stops when it knows: ``seedbed study study=NAME``."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps import trust
from sweeps.errors import InputError, exit_with
from sweeps.imports import own_packages_first

if TYPE_CHECKING:
    from analysis.study.plan import Plan
    from sweeps.study.run import How

EPILOG = """
  seedbed study study=ppo_a2c --dry-run            what it will cost, and what it can find
  seedbed study study=ppo_a2c                      plan, train, test, report; the same command goes on
  seedbed study study=mine --config-dir DIR        a plan of your own, in DIR/study/mine.yaml
  seedbed study study=mine margin=0.1 group=8      with other values of the plan's keys
  seedbed study study=mine hydra/launcher=joblib   the runs of a group of seeds side by side; also submitit_slurm, ray
  seedbed status studies/mine                      how far it is

The keys of a plan, and what they mean, are in conf/study_plan.yaml.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog="seedbed study",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
        epilog=EPILOG,
        usage="seedbed study study=NAME [KEY=VALUE …] [--dry-run] [--out DIR] [--config-dir DIR]",
    )
    result.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="keys of the plan, or hydra/launcher=NAME")
    result.add_argument("--dry-run", action="store_true", help="say its cost, and what it can find; trains nothing")
    result.add_argument("--out", type=Path, metavar="DIR", help="where the study goes (studies/NAME)")
    result.add_argument("--config-dir", metavar="DIR", help="a folder with options of your own: DIR/study/NAME.yaml")
    return result


def read_plan(overrides: Sequence[str], config_dir: str | None) -> "Plan":
    """The plan that the command line names. Raises InputError."""
    from analysis.study.plan import Plan
    from sweeps.compose import composed_config

    chosen = [each.partition("=")[2] for each in overrides if each.startswith("study=")]
    if not chosen:
        raise InputError("study: missing; expected: study=NAME, a file of conf/study or of the --config-dir's study")
    try:
        content = composed_config(overrides, config_dir, "study_plan")
    except InputError as error:
        raise InputError(str(error).replace("that seedbed train --help lists", "of conf/study_plan.yaml")) from None
    content["name"] = content["name"] or chosen[-1].rpartition("/")[2]
    return Plan.of(content)


def main(arguments: Sequence[str] | None = None) -> None:
    """Ends the process with status 0 once the study has ended, whatever its answers are."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    parsed = parser().parse_intermixed_args(given)
    own_packages_first()
    from algos.envs.errors import TaskError
    from sweeps.study.run import How

    options = [each for each in parsed.overrides if each.lstrip("+~").startswith("hydra")]
    how = How(options, None if parsed.config_dir is None else str(Path(parsed.config_dir).resolve()))
    try:
        plan = read_plan([each for each in parsed.overrides if each not in options], parsed.config_dir)
        directory: Path = parsed.out or Path("studies") / plan.name
        if parsed.dry_run:
            from sweeps.study.costs import dry_run

            dry_run(plan, directory, how)
            return
        answer(plan, directory, how, shlex.join(["seedbed", "study", *given]))
    except (InputError, TaskError, OSError) as error:
        exit_with(error)


def answer(plan: "Plan", directory: Path, how: "How", command: str) -> None:
    """Run a study, or what is left of it, and write its report; ends the process where a signal stopped it.

    Raises:
        InputError, TaskError, OSError: what is wrong.
    """
    from sweeps.interrupt import exit_interrupted, interrupt
    from sweeps.study.report import write_report
    from sweeps.study.run import run

    interrupt.received = None
    record = run(plan, directory, how)
    if interrupt.received:
        exit_interrupted(directory)
    print(write_report(record, directory, command))


def resume_study(directory: Path, trusted: bool) -> None:
    """Go on with the study in a directory, as its plan and its launcher are written there. Raises InputError."""
    from algos.envs.errors import TaskError
    from analysis.run_format import SWEEP, read_json
    from analysis.study import record as records
    from sweeps.study.run import How
    from sweeps.sweep_directory import planned_command

    try:
        launched = read_json(directory / SWEEP) if (directory / SWEEP).exists() else {"overrides": []}
        how = How(launched["overrides"], launched.get("config_dir"))
        folder = [] if how.config_dir is None else [f"--config-dir={how.config_dir}"]
        trust.check_sweep(directory, [*how.options, *planned_command(directory), *folder], trusted)
        plan = records.read(directory).now  # which imports the score that it names
        answer(plan, directory, how, shlex.join(["seedbed", "resume", str(directory)]))
    except (InputError, TaskError, OSError) as error:
        exit_with(error)
