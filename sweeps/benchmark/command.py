"""Train PPO, TRPO and NPG on eleven simulated tasks with one preset each, and compare them: ``seedbed benchmark``."""

import argparse
from collections.abc import Mapping, Sequence

from sweeps.benchmark.runs import TASKS, names, run
from sweeps.benchmark.tables import CURVES, FACTS, curves, facts
from sweeps.run_page import RunPage, Tables


def files(tables: Tables) -> Mapping[str, bytes]:
    """The page and its figures."""
    from sweeps.benchmark import page  # late: it takes seconds, which the command's help has no need of

    return page.files(tables)


def benchmark_page() -> RunPage:
    """The page of TRPO and NPG beside PPO."""
    runs = {task: names(task) for task in TASKS}
    return RunPage("benchmark", str(__doc__), runs, run, {CURVES: curves, FACTS: facts}, files)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    return benchmark_page().parser()


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and write the page; the exit status is 0 only if every run completed."""
    benchmark_page().main(arguments)
