"""The progress of a study: its answers, its open questions, the time spent and the time left."""

from pathlib import Path

from analysis.numbers import steps
from analysis.study import record as records
from analysis.study.answers import sentence
from analysis.study.scores import run_directory
from sweeps.study.spent import predicted, time_of


def told(directory: Path) -> list[str]:
    """Lines about the progress of the study in a directory.

    Raises:
        InputError: Its files cannot be read.
    """
    record = records.read(directory)
    plan = record.now
    total = len(plan.questions)
    answered = total - len(record.undecided)
    times = {path: time_of(path) for path in directory.glob("runs/*/*/look-*")}
    seconds, env_steps = (sum(column) for column in zip((0.0, 0), *times.values(), strict=True))
    taken = {
        cell: sum(times.get(directory / run_directory(*cell, look + 1), (0.0, 0))[0] for look in range(looks))
        for cell, looks in record.cells.items()
    }
    lines = [f"{plan.name}: {plan.question}" if plan.question else plan.name, *record.deviations]
    lines += [sentence(plan, answer) for answer in record.answers.values()]
    lines.append(
        f"{answered} of {total} question{'s' * (total != 1)} answered after {len(record.looks)} of at most "
        f"{plan.looks} looks; {record.seeds} of at most {plan.most_runs} runs, {steps(env_steps)} env steps, "
        f"{minutes(seconds)}"
    )
    each = {cell: cost.seconds for cell, cost in predicted(directory).items()}
    each |= {cell: took / record.cells[cell] for cell, took in taken.items()}
    if record.finished or any(cell not in each for cell in record.next_cells):
        return lines
    whole = (plan.looks - len(record.looks)) * sum(each[cell] for cell in record.next_cells)
    begun = seconds - sum(taken.values())
    return [*lines, f"at most {minutes(max(0.0, whole - begun))} to come"]


def minutes(seconds: float) -> str:
    """Seconds of training, in minutes."""
    return f"{seconds / 60:.3g} min of training"
