"""Predict the cost of a study and what it can find, before it trains: ``seedbed study … --dry-run``."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from algos.build import make_trainer
from algos.core.checkpoint import pack
from analysis.numbers import steps
from analysis.run_format import PROGRESS
from analysis.study.answers import first_possible_look
from analysis.study.plan import Plan
from analysis.study.planning import differences, fixed_seeds, prospect
from analysis.study.scores import Cell
from sweeps.files import replace_file, write_json
from sweeps.launching import How
from sweeps.run_config import validate
from sweeps.status import console_for_output, duration
from sweeps.study.run import check, counted, job
from sweeps.study.spent import PREDICTION, Cost
from sweeps.table import TableWriter, progress_rows

CALIBRATION_SECONDS = 8.0
FEWEST_ITERATIONS = 4
MOST_OF_A_RUN = 0.25
"""The largest share of a run's iterations that a calibration trains."""

TIMING_BYTES = 120
"""Bytes of a line of timing.csv."""


def calibrate(cell: Cell, content: Mapping[str, Any]) -> Cost:
    """Predict the cost of a run from its first iterations; their rows and checkpoints are written and deleted."""
    config = validate(dict(content))
    trainer = make_trainer(config)
    took: list[float] = []
    rows = 0
    with tempfile.TemporaryDirectory(prefix="seedbed-") as folder:
        progress, checkpoint = TableWriter(Path(folder) / PROGRESS), Path(folder) / "checkpoint"
        start = before = time.perf_counter()
        for iteration in trainer:
            progress.append(progress_rows(config.algo.name, config.env.id, config.seeds, iteration))
            rows += 1
            if rows % config.checkpoint_interval == 0:
                progress.sync()
                replace_file(checkpoint, pack(trainer.state_dict(), {}))
            now = time.perf_counter()
            took.append(now - before)
            before = now
            enough = now - start > CALIBRATION_SECONDS or len(took) >= MOST_OF_A_RUN * config.iterations
            if enough and len(took) >= FEWEST_ITERATIONS:
                break
        per_iteration = progress.size / rows + TIMING_BYTES
    later = took[1:] or took  # the first one compiles, or loads compiled code
    size = round(per_iteration * config.iterations) + len(pack(trainer.state_dict(), {}))
    env_steps = config.iterations * config.num_envs * config.num_steps * config.num_seeds
    return Cost(*cell, env_steps, config.iterations * sum(later) / len(later), size)


def calibrated(plan: Plan, how: How) -> list[Cost]:
    """The predicted cost of one run of each task and variant."""
    cells = [(task, variant) for task in plan.tasks for variant in plan.variants]
    found: list[Cost] = []
    for cell in cells:
        print(f"calibrating {cell[1]} on {cell[0]} ({len(found) + 1} of {len(cells)})", flush=True)
        found.append(calibrate(cell, how.content(job(plan, cell, 1))))
    return found


def dry_run(plan: Plan, directory: Path, how: How) -> None:
    """Check the plan, calibrate and print; only the prediction is kept, for the report.

    Raises:
        InputError: The plan is wrong.
        TaskError: A task cannot be made.
    """
    env_ids = check(plan, directory, how)
    costs = calibrated(plan, how)
    tell(plan, env_ids, costs, how)
    if plan.tuning is not None:
        from sweeps.study import tuning  # late: few studies tune

        print(f"\nBefore the first look, tuning:\n{tuning.cost(plan, directory, how.config_dir)}")
    directory.mkdir(parents=True, exist_ok=True)
    write_json(directory / PREDICTION, {"plan_hash": plan.hash, "runs": [asdict(cost) for cost in costs]})


def tell(plan: Plan, env_ids: Mapping[str, str], costs: Sequence[Cost], how: How) -> None:
    """Print the plan's questions, its cost and what it can find."""
    console = console_for_output()
    print(f"{plan.name}: {plan.question}" if plan.question else plan.name)
    pairs = "every two" if plan.reference is None else f"{plan.reference} and each other one"
    print(
        f"{counted(len(plan.variants), 'variant')} ({pairs}) on {counted(len(plan.tasks), 'task')}: "
        f"{counted(len(plan.questions), 'question')}."
    )
    table = Table("variant", "task", "env steps", "time", "disk", box=None, pad_edge=False, header_style="bold")
    for each in costs:
        cells = [steps(each.env_steps), duration(each.seconds), _bytes(each.size)]
        table.add_row(each.variant, env_ids[each.task], *cells)
    print(f"\nA run of {plan.group} seeds, by a short calibration on this machine:")
    console.print(table)
    print(f"One group of seeds of everything: {_sum(costs, 1)} of training.")
    print(f"At most {plan.looks} groups: {_sum(costs, plan.looks)}. An answered question needs no further training.")
    launcher = next((each.partition("=")[2] for each in how.options if each.startswith("hydra/launcher=")), "basic")
    if launcher != "basic":
        longest = duration(max(each.seconds for each in costs))
        print(f"With {launcher}, each line is a job, and a group takes at least as long as its longest: {longest}.")
    find(plan, console)


def _sum(costs: Sequence[Cost], times: int) -> str:
    env_steps, seconds, size = (
        times * sum(values) for values in zip(*((c.env_steps, c.seconds, c.size) for c in costs), strict=True)
    )
    return f"{steps(env_steps)} env steps, {_bytes(size)} and {duration(seconds)}"


HEADINGS = ("spread of seeds", "true difference", "better", "the same", "undecided", "seeds each", "fixed design")


def find(plan: Plan, console: Console) -> None:
    """Print the probability of each answer, and the number of seeds that it takes."""
    possible = first_possible_look(plan)
    together = counted(len(plan.questions), "question")
    if not possible:
        print(f"\nNo difference can be found with {plan.largest} seeds: {together} share a level of {plan.level:g}.")
    elif possible > 1:
        print(f"\nNo difference, however large, can be found before look {possible} of {plan.looks}.")
    margin = "no margin" if plan.margin is None else f"a margin of {plan.margin:g} of the task's scale"
    print(f"\nWhat it can find, for {margin}, at level {plan.level:g} for {together} together:")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for spread in (plan.spread / 2, plan.spread, 2 * plan.spread):
        needed = fixed_seeds(plan, spread)
        for difference in differences(plan, spread):
            found = prospect(plan, spread, difference)
            left = max(0.0, 1 - found.better - found.same)
            fixed = "" if needed is None or difference != plan.margin else str(needed)
            cells = [f"{found.better:.0%}", f"{found.same:.0%}", f"{left:.0%}", f"{found.seeds:.0f}", fixed]
            table.add_row(f"{spread:.3g}", f"{difference:.3g}", *cells)
    console.print(table)
    print(
        "Spread (standard deviation) and differences are shares of the task's scale. Fixed design: the seeds each with "
        f"which a single test finds a difference of the margin with probability {plan.power:.0%}."
    )


def _bytes(size: float) -> str:
    return f"{size / 1e6:.3g} MB" if size >= 1e5 else f"{size / 1e3:.3g} kB"
