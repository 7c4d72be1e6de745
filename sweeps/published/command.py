"""Train the presets for as many steps as published runs, and compare the returns: ``seedbed published``."""

import argparse
from collections.abc import Sequence

from sweeps.batch import Run
from sweeps.published.page import evaluations, page
from sweeps.published.presets import STUDIES, Published, members
from sweeps.run_page import README, RunPage, Tables

EVALUATIONS = "evaluations.csv"


def published_page() -> RunPage:
    """The page of the presets beside published results."""
    known = {each.name: each for study in STUDIES for each in members(study)}

    def run(name: str) -> Run:
        each = known[name]
        return each.run if isinstance(each, Published) else each

    def files(tables: Tables) -> dict[str, bytes]:
        return {README: page(tables[EVALUATIONS]).encode()}

    runs = {study: [each.name for each in members(study)] for study in STUDIES}
    return RunPage("published", str(__doc__), runs, run, {EVALUATIONS: evaluations}, files)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    return published_page().parser()


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, evaluate and write the page; the exit status is 0 only if every run completed."""
    published_page().main(arguments)
