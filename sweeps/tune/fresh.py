"""Winners, and presets beside them, trained on seeds that chose nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.tuning.study import PRESET, TUNED
from sweeps.compose import CONF, composed_config
from sweeps.errors import InputError
from sweeps.tune.plan import Cell, Plan
from sweeps.tune.trials import FRESH, Trial, make_job
from sweeps.tune.work import Work


@dataclass(frozen=True)
class Fresh:
    """The run of a variant on fresh seeds; ``origin``: tuned or preset."""

    cell: Cell
    origin: str
    work: Work


def fresh_runs(plan: Plan, directory: Path, winners: Mapping[tuple[str, str], Trial]) -> Iterator[Fresh]:
    """The winners' runs, by (variant, task), and the presets' where the plan has them."""
    if not len(plan.fresh_seeds):
        return
    for cell in plan.cells:
        trial = winners[cell.variant, cell.task]
        content = plan.run_content(cell, trial.settings, plan.fresh_seeds)
        yield fresh(plan, directory, cell, TUNED, content, dict(trial.settings))
        if plan.options.presets:
            yield fresh(plan, directory, cell, PRESET, preset(plan, cell), {})


def fresh(
    plan: Plan, directory: Path, cell: Cell, origin: str, content: dict[str, Any], settings: Mapping[str, Any]
) -> Fresh:
    """One run."""
    path = directory / FRESH / cell.task / (cell.variant if origin == TUNED else f"{cell.variant}-{PRESET}")
    job = make_job(plan, cell, content, settings, path, f"{origin}: ")
    return Fresh(cell, origin, Work(job, cell.variant, cell.task, origin))


def preset(plan: Plan, cell: Cell) -> dict[str, Any]:
    """The shipped preset of a variant on a task, with the study's budget; the default settings where there is none.

    Raises:
        InputError: its rollouts do not divide the budget.
    """
    name = f"{cell.task}/{cell.variant}"
    there = (CONF / "experiment" / f"{name}.yaml").exists()
    content = composed_config([f"experiment={name}"] if there else [f"algo={cell.variant}", f"env={cell.task}"])
    rollout = content["num_envs"] * content["num_steps"]
    if plan.budget(cell.task) % rollout:
        raise InputError(
            f"presets=true: the rollouts of {name} have {rollout} env steps; expected: a divisor of the budget "
            f"{plan.budget(cell.task)}, or presets=false"
        )
    seeds = {"seed": plan.fresh_seeds.start, "num_seeds": len(plan.fresh_seeds)}
    return content | seeds | {"iterations": plan.budget(cell.task) // rollout, "resume": True}
