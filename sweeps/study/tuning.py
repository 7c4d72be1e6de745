"""Tune the variants of a study before its first look, with equal budgets and on seeds that no test uses."""

from pathlib import Path

from analysis.run_format import InputError
from analysis.study.plan import Plan, Tuned
from sweeps.overrides import override
from sweeps.tune.check import check_runs
from sweeps.tune.cost import cost_text
from sweeps.tune.options import read_arguments
from sweeps.tune.plan import Plan as TuningPlan
from sweeps.tune.planning import make_plan
from sweeps.tune.study import begin, run_study

TUNING = "tuning"
"""The directory of the tuning, below that of the study."""

KEYS = ("trials", "seeds", "budget", "scope", "sampler")


def tuning_plan(plan: Plan, directory: Path, config_dir: str | None) -> TuningPlan:
    """The plan for ``seedbed tune``.

    Raises:
        InputError: A key is wrong, or a variant or task is not a single option, which alone can be tuned.
    """
    assert plan.tuning is not None
    for key in plan.tuning:
        if key not in KEYS:
            raise InputError(f"tuning.{key}: unknown key; expected: {', '.join(KEYS)}")
    arguments = [
        f"algo={','.join(_only('variants', name, 'algo', given) for name, given in plan.variants.items())}",
        f"env={','.join(_only('tasks', name, 'env', given) for name, given in plan.tasks.items())}",
        *(f"{key}={value}" for key, value in plan.tuning.items()),
        *(f"{key}={getattr(plan, key)}" for key in ("metric", "score")),
        f"lower_is_better={'true' if plan.lower_is_better else 'false'}",
        "test_seeds=0",
        f"study={directory / TUNING}",
        *plan.overrides,
    ]
    return make_plan(read_arguments(arguments), config_dir)


def _only(section: str, name: str, group: str, overrides: list[str]) -> str:
    """The name of the single option that a variant or task consists of."""
    if len(overrides) != 1 or not overrides[0].startswith(f"{group}="):
        raise InputError(
            f"{section}.{name}={overrides}: cannot be tuned; expected: [{group}=NAME] alone; settings of all runs go "
            "to overrides, and tuning.budget sets the iterations"
        )
    return overrides[0].partition("=")[2]


def tune(plan: Plan, directory: Path, config_dir: str | None) -> Tuned | None:
    """Tune every variant on every task, or do the rest of it.

    Returns:
        The overrides of each winner, by task and variant; None if a signal stopped the tuning.

    Raises:
        InputError: The plan of the tuning is wrong, or a trial ended with an error.
        TaskError: A task cannot be made.
    """
    asked = tuning_plan(plan, directory, config_dir)
    where = directory / TUNING
    check_runs(asked, where, None)
    print(cost_text(asked, where), flush=True)
    begin(asked, where, [f"study={where}"])
    outcome = run_study(asked, where)
    if outcome is None:
        return None
    if outcome.failed:
        raise InputError(
            f"{outcome.failed[0]}: ended with an error; expected: trials that train; repeat the command to try again"
        )
    found: Tuned = {}
    for task, task_overrides in plan.tasks.items():
        for variant, variant_overrides in plan.variants.items():
            names = (variant_overrides[0].partition("=")[2], task_overrides[0].partition("=")[2])
            winner = outcome.winners[names]
            content = asked.run_content(winner.cell, winner.settings, asked.tuning_seeds)
            settings = {**winner.settings, "iterations": content["iterations"]}
            own = [override(key, value) for key, value in settings.items()]
            found.setdefault(task, {})[variant] = own
    return found


def check(plan: Plan, directory: Path, config_dir: str | None) -> None:
    """Check that the tuning can run.

    Raises:
        InputError: Its plan is wrong.
        TaskError: A task cannot be made.
    """
    check_runs(tuning_plan(plan, directory, config_dir), directory / TUNING, None)


def cost(plan: Plan, directory: Path, config_dir: str | None) -> str:
    """Describe what the tuning will cost.

    Raises:
        InputError: Its plan is wrong.
    """
    return cost_text(tuning_plan(plan, directory, config_dir), directory / TUNING)
