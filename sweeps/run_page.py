"""Commands that train runs and write a page about them. The page is made of tables that are kept beside it."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from algos.envs.errors import TaskError
from analysis.run_format import has_ended
from sweeps.batch import Run, train_runs
from sweeps.errors import InputError, exit_with, report
from sweeps.files import replace_file
from sweeps.interrupt import interrupt

Tables = Mapping[str, pd.DataFrame]

README = "README.md"


@dataclass(frozen=True)
class RunPage:
    """A page, the runs that it is about, and its tables.

    Attributes:
        command: the name of the command, and of its directory below ``figures``.
        description: what ``--help`` says.
        runs: the names of the runs of each group.
        run: the run of a name.
        tables: for each file, a function that takes the directory of an ended run and returns its rows, with columns
            ``run``, ``seed`` and ``env_steps`` or ``run`` alone.
        files: a function of the tables by file name that returns the other files of the page.
    """

    command: str
    description: str
    runs: Mapping[str, Sequence[str]]
    run: Callable[[str], Run]
    tables: Mapping[str, Callable[[Path], pd.DataFrame]]
    files: Callable[[Tables], Mapping[str, bytes]]

    def parser(self) -> argparse.ArgumentParser:
        """The command line."""
        result = argparse.ArgumentParser(prog=f"seedbed {self.command}", description=self.description)
        result.add_argument(
            "--only", choices=self.runs, metavar="GROUP",
            help=f"only the runs of this group: {', '.join(self.runs)} (default: all)",
        )  # fmt: skip
        result.add_argument(
            "--run", action="append", default=[], metavar="NAME", help="only this run; may be repeated (default: all)"
        )
        result.add_argument(
            "--runs", type=Path, default=Path("results/published"), metavar="DIR",
            help="directory of the runs (default: %(default)s)",
        )  # fmt: skip
        result.add_argument(
            "--out", type=Path, default=Path("figures", self.command), metavar="DIR",
            help="directory of the page (default: %(default)s)",
        )  # fmt: skip
        result.add_argument(
            "--from-data", action="store_true", help="train nothing; write the page from the tables in --out"
        )
        return result

    def main(self, arguments: Sequence[str] | None = None) -> None:
        """Train, and write the tables and the page; the exit status is 0 only if every run completed."""
        parsed = self.parser().parse_args(arguments)
        troubled: list[str] = []
        try:
            chosen = self.chosen(parsed.only, parsed.run)
            if not parsed.from_data:
                troubled = train_runs([self.run(name) for name in chosen], parsed.runs)
                self.collect([parsed.runs / name for name in chosen], parsed.out)
            tables = self.kept(parsed.out, required=parsed.from_data)
            if tables:
                for name, content in self.files(tables).items():
                    replace_file(parsed.out / name, content)
                print(parsed.out / README)
        except (InputError, TaskError) as error:
            exit_with(error)
        if interrupt.received:
            print("interrupted; to continue: the same command", flush=True)
            sys.exit(128 + interrupt.received)
        if troubled:
            report(f"not complete: {', '.join(troubled)}")
        sys.exit(int(bool(troubled)))

    def chosen(self, group: str | None, names: Sequence[str]) -> list[str]:
        """The names of the runs that the command line asks for.

        Raises:
            InputError: There is no run of a name.
        """
        known = [name for each, runs in self.runs.items() if group in (None, each) for name in runs]
        if unknown := [name for name in names if name not in known]:
            raise InputError(f"--run {unknown[0]}: no such run; expected: one of {', '.join(known)}")
        return [name for name in known if not names or name in names]

    def collect(self, directories: Sequence[Path], out: Path) -> None:
        """Put the rows of the runs that have ended into the tables, in place of older rows of theirs."""
        ended = [directory for directory in directories if has_ended(directory)]
        if not ended:
            return
        for name, rows_of in self.tables.items():
            rows = pd.concat([rows_of(directory) for directory in ended], ignore_index=True)
            if (out / name).exists():
                kept = pd.read_csv(out / name)
                rows = pd.concat([kept[~kept["run"].isin(rows["run"])], rows], ignore_index=True)
            order = [column for column in ("run", "seed", "env_steps") if column in rows]
            text = rows.sort_values(order).to_csv(index=False, float_format="%.6g", lineterminator="\n")
            replace_file(out / name, text.encode())

    def kept(self, out: Path, required: bool) -> Tables:
        """The tables in ``out``; none if one is missing.

        Raises:
            InputError: A table is missing that is required.
        """
        for name in self.tables:
            if not (out / name).exists():
                if required:
                    raise InputError(
                        f"{out / name}: no such file; expected: what seedbed {self.command} writes when it trains"
                    )
                return {}
        return {name: pd.read_csv(out / name) for name in self.tables}
