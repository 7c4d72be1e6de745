"""Train the presets for as many steps as published runs, and compare the returns: ``seedbed published``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from algos.envs.errors import TaskError
from analysis.run_format import has_ended
from sweeps.batch import train_runs
from sweeps.errors import InputError, exit_with, report
from sweeps.files import replace_file
from sweeps.interrupt import interrupt
from sweeps.published.page import evaluations, page
from sweeps.published.presets import STUDIES, Published, members

EVALUATIONS = "evaluations.csv"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(prog="seedbed published", description=__doc__)
    result.add_argument("--only", choices=STUDIES, help="only this study (default: all)")
    result.add_argument(
        "--run", action="append", default=[], metavar="NAME", help="only this run; may be repeated (default: all)"
    )
    result.add_argument(
        "--runs", type=Path, default=Path("results/published"), metavar="DIR", help="directory of the runs"
    )
    result.add_argument(
        "--out", type=Path, default=Path("figures/published"), metavar="DIR", help="directory of the page"
    )
    result.add_argument(
        "--from-data", action="store_true", help="train nothing; write the page from the evaluations in --out"
    )
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, evaluate and write the page; the exit status is 0 only if every run completed."""
    parsed = parser().parse_args(arguments)
    path = parsed.out / EVALUATIONS
    troubled: list[str] = []
    try:
        chosen = [each for study in STUDIES if parsed.only in (None, study) for each in members(study)]
        names = [each.name for each in chosen]
        if unknown := [name for name in parsed.run if name not in names]:
            raise InputError(f"--run {unknown[0]}: no such run; expected: one of {', '.join(names)}")
        chosen = [each for each in chosen if not parsed.run or each.name in parsed.run]
        table = pd.read_csv(path) if path.exists() else None
        if not parsed.from_data:
            troubled = train_runs([each.run if isinstance(each, Published) else each for each in chosen], parsed.runs)
            if ended := [parsed.runs / each.name for each in chosen if has_ended(parsed.runs / each.name)]:
                new = evaluations(ended)
                kept = [] if table is None else [table[~table["run"].isin(new["run"])]]
                table = pd.concat([*kept, new], ignore_index=True).sort_values(["run", "seed", "env_steps"])
                replace_file(path, table.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode())
        elif table is None:
            raise InputError(f"{path}: no such file; expected: the file that seedbed published writes when it trains")
        if table is not None:
            replace_file(parsed.out / "README.md", page(table).encode())
            print(parsed.out / "README.md")
    except (InputError, TaskError) as error:
        exit_with(error)
    if interrupt.received:
        print("interrupted; to continue: the same command", flush=True)
        sys.exit(128 + interrupt.received)
    if troubled:
        report(f"not complete: {', '.join(troubled)}")
    sys.exit(int(bool(troubled)))
