"""Plan a comparison, train until its questions are answered, and report: ``seedbed study study=NAME``."""

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
    from sweeps.launching import How

EPILOG = """
  seedbed study study=ppo_a2c --dry-run            predict its cost and what it can find; train nothing
  seedbed study study=ppo_a2c                      plan, train, test, report; repeat the command to continue
  seedbed study study=mine --config-dir DIR        a plan of your own, in DIR/study/mine.yaml
  seedbed study study=mine margin=0.1 group=8      change keys of the plan
  seedbed study study=mine hydra/launcher=joblib   train runs side by side; also submitit_slurm, ray
  seedbed status studies/mine                      show its progress

conf/study_plan.yaml explains the keys of a plan.
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
    result.add_argument("--dry-run", action="store_true", help="predict its cost and what it can find; train nothing")
    result.add_argument("--out", type=Path, metavar="DIR", help="directory of the study (default: studies/NAME)")
    result.add_argument("--config-dir", metavar="DIR", help="a folder with options of your own: DIR/study/NAME.yaml")
    return result


def read_plan(overrides: Sequence[str], config_dir: str | None) -> "Plan":
    """Read the plan that the command line names.

    Raises:
        InputError: No study is named, or the plan is wrong.
    """
    from analysis.study.plan import Plan
    from sweeps.compose import composed_config

    chosen = [each.partition("=")[2] for each in overrides if each.startswith("study=")]
    if not chosen:
        raise InputError("study: missing; expected: study=NAME, a file of conf/study or of the --config-dir's study")
    content = composed_config(overrides, config_dir, "study_plan")
    content["name"] = content["name"] or chosen[-1].rpartition("/")[2]
    return Plan.of(content)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a study; the exit status is 0 when it has ended, whatever its answers."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    parsed = parser().parse_intermixed_args(given)
    own_packages_first()
    from algos.envs.errors import TaskError
    from sweeps.launching import How

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
    """Run the rest of a study and write its report; exit if a signal stopped it.

    Raises:
        InputError: The plan or the directory is wrong, or a run failed.
        TaskError: A task cannot be made.
        OSError: A file cannot be written.
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
    """Continue the study in a directory, with the plan and the launcher that its files name; exit if they are wrong."""
    from algos.envs.errors import TaskError
    from analysis.run_format import SWEEP, read_json
    from analysis.study import record as records
    from sweeps.launching import How
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
