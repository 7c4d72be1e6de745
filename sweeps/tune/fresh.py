"""Train winners, and presets for comparison, on fresh seeds: seeds that no choice was based on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.tuning.study import PRESET, TUNED
from sweeps import CONF
from sweeps.compose import composed_config
from sweeps.errors import InputError
from sweeps.tune.plan import Cell, Plan
from sweeps.tune.trials import FRESH, Trial, make_job
from sweeps.tune.work import Work


@dataclass(frozen=True)
class Fresh:
    """A run of a variant on fresh seeds; ``origin`` is tuned or preset."""

    cell: Cell
    origin: str
    work: Work


def fresh_runs(plan: Plan, directory: Path, winners: Mapping[tuple[str, str], Trial]) -> Iterator[Fresh]:
    """Yield the run of each winner and, if the plan has them, of each preset; ``winners`` by (variant, task)."""
    if not len(plan.fresh_seeds):
        return
    for cell in plan.cells:
        trial = winners[cell.variant, cell.task]
        content = plan.run_content(cell, trial.settings, plan.fresh_seeds)
        yield fresh(directory, cell, TUNED, content, trial.job.hydra_files["overrides"])
        if plan.options.presets:
            yield fresh(directory, cell, PRESET, preset(plan, cell), preset_overrides(plan, cell))


def fresh(directory: Path, cell: Cell, origin: str, content: dict[str, Any], overrides: Sequence[str]) -> Fresh:
    """Make one run on fresh seeds."""
    job = make_job(content, overrides, fresh_directory(directory, cell, origin), f"{origin}: ")
    return Fresh(cell, origin, Work(job, cell.variant, cell.task, origin))


def fresh_directory(directory: Path, cell: Cell, origin: str) -> Path:
    """The directory of a run on fresh seeds."""
    return directory / FRESH / cell.task / (cell.variant if origin == TUNED else f"{cell.variant}-{PRESET}")


def preset_overrides(plan: Plan, cell: Cell) -> list[str]:
    """The overrides that choose the preset of a variant on a task, or its default settings if it has no preset."""
    name = f"{cell.task}/{cell.variant}"
    folders = [CONF, *([] if plan.config_dir is None else [Path(plan.config_dir)])]
    there = any((folder / "experiment" / f"{name}.yaml").exists() for folder in folders)
    return [f"experiment={name}"] if there else [f"algo={cell.variant}", f"env={cell.task}"]


def preset(plan: Plan, cell: Cell) -> dict[str, Any]:
    """The config of a preset on fresh seeds, with as many rollouts as fit into the study's budget.

    Raises:
        InputError: Not a single rollout fits.
    """
    overrides = preset_overrides(plan, cell)
    content = composed_config(overrides, plan.config_dir)
    rollout = content["num_envs"] * content["num_steps"]
    if plan.budget(cell.task) < rollout:
        raise InputError(
            f"presets=true: a rollout of {' '.join(overrides)} has {rollout} env steps, more than the budget "
            f"of {plan.budget(cell.task)}; expected: a larger budget, or presets=false"
        )
    seeds = {"seed": plan.fresh_seeds.start, "num_seeds": len(plan.fresh_seeds)}
    return content | seeds | {"iterations": plan.budget(cell.task) // rollout, "resume": True}
