"""The tuning of a study: each variant gets the same budget, on seeds that no test uses, before the first look."""

from pathlib import Path

from analysis.run_format import InputError
from analysis.study.plan import Plan, Tuned
from sweeps.interrupt import interrupt
from sweeps.notebook import override
from sweeps.tune import plan as tuning
from sweeps.tune.check import check_runs
from sweeps.tune.cost import cost_text
from sweeps.tune.options import read_arguments
from sweeps.tune.search import known_trials
from sweeps.tune.study import list_trials, run_study, write_winners

TUNING = "tuning"
"""The tuning's directory, below the study's."""

KEYS = ("trials", "seeds", "budget", "scope", "sampler")


def tuning_plan(plan: Plan, directory: Path, config_dir: str | None) -> tuning.Plan:
    """What `seedbed tune` is asked for.

    Raises:
        InputError: a key is wrong, or a variant or task is more than an option that can be tuned.
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
    return tuning.make_plan(read_arguments(arguments), config_dir)


def _only(section: str, name: str, group: str, overrides: list[str]) -> str:
    """The option that a variant or task is, and nothing else."""
    if len(overrides) != 1 or not overrides[0].startswith(f"{group}="):
        raise InputError(
            f"{section}.{name}={overrides}: cannot be tuned; expected: [{group}=NAME] alone; what all runs have is in "
            "overrides, and tuning.budget decides the iterations"
        )
    return overrides[0].partition("=")[2]


def tune(plan: Plan, directory: Path, config_dir: str | None) -> Tuned | None:
    """Tune every variant on every task, or what is left of it; None where a signal ended it early.

    Returns the overrides of each winner, by task and variant.

    Raises:
        InputError, TaskError: the plan of the tuning is wrong, or a trial ended with an error.
    """
    asked = tuning_plan(plan, directory, config_dir)
    where = directory / TUNING
    check_runs(asked, where, None)
    print(cost_text(asked, where), flush=True)
    where.mkdir(parents=True, exist_ok=True)
    tuning.written_plan(asked, where)
    trials = known_trials(asked, where) if asked.options.sampler == "random" else []
    if trials:
        list_trials(asked, where, trials, [f"study={where}"])
    failed = run_study(asked, where)
    if interrupt.received:
        return None
    if failed:
        raise InputError(f"{failed[0]}: ended with an error; expected: trials that train; the same command tries again")
    winners = write_winners(asked, where, known_trials(asked, where))
    found: Tuned = {}
    for task, task_overrides in plan.tasks.items():
        for variant, variant_overrides in plan.variants.items():
            names = (variant_overrides[0].partition("=")[2], task_overrides[0].partition("=")[2])
            winner = winners[names]
            content = asked.run_content(winner.cell, winner.settings, asked.tuning_seeds)
            settings = {**winner.settings, "iterations": content["iterations"]}
            own = [override(key, value) for key, value in settings.items()]
            found.setdefault(task, {})[variant] = own
    return found


def check(plan: Plan, directory: Path, config_dir: str | None) -> str:
    """What the tuning will cost, in words. Raises InputError, TaskError: what is wrong with it."""
    asked = tuning_plan(plan, directory, config_dir)
    check_runs(asked, directory / TUNING, None)
    return cost_text(asked, directory / TUNING)
