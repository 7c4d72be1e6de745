"""The record of a study, `record.json`: the plan as it was written, later changes, and the answers of each look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from analysis.pairs import UNDECIDED
from analysis.run_format import RECORD, InputError, read_json
from analysis.study.answers import Answer
from analysis.study.plan import Plan, Question, Tuned, changes, other_runs
from analysis.study.scores import Cell, open_cells

PLAN = "plan.yaml"


@dataclass(frozen=True)
class Look:
    """One test: which tasks and variants got a group of seeds for it, and the answers to the undecided questions."""

    cells: list[Cell]
    answers: list[Answer]


@dataclass(frozen=True)
class Record:
    """A study so far.

    Attributes:
        first: the plan with which it began.
        now: the plan that holds now.
        software: commit and versions with which it began.
        env_ids: ids of the tasks, by their names in the plan.
        deviations: changes of the plan after a look, one sentence each.
        looks: the looks so far.
        tuned: the overrides that tuning chose. None if nothing is tuned, or not yet.
    """

    first: Plan
    now: Plan
    software: Mapping[str, Any]
    env_ids: Mapping[str, str]
    deviations: list[str] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    tuned: Tuned | None = None

    @property
    def answers(self) -> dict[Question, Answer]:
        """The last answer to each question that was asked."""
        return {answer.question: answer for look in self.looks for answer in look.answers}

    @property
    def undecided(self) -> list[Question]:
        """The questions that are not decided."""
        known = self.answers
        return [q for q in self.now.questions if q not in known or known[q].outcome == UNDECIDED]

    @property
    def finished(self) -> bool:
        """Whether every question is decided, or no seeds are left."""
        return not self.undecided or len(self.looks) >= self.now.looks

    @property
    def next_cells(self) -> list[Cell]:
        """The tasks and variants that get the next group of seeds."""
        return [] if self.finished else open_cells(self.now, self.undecided)

    @property
    def cells(self) -> dict[Cell, int]:
        """Number of groups of seeds of each task and variant."""
        count: dict[Cell, int] = {}
        for look in self.looks:
            for cell in look.cells:
                count[cell] = count.get(cell, 0) + 1
        return count

    @property
    def seeds(self) -> int:
        """Number of seeds trained so far, over all tasks and variants."""
        return sum(self.cells.values()) * self.now.group

    def with_look(self, look: Look) -> "Record":
        """The record after one more look."""
        return replace(self, looks=[*self.looks, look])

    def under(self, plan: Plan) -> "Record":
        """The same study with another plan. After the first look a change is a deviation.

        Raises:
            InputError: The plan asks for other runs than there are.
        """
        if plan.hash == self.now.hash:
            return self
        told = changes(self.now, plan)
        if keys := other_runs(self.now, plan):
            which = next(change for change in told if change.startswith(keys[0]))
            raise InputError(
                f"{keys[0]}: differs from the plan of the study in this directory ({which}); "
                "expected: the same runs, or --out DIR for a new study"
            )
        if not self.looks:
            return replace(self, first=plan, now=plan)
        notes = [f"The plan was changed after look {len(self.looks)}: {change}." for change in told]
        return replace(self, now=plan, deviations=[*self.deviations, *notes])

    @property
    def content(self) -> dict[str, Any]:
        """The record for JSON."""
        return {
            "plan": self.first.content,
            "plan_hash": self.first.hash,
            "plan_now": None if self.now.hash == self.first.hash else self.now.content,
            "deviations": self.deviations,
            "env_ids": dict(self.env_ids),
            "tuned": self.tuned,
            "software": dict(self.software),
            "looks": [
                {"cells": [list(cell) for cell in look.cells], "answers": [answer.content for answer in look.answers]}
                for look in self.looks
            ],
        }


def read(directory: Path) -> Record:
    """The record of the study in a directory.

    Raises:
        InputError: The file cannot be read, is not a record, or its plan was changed.
    """
    content = read_json(directory / RECORD)
    try:
        first = Plan.of(content["plan"])
        if first.hash != content["plan_hash"]:
            raise InputError(
                f"{directory / RECORD}: its plan is not the one that was written first (its hash is {first.hash}, and "
                f"{content['plan_hash']} was written); expected: the file as seedbed study wrote it"
            )
        now = first if content["plan_now"] is None else Plan.of(content["plan_now"])
        looks = [_look(each["cells"], each["answers"]) for each in content["looks"]]
        deviations, tuned = list(content["deviations"]), content.get("tuned")
        return Record(first, now, content["software"], content["env_ids"], deviations, looks, tuned)
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{directory / RECORD}: not a study's ({error}); expected: the file that seedbed study wrote"
        ) from None


def _look(cells: Sequence[Sequence[str]], answers: Sequence[Mapping[str, Any]]) -> Look:
    return Look([(task, variant) for task, variant in cells], [Answer.of(each) for each in answers])
