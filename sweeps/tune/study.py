"""Run a study from its plan to its tables; several processes may do so, and each may be stopped at any time."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.run_format import INFO, SWEEP, read_json
from analysis.tuning.study import FRESH, MADE, TRIALS, WINNERS
from analysis.tuning.winners import PER_TASK, winning_trials
from sweeps.files import write_json
from sweeps.interrupt import interrupt
from sweeps.sweep_directory import write_sweep
from sweeps.tune.freeze import freeze
from sweeps.tune.fresh import fresh_runs
from sweeps.tune.plan import GRID, Plan
from sweeps.tune.plan_file import write_plan
from sweeps.tune.results import choices_of, fresh_table, score_rows, trials_table, write_table
from sweeps.tune.search import do_trials, known_trials
from sweeps.tune.trials import Trial, random_trials
from sweeps.tune.workshop import Workshop


def list_trials(plan: Plan, directory: Path, trials: Sequence[Trial], arguments: Sequence[str]) -> None:
    """Write the list of trials that ``seedbed status`` shows."""
    own = [[f"{key}={value}" for key, value in trial.settings.items()] for trial in trials]
    write_sweep(
        directory,
        arguments,
        plan.config_dir,
        [trial.directory.relative_to(directory).as_posix() for trial in trials],
        [trial.job.content for trial in trials],
        own,
    )


def begin(plan: Plan, directory: Path, arguments: Sequence[str]) -> None:
    """Write a study's plan and, if they are known in advance, its trials; called before anything trains.

    Args:
        plan: the plan.
        directory: the directory of the study.
        arguments: those of the command.

    Raises:
        InputError: The directory holds another study.
    """
    directory.mkdir(parents=True, exist_ok=True)
    write_plan(plan, directory)
    if plan.content["sampler"] == "random":
        list_trials(plan, directory, random_trials(plan, directory), arguments)


def command_of(directory: Path) -> list[str]:
    """The arguments that began a study, or those that continue it if the former were not written."""
    return read_json(directory / SWEEP)["overrides"] if (directory / SWEEP).exists() else [f"study={directory}"]


@dataclass(frozen=True)
class Outcome:
    """The winners of a study, by (variant, task), and the directories of the runs that failed."""

    winners: Mapping[tuple[str, str], Trial]
    failed: Sequence[Path]


def run_study(plan: Plan, directory: Path) -> Outcome | None:
    """Do the rest of a study: train the trials, choose the winners, train them on fresh seeds, write the tables.

    Returns:
        The outcome; None if a signal stopped it, whose number is then in ``interrupt.received``.
    """
    workshop = Workshop(directory)
    interrupt.install(directory)
    try:
        do_trials(plan, workshop)
        if interrupt.received:
            return None
        trials = known_trials(plan, directory)
        workshop.ledger.count_ended([trial.work for trial in trials])  # a killed process may not have counted its own
        winners = write_winners(plan, directory, trials)
        fresh = list(fresh_runs(plan, directory, winners))
        workshop.do_all([each.work for each in fresh], "runs on fresh seeds")
        if interrupt.received:
            return None
    finally:
        interrupt.uninstall()
    choices = choices_of(plan.options)
    rows = [
        row
        for each in fresh
        for row in score_rows(
            each.work.directory,
            choices,
            plan.fresh_seeds,
            variant=each.cell.variant,
            origin=each.origin,
            env_id=each.cell.env_id,
        )
    ]
    write_table(directory, FRESH, fresh_table(rows, choices))
    runs = [*(trial.directory for trial in trials), *(each.work.directory for each in fresh)]
    write_json(directory / MADE, made_by(directory, runs))
    return Outcome(winners, sorted(workshop.failed))


def made_by(directory: Path, runs: Sequence[Path]) -> dict[str, Any]:
    """The command of a study, and the commits, processors and software of its runs."""
    infos = [read_json(run / INFO) for run in runs if (run / INFO).exists()]
    versions = {f"{name} {version}" for info in infos for name, version in info["versions"].items()}
    return {
        "command": shlex.join(["seedbed", "tune", *command_of(directory)]),
        "commits": sorted({str(info["commit"]) for info in infos}),
        "processors": sorted({f"{info['host']['processor']}, {info['host']['cores']} cores" for info in infos}),
        "software": ", ".join(sorted(versions)),
    }


def write_winners(plan: Plan, directory: Path, trials: Sequence[Trial]) -> dict[tuple[str, str], Trial]:
    """Score all trials, choose the winners and write them as experiments; return the winners by (variant, task)."""
    choices = choices_of(plan.options)
    rows = [
        row
        for trial in trials
        for row in score_rows(
            trial.directory,
            choices,
            plan.tuning_seeds,
            variant=trial.cell.variant,
            env_id=trial.cell.env_id,
            trial=trial.number,
            **trial.settings,
        )
    ]
    table = trials_table(rows, choices)
    write_table(directory, TRIALS, table)
    means = table.groupby(["variant", "env_id", "trial"], sort=False)["score"].mean().reset_index()
    best = winning_trials(means, plan.options.scope, -1.0 if plan.options.lower_is_better else 1.0)
    chosen: dict[tuple[str, str], Trial] = {}
    lines = []
    for row in best.to_dict("records"):
        variant, env_id, number = str(row["variant"]), str(row["env_id"]), int(row["trial"])
        trial = next(
            each for each in trials if (each.cell.variant, each.cell.env_id, each.number) == (variant, env_id, number)
        )
        chosen[variant, trial.cell.task] = trial
        lines.append(row | {"experiment": freeze_trial(plan, directory, trial, float(row["score"]))})
    write_table(directory, WINNERS, pd.DataFrame(lines))
    return chosen


def freeze_trial(plan: Plan, directory: Path, trial: Trial, score: float) -> str:
    """Write a winner as an experiment and return the experiment's name."""
    options = plan.options
    name = f"tuned/{trial.cell.task}/{trial.cell.variant}"
    own = None if plan.config_dir is None else Path(plan.config_dir)
    one = "on this task" if options.scope == PER_TASK else f"over {', '.join(plan.tasks)}"
    how = "hand" if plan.content["sampler"] == GRID else f"{options.sampler} search"
    note = (
        f"The best of {options.trials} settings {one}, by {how}: trial {trial.number}, "
        f"{options.score} {options.metric} {score:.6g}\n"
        f"over {options.seeds} tuning seeds of {plan.budget(trial.cell.task)} env steps; on other seeds expect less."
    )
    freeze(own or directory / "conf", own, name, trial.job.content, trial.job.hydra_files["overrides"], note)
    return name
