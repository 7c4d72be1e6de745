"""Where the settings of trials come from, and doing all trials of a study."""

from pathlib import Path

from sweeps.interrupt import interrupt
from sweeps.tune.grid import grid_trials, mark_as_tuning
from sweeps.tune.plan import GRID, Plan
from sweeps.tune.trials import Trial, random_trials
from sweeps.tune.workshop import Workshop


def do_trials(plan: Plan, workshop: Workshop) -> None:
    """Do every trial of a study, to the number that the plan has; ends early where a signal asks for it."""
    if plan.content["sampler"] == GRID:
        return
    if plan.options.sampler == "random":
        workshop.do_trials(random_trials(plan, workshop.study))
        return
    from sweeps.tune.optuna_search import OptunaSearch  # an extra

    search = OptunaSearch(plan, workshop.study)
    search.do_all(workshop)
    if not interrupt.received:  # those that an error ended are tried again, at another time
        workshop.do_trials(search.trials())


def known_trials(plan: Plan, directory: Path) -> list[Trial]:
    """Every trial of a study, with its settings."""
    if plan.content["sampler"] == GRID:
        trials = grid_trials(plan, directory)
        mark_as_tuning(trials)
        return trials
    if plan.options.sampler == "random":
        return random_trials(plan, directory)
    from sweeps.tune.optuna_search import OptunaSearch

    return OptunaSearch(plan, directory).trials()
