"""Train PPO, TRPO and NPG on eleven simulated tasks with one preset each, and compare them: ``seedbed benchmark``."""

from collections.abc import Sequence

from sweeps.benchmark.page import CURVES, FACTS, files
from sweeps.benchmark.runs import TASKS, names, run
from sweeps.benchmark.tables import curves, facts
from sweeps.run_page import RunPage


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and write the page; the exit status is 0 only if every run completed."""
    runs = {task: names(task) for task in TASKS}
    RunPage("benchmark", str(__doc__), runs, run, {CURVES: curves, FACTS: facts}, files).main(arguments)
