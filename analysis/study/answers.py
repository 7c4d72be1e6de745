"""Answers of a study after a look: each question's outcome and interval, and what is still undecided.

The chance that any answer of a study is false is at most its level, over all looks, pairs and tasks. At most one answer
to a question can be false: either two variants are equal, or they differ. So each question has an equal share of the
level, for both kinds of answer, and keeps it (Bonferroni's bound). With a margin no question gets the share of another,
because a right answer of one kind leaves the mistake of the other kind possible. Without a margin only "better" can be
false, and the shares of answered questions pass on to the others (Holm 1979). This holds over looks, as the first
crossing of each question does (Maurer and Bretz 2013).
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from analysis import statistics as st
from analysis.numbers import interval, number
from analysis.pairs import BETTER, SAME, UNDECIDED
from analysis.statistics.sequential import Looks, Sequential, first_look, resamples_for
from analysis.study.plan import Plan, Question


@dataclass(frozen=True)
class Answer:
    """The answer to a question after `look` groups of seeds of both variants.

    Attributes:
        outcome: better, practically the same, or undecided.
        difference: mean of a minus mean of b, of the scores as they are.
        low: lower limit of the true difference. The limits of all answers of the study hold at all looks at once, with
            confidence 1 - the plan's level.
        high: upper limit of the true difference.
        inner_low: narrower limit. Where both inner limits lie within `margin`, the variants are practically the same.
        inner_high: narrower limit.
        level: the question's share of the level.
        fixed: seeds of each variant with which a design fixed in advance finds a difference of the margin, with the
            plan's power and the spread of these seeds. None without a margin.
    """

    task: str
    a: str
    b: str
    look: int
    seeds: int
    outcome: str
    difference: float
    low: float
    high: float
    inner_low: float
    inner_high: float
    margin: float | None
    level: float
    fixed: int | None

    @property
    def question(self) -> Question:
        return Question(self.task, self.a, self.b)

    @property
    def content(self) -> dict[str, Any]:
        """The answer for JSON. Limits that are not finite are null."""
        return {
            key: None if isinstance(value, float) and not np.isfinite(value) else value
            for key, value in asdict(self).items()
        }

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Answer":
        """The answer from its `content`."""
        known: dict[str, Any] = dict(content)
        for name, end in (("low", -np.inf), ("high", np.inf)):
            for key in (name, f"inner_{name}"):
                known[key] = end if known[key] is None else known[key]
        return cls(**known)


def looks_of(plan: Plan, question: Question, level: float | None = None) -> Looks:
    """The looks of a question. Its random labellings do not depend on the other questions."""
    words = tuple(zlib.crc32(word.encode()) for word in (question.task, question.a, question.b))
    return Looks(plan.group, plan.looks, resamples_for(level or plan.share, plan.looks), words)


def answers(
    plan: Plan,
    asked: Sequence[Question],
    scores: Mapping[str, Mapping[str, np.ndarray]],
    widths: Mapping[str, float | None],
    told_apart: int,
) -> list[Answer]:
    """The answers to the questions `asked`, with all their seeds so far.

    Args:
        plan: the plan of the study.
        asked: the questions that are undecided.
        scores: by task and variant, the scores [N]; higher is better.
        widths: widths of the tasks' scales; None for a task without one.
        told_apart: number of questions that were answered with "better" before.
    """
    tests = {q: Sequential(looks_of(plan, q), scores[q.task][q.a], scores[q.task][q.b]) for q in asked}
    margins = {
        q: None if plan.margin is None or (width := widths[q.task]) is None else plan.margin * width for q in asked
    }
    better: dict[Question, float] = {}
    level = plan.share
    while True:
        if plan.margin is None:
            level = plan.level / max(len(plan.questions) - told_apart - len(better), 1)
        new = [q for q in asked if q not in better and int(tests[q].differs(level).look) > 0]
        better |= dict.fromkeys(new, level)
        if not new or plan.margin is not None:
            break
    return [_answer(plan, q, tests[q], margins[q], better.get(q, level), q in better) for q in asked]


def _answer(
    plan: Plan, question: Question, test: Sequential, margin: float | None, level: float, better: bool
) -> Answer:
    same = margin is not None and int(test.is_within(level, margin)) > 0
    (low, high), (inner_low, inner_high) = (
        sorted(plan.sign * float(limit) for limit in test.interval(each)) for each in (level, 2 * level)
    )
    seeds = len(test.x)
    fixed = None if margin is None else st.seeds_needed([test.x], [test.y], margin, level, plan.power)
    return Answer(
        task=question.task,
        a=question.a,
        b=question.b,
        look=seeds // plan.group,
        seeds=seeds,
        outcome=SAME if same else BETTER if better else UNDECIDED,
        difference=float(plan.sign * (test.x.mean() - test.y.mean())),
        low=low,
        high=high,
        inner_low=inner_low,
        inner_high=inner_high,
        margin=margin,
        level=level,
        fixed=fixed,
    )


def first_possible_look(plan: Plan) -> int:
    """First look at which anything can be told apart. 0 if the plan's seeds are too few."""
    return first_look(looks_of(plan, plan.questions[0]), plan.share)


def sentence(plan: Plan, answer: Answer) -> str:
    """The answer in one sentence."""
    ahead = answer.difference > 0
    size = number(abs(answer.difference))
    lead = f"{answer.a} {plan.scored.verb} {size} {'higher' if ahead else 'lower'} than {answer.b}"
    if answer.difference == 0:
        lead = f"{answer.a} and {answer.b} score the same"
    seeds = f"{answer.seeds} seeds each"
    between = f"{100 * (1 - plan.level):.3g}% interval {interval(answer.low, answer.high)}"
    if answer.outcome == BETTER:
        winner = answer.a if ahead != plan.lower_is_better else answer.b
        return f"{winner} is better on {answer.task}: {lead} ({between}; {seeds})."
    if answer.outcome == SAME:
        inner = f"{100 * (1 - 2 * plan.level):.3g}% interval {interval(answer.inner_low, answer.inner_high)}"
        return (
            f"{answer.a} and {answer.b} are practically the same on {answer.task}, within "
            f"{number(answer.margin or 0.0)}: {lead} ({inner}; {seeds})."
        )
    state = "Out of seeds, and undecided" if answer.look == plan.looks else "Undecided so far"
    return f"{state} between {answer.a} and {answer.b} on {answer.task}: {lead} ({between}; {seeds})."


def fixed_sentence(plan: Plan, answer: Answer) -> str:
    """How many seeds a design that is fixed in advance needs. Empty without a margin."""
    if answer.fixed is None:
        return ""
    more = "more than " if answer.fixed >= st.MOST_SEEDS_PLANNED else ""
    return (
        f"A design fixed in advance, with one test at the end, takes {more}{answer.fixed} seeds of each to find a "
        f"difference of {number(answer.margin or 0.0)} with probability {plan.power:.0%}; this took {answer.seeds}."
    )
