"""How far a study is: what is decided and open, what it took, and what may come."""

from pathlib import Path

from analysis.numbers import steps
from analysis.study import record as records
from analysis.study.answers import sentence
from sweeps.study_spent import spent, time_of


def told(directory: Path) -> list[str]:
    """A few lines about the study in a directory. Raises InputError."""
    record = records.read(directory)
    plan = record.now
    total = len(plan.questions)
    answered = total - len(record.undecided)
    most = plan.largest * len(plan.tasks) * len(plan.variants)
    taken = spent(record, directory)
    seconds = sum(each[0] for each in taken.values())
    env_steps = sum(each[1] for each in taken.values())
    lines = [f"{plan.name}: {plan.question}" if plan.question else plan.name, *record.deviations]
    lines += [sentence(plan, answer) for answer in record.answers.values()]
    lines.append(
        f"{answered} of {total} question{'s' * (total != 1)} answered after {len(record.looks)} of at most "
        f"{plan.looks} looks; {record.seeds} of at most {most} runs, {steps(env_steps)} env steps, {minutes(seconds)}"
    )
    if record.finished:
        return lines
    left = plan.looks - len(record.looks)
    each = {cell: took / record.cells[cell] for cell, (took, _, _) in taken.items()}
    if each:
        to_come = sum(each[cell] for cell in record.next_cells)
        now = sum(time_of(path)[0] for path in directory.glob(f"runs/*/*/look-{len(record.looks) + 1}"))
        lines.append(
            f"at most {minutes(max(0.0, left * to_come - now))} to come, if nothing more is decided before the end"
        )
    return lines


def minutes(seconds: float) -> str:
    """Of training."""
    return f"{seconds / 60:.3g} min of training"
