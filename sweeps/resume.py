"""Finish what is unfinished in a run directory or in a sweep: ``python -m sweeps.resume DIR``."""

import argparse
import sys
from pathlib import Path

from analysis.run_format import INFO, SWEEP, read_config
from sweeps.errors import InputError, exit_with
from sweeps.interrupt import exit_interrupted, interrupt
from sweeps.sweep_directory import resume_overrides


def main(arguments: list[str] | None = None) -> None:
    """Ends the process with the exit status of ``sweeps.train``."""
    parser = argparse.ArgumentParser(prog="python -m sweeps.resume", description=__doc__)
    parser.add_argument("directory", type=Path, metavar="DIR", help="a run's directory, or a sweep's")
    directory: Path = parser.parse_args(arguments).directory
    try:
        if (directory / INFO).exists():
            content = {**read_config(directory), "resume": True}
            from sweeps.training import train  # imported late: it takes seconds, and bad input is told at once

            status = train(content, directory, {})
            if interrupt.received:
                exit_interrupted(directory)
            sys.exit(status)
        if not (directory / SWEEP).exists():
            raise InputError(f"{directory}: has neither {INFO} nor {SWEEP}; allowed: the directory of a run or a sweep")
        overrides = resume_overrides(directory)
        from sweeps.train import main as train_command

        sys.argv = ["sweeps.train", "--multirun", *overrides]
        train_command()
    except InputError as error:
        exit_with(error)


if __name__ == "__main__":
    main()
