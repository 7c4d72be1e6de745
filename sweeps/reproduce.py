"""Train the post's runs, draw its figures and write the page: ``seedbed reproduce``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sweeps.errors import InputError, exit_with, report
from sweeps.imports import own_packages_first


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(prog="seedbed reproduce", description=__doc__)
    result.add_argument("--quick", action="store_true", help="short runs with few seeds, in separate directories")
    result.add_argument("--only", action="append", default=[], metavar="NAME", help="only this figure; may be repeated")
    result.add_argument("--runs", type=Path, metavar="DIR", help="directory of the runs (default: results/post)")
    result.add_argument("--out", type=Path, metavar="DIR", help="directory of the figures (default: figures/post)")
    work = result.add_mutually_exclusive_group()
    work.add_argument("--train-only", action="store_true", help="train only")
    work.add_argument("--draw-only", action="store_true", help="train nothing; draw from the runs that have ended")
    work.add_argument(
        "--from-data", action="store_true", help="train nothing; draw from the data in --out and keep its GIFs"
    )
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and draw; the exit status is 0 only if everything was made."""
    parsed = parser().parse_args(arguments)
    own_packages_first()
    from algos.envs.errors import TaskError
    from sweeps.batch import train_runs
    from sweeps.interrupt import interrupt
    from sweeps.post.data import Data
    from sweeps.reproduction import chosen, collect, draw_all, needed_runs

    directory = parsed.runs or Path("results/post-quick" if parsed.quick else "results/post")
    out = parsed.out or (directory / "figures" if parsed.quick else Path("figures/post"))
    try:
        drawings, recordings = chosen(parsed.only)
        runs = needed_runs(drawings, recordings, parsed.quick)
        troubled = [] if parsed.draw_only or parsed.from_data else train_runs(runs, directory)
        if interrupt.received:
            print("interrupted; to go on: the same command", flush=True)
            sys.exit(128 + interrupt.received)
        missing = []
        if not parsed.train_only:
            data = Data(out / "data")
            if not parsed.from_data:
                collect(runs, recordings, directory, data, parsed.quick)
            missing = draw_all(drawings, recordings, data)
    except (InputError, TaskError) as error:
        exit_with(error)
    if troubled:
        report(f"not complete: {', '.join(troubled)}")
    if missing:
        report(f"not drawn, as their runs have not ended: {', '.join(missing)}")
    sys.exit(int(bool(troubled or missing)))


if __name__ == "__main__":
    main()
