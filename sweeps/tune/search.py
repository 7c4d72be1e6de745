"""Choose the settings of a study's trials and train the trials."""

from pathlib import Path

from sweeps.interrupt import interrupt
from sweeps.tune.grid import grid_trials, mark_as_tuning
from sweeps.tune.plan import GRID, Plan
from sweeps.tune.trials import Trial, random_trials
from sweeps.tune.workshop import Workshop


def do_trials(plan: Plan, workshop: Workshop) -> None:
    """Train all trials of a study; a signal stops it early."""
    if plan.content["sampler"] == GRID:
        return
    if plan.options.sampler == "random":
        workshop.do_trials(random_trials(plan, workshop.study))
        return
    from sweeps.tune.optuna_search import OptunaSearch  # an extra

    search = OptunaSearch(plan, workshop.study)
    search.do_all(workshop)
    if not interrupt.received:  # trials that failed earlier are tried again
        workshop.do_trials(search.trials())


def known_trials(plan: Plan, directory: Path) -> list[Trial]:
    """All trials of a study whose settings are known."""
    if plan.content["sampler"] == GRID:
        trials = grid_trials(plan, directory)
        mark_as_tuning(trials)
        return trials
    if plan.options.sampler == "random":
        return random_trials(plan, directory)
    from sweeps.tune.optuna_search import OptunaSearch

    return OptunaSearch(plan, directory).trials()
