"""Run a study: train a group of seeds, test, and repeat with the open questions until all are answered.

Every decision is in the study's files. A killed study continues from there and decides the same: its runs continue from
their checkpoints, and a test depends only on the rows of the runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from analysis.pairs import BETTER
from analysis.run_format import COMPLETE, FAILED, INFO, RECORD, read_info
from analysis.study import record as records
from analysis.study.answers import answers, sentence
from analysis.study.plan import Plan, Tuned
from analysis.study.record import PLAN, Look, Record
from analysis.study.scores import Cell, failures, read_rows, run_directory, scores_of
from sweeps.errors import InputError
from sweeps.files import replace_file, write_json
from sweeps.interrupt import interrupt
from sweeps.launching import How, Job
from sweeps.lock import locked
from sweeps.provenance import software
from sweeps.sweep_directory import write_command


def job(plan: Plan, cell: Cell, look: int, tuned: Tuned | None = None) -> Job:
    """The job that trains the seeds of one look for a task and variant."""
    task, variant = cell
    seeds = (f"seed={plan.first_seed(variant, look)}", f"num_seeds={plan.group}")
    return Job(run_directory(task, variant, look), (*plan.cell_overrides(task, variant, tuned), *seeds))


def check(plan: Plan, directory: Path, how: How) -> dict[str, str]:
    """Check the plan and all runs of its first look.

    Returns:
        The env_id of each task, by the task's name.

    Raises:
        InputError: The plan or a run is wrong.
        TaskError: A task cannot be made.
    """
    jobs = [job(plan, (task, variant), 1) for task in plan.tasks for variant in plan.variants]
    for each in jobs:
        for override in each.overrides[:-2]:
            if override.lstrip("+~").split("=")[0] in ("seed", "num_seeds"):
                raise InputError(f"{override}: a study chooses its seeds itself; expected: seed, group and largest")
    found: dict[str, dict[str, str]] = {}
    for each in jobs:
        _, task, variant, _ = each.directory.split("/")
        found.setdefault(task, {})[variant] = str(how.content(each)["env"]["id"])
    for task, by_variant in found.items():
        if len(set(by_variant.values())) > 1:
            told = ", ".join(f"{variant}: {env_id}" for variant, env_id in by_variant.items())
            raise InputError(f"tasks.{task}: {told}; expected: one environment for all variants")
    env_ids = {task: next(iter(by_variant.values())) for task, by_variant in found.items()}
    for env_id in env_ids.values():
        if (names := [task for task, each in env_ids.items() if each == env_id])[1:]:
            raise InputError(f"tasks: {' and '.join(names)} are both {env_id}; expected: each environment once")
    plan.check_references(env_ids)
    how.check(jobs, directory)
    if plan.tuning is not None:
        from sweeps.study import tuning  # late: few studies tune

        tuning.check(plan, directory, how.config_dir)
    return env_ids


def begin(plan: Plan, directory: Path, how: How, env_ids: Mapping[str, str]) -> Record:
    """Write the plan of a new study, or open the study in the directory under this plan.

    Raises:
        InputError: The directory holds another study, or the plan cannot be run.
    """
    if (directory / RECORD).exists():
        before = records.read(directory)
        record = before.under(plan)
        record.now.check_references(record.env_ids)
        if not record.looks:
            record = Record(record.first, record.now, record.software, env_ids or check(plan, directory, how))
        for note in record.deviations[len(before.deviations) :]:
            print(f"deviation: {note} The report says so first.", flush=True)
    else:
        record = Record(plan, plan, _software(), env_ids)
    replace_file(directory / PLAN, yaml.safe_dump(record.first.content, sort_keys=False, allow_unicode=True).encode())
    write_json(directory / RECORD, record.content)
    return record


def _software() -> dict[str, Any]:
    facts = software()
    return {key: facts[key] for key in ("commit", "repository", "versions")}


def run(plan: Plan, directory: Path, how: How) -> Record:
    """Run a study, or the rest of it.

    Raises:
        InputError: The plan or the directory is wrong, or a run did not finish.
        TaskError: A task cannot be made.
    """
    env_ids = {} if (directory / RECORD).exists() else check(plan, directory, how)
    directory.mkdir(parents=True, exist_ok=True)
    with locked(directory):
        record = begin(plan, directory, how, env_ids)
        write_command(directory, how.options, how.config_dir)  # for seedbed resume; tuning may come before the runs
        if how.is_elsewhere(directory):
            return go_on(record, directory, how)
        interrupt.install(directory)
        try:
            return go_on(record, directory, how)
        finally:
            interrupt.uninstall()


def go_on(record: Record, directory: Path, how: How) -> Record:
    """Run the rest of a study, look by look; a signal stops it early.

    Raises:
        InputError: A run did not finish.
    """
    plan = record.now
    if plan.tuning is not None and record.tuned is None:
        from sweeps.study import tuning  # late: few studies tune

        record = replace(record, tuned=tuning.tune(plan, directory, how.config_dir))
        if record.tuned is None:
            return record
        write_json(directory / RECORD, record.content)
    while not interrupt.received and (cells := record.next_cells):
        number = len(record.looks) + 1
        open_questions = counted(len(record.undecided), "open question")
        told = f"look {number} of at most {plan.looks}: {plan.group} seeds each, {counted(len(cells), 'run')}"
        print(f"{told}, for {open_questions}", flush=True)
        train(record, cells, number, directory, how)
        if interrupt.received:
            return record
        record = record.with_look(look(record, cells, directory))
        write_json(directory / RECORD, record.content)
        for answer in record.looks[-1].answers:
            print(f"  {sentence(plan, answer)}", flush=True)
    return record


def counted(number: int, what: str) -> str:
    """A number with a noun: 1 run, 3 runs."""
    return f"{number} {what}{'s' * (number != 1)}"


def train(record: Record, cells: Sequence[Cell], number: int, directory: Path, how: How) -> None:
    """Train the seeds of a look.

    Raises:
        InputError: A run did not finish.
    """
    plan = record.now
    done = [job(plan, cell, look + 1, record.tuned) for look, each in enumerate(record.looks) for cell in each.cells]
    jobs = [job(plan, cell, number, record.tuned) for cell in cells]
    how.launch(jobs, done, directory)
    if interrupt.received:
        return
    for each in jobs:
        info = read_info(directory / each.directory) if (directory / each.directory / INFO).exists() else {}
        if info.get("status") not in (COMPLETE, FAILED) or "progress" not in info:
            reason = info.get("error", f"it is {info.get('status', 'not there')}")
            raise InputError(
                f"{directory / each.directory}: the run did not finish ({reason}); expected: a complete run; "
                "remove the cause and repeat the command"
            )


def look(record: Record, cells: Sequence[Cell], directory: Path) -> Look:
    """Test the open questions with all seeds so far.

    Raises:
        InputError: A run cannot be read.
    """
    plan = record.now
    count: dict[Cell, int] = dict(record.cells)
    for cell in cells:
        count[cell] = count.get(cell, 0) + 1
    rows = read_rows(directory, plan, count)
    asked = record.undecided
    scores = {
        task: {
            variant: each.to_numpy()[: count[task, variant] * plan.group]
            for variant, each in scores_of(plan, rows, task).items()
        }
        for task in dict.fromkeys(q.task for q in asked)
    }
    widths = {task: plan.width(env_id) for task, env_id in record.env_ids.items()}
    told_apart = sum(answer.outcome == BETTER for answer in record.answers.values())
    for (task, variant), (failed, number) in failures(rows[rows["task"].isin(scores)]).items():
        print(f"  note: {failed} of {number} seeds of {variant} on {task} failed; they count with the low reference.")
    return Look(list(cells), answers(plan, asked, scores, widths, told_apart))
