"""How far a study is: what is decided and open, what it took, and what may come."""

from pathlib import Path

from analysis.numbers import steps
from analysis.study import record as records
from analysis.study.answers import sentence
from sweeps.study.spent import predicted, spent, time_of


def told(directory: Path) -> list[str]:
    """A few lines about the study in a directory. Raises InputError."""
    record = records.read(directory)
    plan = record.now
    total = len(plan.questions)
    answered = total - len(record.undecided)
    taken = spent(record, directory)
    all_runs = [time_of(path) for path in directory.glob("runs/*/*/look-*")]
    seconds, env_steps = sum(took for took, _ in all_runs), sum(number for _, number in all_runs)
    lines = [f"{plan.name}: {plan.question}" if plan.question else plan.name, *record.deviations]
    lines += [sentence(plan, answer) for answer in record.answers.values()]
    lines.append(
        f"{answered} of {total} question{'s' * (total != 1)} answered after {len(record.looks)} of at most "
        f"{plan.looks} looks; {record.seeds} of at most {plan.most_runs} runs, {steps(env_steps)} env steps, "
        f"{minutes(seconds)}"
    )
    each = {cell: cost.seconds for cell, cost in predicted(directory).items()}
    each |= {cell: took / record.cells[cell] for cell, (took, _, _) in taken.items()}
    if record.finished or any(cell not in each for cell in record.next_cells):
        return lines
    whole = (plan.looks - len(record.looks)) * sum(each[cell] for cell in record.next_cells)
    begun = seconds - sum(took for took, _, _ in taken.values())
    return [*lines, f"at most {minutes(max(0.0, whole - begun))} to come"]


def minutes(seconds: float) -> str:
    """Of training."""
    return f"{seconds / 60:.3g} min of training"
