"""Continue a run, a sweep or a study that was stopped: ``seedbed resume DIR``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.run_format import INFO, RECORD, STUDY, SWEEP, read_config, read_json
from sweeps import trust
from sweeps.errors import InputError, exit_with
from sweeps.imports import own_packages_first
from sweeps.sweep_directory import study_command, sweep_command


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(prog="seedbed resume", description=__doc__)
    result.add_argument("directory", type=Path, metavar="DIR", help="the directory of a run, a sweep or a study")
    result.add_argument(
        "--iterations",
        type=int,
        metavar="N",
        help="train up to N iterations; not possible if a schedule depends on their number",
    )
    trust.add_option(result)
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Resume, and exit with the status of the command that is resumed."""
    parsed = parser().parse_args(arguments)
    directory: Path = parsed.directory
    own_packages_first()
    try:
        if (directory / INFO).exists():
            trust.check_run(directory, parsed.trust)
            resume_run(directory, parsed.iterations)
        if (directory / RECORD).exists():
            from sweeps.study.command import resume_study

            resume_study(directory, parsed.trust)
            return
        if (directory / STUDY).exists():
            check_study(directory, parsed.trust)
            from sweeps.tune.command import main as tune_command

            return tune_command([f"study={directory}"])
        if not (directory / SWEEP).exists():
            raise InputError(
                f"{directory}: has neither {INFO} nor {SWEEP}; expected: the directory of a run, a sweep or a study"
            )
        command = sweep_command(directory)
        trust.check_sweep(directory, command, parsed.trust)
    except InputError as error:
        exit_with(error)
    if parsed.iterations is not None:
        command = [*(each for each in command if not each.startswith("iterations=")), f"iterations={parsed.iterations}"]
    from sweeps.hydra_command import main as train_command

    train_command(["--multirun", *command])


def check_study(directory: Path, trusted: bool) -> None:
    """Check that a tuning study may continue.

    Raises:
        InputError: The study, or a run of its grid, names code that ``trusted`` does not allow.
    """
    if trusted:
        return
    trust.check_sweep(directory, study_command(directory), trusted)
    grid = read_json(directory / STUDY).get("grid")
    if grid is not None:
        from sweeps.tune.grid import grid_runs

        for run in grid_runs(Path(grid), directory):
            trust.check_run(run.path, trusted)


def resume_run(directory: Path, iterations: int | None) -> None:
    """Continue one run, and exit."""
    content = {**read_config(directory), "resume": True}
    if iterations is not None:
        content["iterations"] = iterations
    from sweeps.interrupt import exit_interrupted, interrupt
    from sweeps.training import train

    status = train(content, directory, {})
    if interrupt.received:
        exit_interrupted(directory)
    sys.exit(status)


if __name__ == "__main__":
    main()
