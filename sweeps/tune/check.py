"""Check the runs of a study before any of them trains."""

from pathlib import Path

from analysis.tuning.study import PRESET
from sweeps.jobs import check_jobs
from sweeps.run_directory import check_writable
from sweeps.tune.fresh import fresh_directory, preset
from sweeps.tune.plan import Plan
from sweeps.tune.trials import TRIALS


def check_runs(plan: Plan, directory: Path, launcher: str | None) -> None:
    """Check that every variant, and every preset if the plan has them, can train on every task.

    Devices are not checked if a ``launcher`` starts the runs on other machines.

    Raises:
        InputError: A run is wrong, or files cannot be written.
        TaskError: A task cannot be made.
    """
    check_writable(directory)
    jobs = [
        (plan.run_content(cell, {}, plan.tuning_seeds), directory / TRIALS / cell.task / cell.variant)
        for cell in plan.cells
    ]
    if plan.options.presets and len(plan.fresh_seeds):
        jobs += [(preset(plan, cell), fresh_directory(directory, cell, PRESET)) for cell in plan.cells]
    check_jobs(jobs, launcher or "basic")
