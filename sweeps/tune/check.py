"""Whether the runs of a study can be trained, before any of them is."""

from pathlib import Path

from analysis.tuning.study import PRESET
from sweeps.jobs import check_jobs
from sweeps.run_directory import check_writable
from sweeps.tune.fresh import fresh_directory, preset
from sweeps.tune.plan import Plan
from sweeps.tune.trials import TRIALS


def check_runs(plan: Plan, directory: Path, launcher: str | None) -> None:
    """Whether every variant, and every preset that is to be beside it, can be trained on every task, and files can be
    written; on the machines of a ``launcher`` there may be other devices than here.

    Raises:
        InputError, TaskError: what is wrong with the first that cannot.
    """
    check_writable(directory)
    jobs = [
        (plan.run_content(cell, {}, plan.tuning_seeds), directory / TRIALS / cell.task / cell.variant)
        for cell in plan.cells
    ]
    if plan.options.presets and len(plan.fresh_seeds):
        jobs += [(preset(plan, cell), fresh_directory(directory, cell, PRESET)) for cell in plan.cells]
    check_jobs(jobs, launcher or "basic")
