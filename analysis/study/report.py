"""The report of a study: a page that can be printed, and its tables as CSV."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

from analysis.numbers import interval, number, steps
from analysis.pairs import BETTER, SAME, UNDECIDED
from analysis.plots.style import use_style
from analysis.report.page import page
from analysis.report.sections import KINDS, gallery, items, soft
from analysis.report.tables import Cells, csv, html_table
from analysis.study.answers import fixed_sentence, sentence
from analysis.study.figures import curves_figure, paths
from analysis.study.record import Record
from analysis.study.scores import Cell, aligned, failures, read_rows, scores_of

REPORT, ANSWERS, SCORES = "report.html", "answers.csv", "scores.csv"


@dataclass(frozen=True)
class Spent:
    """The cost of a variant on a task.

    Attributes:
        seconds: seconds of training.
        env_steps: env steps over all seeds.
        size: bytes of files.
        predicted: seconds that a dry run predicted for as many runs. None if there was none.
    """

    seconds: float
    env_steps: int
    size: int
    predicted: float | None


def tables(record: Record, rows: pd.DataFrame) -> dict[str, bytes]:
    """The tables: every answer of every look, and every seed's score."""
    answers = pd.DataFrame([answer.content for look in record.looks for answer in look.answers])
    parts = []
    for task in record.now.tasks:
        for variant, scores in scores_of(record.now, rows, task).items():
            facts = {"task": task, "env_id": record.env_ids[task], "variant": variant, "seed": scores.index}
            parts.append(pd.DataFrame(facts | {"score": record.now.sign * scores.to_numpy()}))
    return {ANSWERS: csv(answers), SCORES: csv(pd.concat(parts, ignore_index=True))}


def files(record: Record, study: Path, spent: Mapping[Cell, Spent], command: str) -> dict[str, bytes]:
    """Every file of the report, by name.

    Raises:
        InputError: The study's runs cannot be read.
    """
    rows = read_rows(study, record.now, record.cells)
    with use_style():
        content = report(record, rows, spent, command).encode()
    return {REPORT: content, **tables(record, rows)}


def report(record: Record, rows: pd.DataFrame, spent: Mapping[Cell, Spent], command: str) -> str:
    """The page: question, deviations, answers, seeds, paths of the tests, curves, cost, plan."""
    plan = record.now
    title = plan.question or f"{', '.join(plan.variants)} on {', '.join(record.env_ids.values())}"
    parts = [f"<h1>{html.escape(title)}</h1>", soft(summary(record))]
    if notes := [*record.deviations, *failed_notes(rows)]:
        heading = "Deviations from the plan" if record.deviations else "Note"
        parts.append(f"<h3>{heading}</h3>{items(notes, 'warnings')}")
    parts += ["<h2>Answers</h2>", verdicts(record), soft(rule(record)), html_table(answer_cells(record), words=4)]
    figures = paths(record)
    for task, env_id in record.env_ids.items():
        parts += [f"<h2>{html.escape(env_id)}</h2>", soft(score_text(record, rows, task))]
        parts.append(gallery([*figures.get(task, []), curves_figure(record, rows, task)]))
    parts += ["<h2>Cost</h2>", html_table(cost_cells(record, spent), words=2), soft(cost_text(record, spent))]
    parts += ["<h2>The plan, as it was written</h2>", plan_html(record), tuned_html(record)]
    parts += ["<h2>How it was tested</h2>", items(RULES), "<h2>What was run</h2>", items(software(record))]
    if command:
        parts.append(f"<pre>{html.escape(command)}</pre>")
    return page(title, "\n".join(parts))


RULES = (
    "Seeds come in groups, and each variant has seeds of its own. After each group, every open question is tested. "
    "An answered question gets no more seeds.",
    "The test is a group-sequential permutation test of the difference of the mean scores (Mathieu et al., TMLR 2024). "
    "Labels are permuted within each group. The share of the level that may be spent grows with the seeds.",
    "Two variants are practically the same when two such tests, one on each side, put their difference within the "
    "margin.",
    "The level bounds the chance that any answer is false, over all looks, pairs and tasks. Each question has an equal "
    "share of it. Without a margin, the shares of answered questions pass on to the others (Holm).",
    "An interval holds the differences that these tests have not excluded. It holds at all looks at once, so it also "
    "holds where the scores decided when to stop.",
    "A seed that failed counts, with its task's low reference.",
)


def summary(record: Record) -> str:
    """One line: how many questions were asked and answered, and how many runs were trained."""
    answered = len(record.now.questions) - len(record.undecided)
    total = len(record.now.questions)
    state = "" if record.finished else " The study is not finished."
    return (
        f"{answered} of {total} question{'s' * (total != 1)} answered, after {len(record.looks)} of at most "
        f"{record.now.looks} looks and {record.seeds} of at most {record.now.most_runs} runs.{state}"
    )


def rule(record: Record) -> str:
    """What the answers rest on."""
    plan = record.now
    text = f"The chance that any of these answers is false is at most {plan.level:g}."
    if plan.margin is not None:
        text += f" Practically the same: closer than {plan.margin:g} of a task's scale."
    return text


def verdicts(record: Record) -> str:
    """One sentence per question, and how many seeds a fixed design would have needed."""
    lines = []
    answers = record.answers
    order = {BETTER: 0, SAME: 1, UNDECIDED: 2}
    for question in sorted(record.now.questions, key=lambda q: order[answers[q].outcome] if q in answers else 3):
        if question not in answers:
            lines.append(f'<li class="open">{html.escape(str(question))}: not tested yet.</li>')
            continue
        answer = answers[question]
        kind = KINDS.get(answer.outcome, "open")
        told = f"{sentence(record.now, answer)} {fixed_sentence(record.now, answer)}".strip()
        lines.append(f'<li class="{kind}">{html.escape(told)}</li>')
    return f'<ul class="verdicts">{"".join(lines)}</ul>'


def answer_cells(record: Record) -> Cells:
    """One row per question."""
    level = f"{100 * (1 - record.now.level):.3g}%"
    cells = [
        ["task", "first", "second", "answer", "looks", "seeds each", "fixed design", "difference", f"{level} interval"]
    ]
    for answer in record.answers.values():
        fixed = "–" if answer.fixed is None else str(answer.fixed)
        limits = interval(answer.low, answer.high)
        counts = [str(answer.look), str(answer.seeds), fixed]
        cells.append([answer.task, answer.a, answer.b, answer.outcome, *counts, number(answer.difference), limits])
    return cells


def score_text(record: Record, rows: pd.DataFrame, task: str) -> str:
    plan = record.now
    found = aligned(plan, rows, task)
    ends = plan.known_references.get(record.env_ids[task])
    scale = "" if ends is None else f" The task's scale goes from {number(ends.low)} to {number(ends.high)}."
    score = plan.scored.describe(found, plan.last)
    return f"Score: {plan.metric}, {score}, up to {steps(found.horizon)} env steps.{scale}"


def failed_notes(rows: pd.DataFrame) -> list[str]:
    """A sentence for each variant with failed seeds."""
    return [
        f"{failed} of {size} seeds of {variant} on {task} failed; they count with the task's low reference."
        for (task, variant), (failed, size) in failures(rows).items()
    ]


def cost_cells(record: Record, spent: Mapping[Cell, Spent]) -> Cells:
    """One row per task and variant, and their sum."""
    whole = at_all_seeds(record, spent)
    cells = [["task", "variant", "seeds", "env steps", "minutes", "predicted", "at all seeds", "disk (MB)"]]
    for cell, looks in record.cells.items():
        cells.append([*cell, str(looks * record.now.group), *cost_row([spent[cell]], whole[cell])])
    cells.append(["all", "", str(record.seeds), *cost_row(list(spent.values()), sum(whole.values()))])
    return cells


def cost_row(costs: Sequence[Spent], whole: float) -> list[str]:
    """The sum of some costs as cells. `whole` is the seconds of training if every seed were trained."""
    predictions = [each.predicted for each in costs if each.predicted is not None]
    predicted = f"{sum(predictions) / 60:.2f}" if len(predictions) == len(costs) else "–"
    minutes = f"{sum(each.seconds for each in costs) / 60:.2f}"
    megabytes = f"{sum(each.size for each in costs) / 1e6:.2f}"
    return [steps(sum(each.env_steps for each in costs)), minutes, predicted, f"{whole / 60:.2f}", megabytes]


def at_all_seeds(record: Record, spent: Mapping[Cell, Spent]) -> dict[Cell, float]:
    """Seconds of training of each task and variant if every look were taken."""
    return {cell: spent[cell].seconds * record.now.looks / looks for cell, looks in record.cells.items()}


def cost_text(record: Record, spent: Mapping[Cell, Spent]) -> str:
    seconds = sum(each.seconds for each in spent.values())
    whole = sum(at_all_seeds(record, spent).values())
    text = (
        f"Minutes are minutes of training, summed over runs. All {record.now.largest} seeds of every variant and task "
        f"would have taken {whole / 60:.3g} minutes; these took {seconds / 60:.3g}."
    )
    if any(each.predicted is not None for each in spent.values()):
        text += " Predicted: what --dry-run said for as many runs."
    return text


def plan_html(record: Record) -> str:
    """The plan as it was written before the first run, with its hash."""
    text = yaml.safe_dump(record.first.content, sort_keys=False, allow_unicode=True)
    changed = "" if record.now.hash == record.first.hash else " It was changed later; see the first lines."
    note = soft(f"Written before the first run; its hash is {record.first.hash}.{changed}")
    return f"{note}<pre>{html.escape(text)}</pre>"


def tuned_html(record: Record) -> str:
    """The settings that tuning chose."""
    if record.tuned is None:
        return ""
    cells: Cells = [["task", "variant", "chosen by tuning"]]
    for task, by_variant in record.tuned.items():
        cells += [[task, variant, " ".join(chosen)] for variant, chosen in by_variant.items()]
    note = "Every variant was tuned with the same budget, on seeds that no test uses (in the folder tuning)."
    return f"<h3>Tuning</h3>{soft(note)}{html_table(cells, words=3)}"


def software(record: Record) -> Sequence[str]:
    versions = ", ".join(f"{name} {version}" for name, version in record.software["versions"].items())
    return [f"Commit {record.software['commit']}", versions]
