"""Tune variants with equal budgets and train the winners on fresh seeds: ``seedbed tune algo=a2c,ppo env=cartpole``."""

import re
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.errors import InputError, exit_with, report
from sweeps.imports import own_packages_first

if TYPE_CHECKING:
    from sweeps.tune.options import Given

REPORT, DRY_RUN = "--report", "--dry-run"

USAGE = """usage: seedbed tune algo=NAME,… env=NAME,… [KEY=VALUE …] [--config-dir DIR] [--dry-run]

Search settings: every variant gets the same number of trials, seeds and env steps. Then train each winner on seeds that
no trial used. The report shows the best score against the number of trials, and which variant is better.

  seedbed tune algo=a2c,ppo,trpo env=cartpole,pendulum     32 settings of each, 4 seeds, 100k env steps
  seedbed tune … trials=64 seeds=4 budget=200k             other budgets; budget.pendulum=500k for one task
  seedbed tune … scope=all_tasks                           one setting for all tasks
  seedbed tune … sampler=tpe                               Optuna's (pip install 'seedbed[tune]'); or gp
  seedbed tune … space.ppo.algo.clip_coef.high=0.5         another range; KEY=null removes a setting
  seedbed tune … space.ppo.algo.update_epochs='{type: int, low: 5, high: 20}'
  seedbed tune … --config-dir DIR                          options of your own: DIR/space/NAME.yaml is NAME's space
  seedbed tune … network=shared64x64 critic=joint          settings of every run, as for seedbed train
  seedbed tune … --dry-run                                 print what it costs; train nothing
  seedbed tune study=DIR                                   continue a study, as seedbed resume DIR does
  seedbed tune study=DIR --report                          write the report again from the tables in DIR
  seedbed tune grid=DIR                                    take the runs of a finished sweep as the trials

You may stop a study at any time and continue it later. Several processes may work on it at once.

keys and their values:
"""


def help_text() -> str:
    """The usage, and every key of ``conf/tune.yaml`` with its meaning."""
    from sweeps import CONF

    lines = []
    for line in (CONF / "tune.yaml").read_text(encoding="utf-8").splitlines():
        match = re.match(r"(?P<key>\w+): (?P<value>\S+) +# (?P<comment>.*)|(?P<bare>\w+): (?P<only>\S+)$", line)
        if match:
            key, value = match["key"] or match["bare"], match["value"] or match["only"]
            lines.append(f"  {f'{key}={value}':26}  {match['comment'] or ''}".rstrip())
    spaces = ", ".join(sorted(path.stem for path in (CONF / "space").glob("*.yaml") if path.stem != "common"))
    return USAGE + "\n".join(lines) + f"\n\nspaces, in conf/space: {spaces}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Tune; the exit status is 0 only if every run finished, and 2 with one line if the input is wrong."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    own_packages_first()
    if {"--help", "-h"} & set(given):
        print(help_text())
        return
    from algos.envs.errors import TaskError

    try:
        tune(given)
    except (InputError, TaskError) as error:
        exit_with(error)


def split(given: Sequence[str]) -> tuple[list[str], str | None, set[str]]:
    """Split the arguments into overrides, the folder of the user's options, and flags.

    Raises:
        InputError: An option is unknown.
    """
    flags = {REPORT, DRY_RUN} & set(given)
    rest, config_dir = [each for each in given if each not in flags], None
    for index, each in enumerate(rest):
        if each == "--config-dir" and index + 1 < len(rest):
            config_dir = rest[index + 1]
            del rest[index : index + 2]
            break
        if each.startswith("--config-dir="):
            config_dir = each.partition("=")[2]
            del rest[index]
            break
    for each in rest:
        if each.startswith("-"):
            raise InputError(f"{each}: unknown option; expected: one of seedbed tune --help")
    return rest, config_dir, flags


def check_alone(asked: "Given", config_dir: str | None) -> None:
    """Check that a command which continues a study changes nothing that its plan fixes.

    Raises:
        InputError: It changes something.
    """
    told = [
        *asked.overrides,
        *(f"space.{name}.{each}" for name, changes in asked.spaces.items() for each in changes),
        *(f"budget.{task}={count}" for task, count in asked.budgets.items()),
        *([] if config_dir is None else [f"--config-dir={config_dir}"]),
    ]
    if told:
        raise InputError(
            f"{told[0]}: the study in {asked.options.study} has decided this; expected: study=DIR without this key, "
            "or the complete command that began the study"
        )


def tune(given: Sequence[str]) -> None:
    """Do what the command line asks for; exit if a signal stopped it or a run failed."""
    from analysis.run_format import STUDY
    from sweeps.interrupt import interrupt
    from sweeps.tune.check import check_runs
    from sweeps.tune.cost import cost_text
    from sweeps.tune.grid import grid_plan
    from sweeps.tune.launch import launch
    from sweeps.tune.options import read_arguments
    from sweeps.tune.plan_file import read_plan
    from sweeps.tune.planning import make_plan
    from sweeps.tune.report import write_report
    from sweeps.tune.study import begin, command_of, run_study

    overrides, config_dir, flags = split(given)
    asked = read_arguments(overrides)
    options = asked.options
    by_default = f"{options.grid}/tuned" if options.grid else time.strftime("tune/%Y-%m-%d/%H-%M-%S")
    directory = Path(options.study or by_default)
    if REPORT in flags:
        write_report(directory)
        return
    going_on = (
        options.study is not None and asked.told <= {"study", "launcher", "workers"} and (directory / STUDY).exists()
    )
    if going_on:
        check_alone(asked, config_dir)
        plan = read_plan(directory)
    elif options.grid is not None:
        plan = grid_plan(asked, directory)
    else:
        plan = make_plan(asked, config_dir)
    check_runs(plan, directory, options.launcher)
    print(cost_text(plan, directory), flush=True)
    if DRY_RUN in flags:
        return
    begin(plan, directory, command_of(directory) if going_on else given)
    if options.launcher is not None:
        launch(directory, options.launcher, options.workers, asked.launching)
    outcome = run_study(plan, directory)
    if outcome is None:
        assert interrupt.received is not None
        print(f"interrupted; to continue: seedbed tune study={shlex.quote(str(directory))}", flush=True)
        sys.exit(128 + interrupt.received)
    write_report(directory)
    for path in outcome.failed:
        report(f"{path}: ended with an error; see traceback.txt there; repeat the command to try again")
    if outcome.failed:
        sys.exit(1)
