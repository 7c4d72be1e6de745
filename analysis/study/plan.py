"""The plan of a study: what is compared, on which tasks, by which rule, and with how many seeds at most."""

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
    field_validator,
    model_validator,
)

from analysis.references import Reference, references_for
from analysis.run_format import TUNING_SEEDS, InputError, flatten
from analysis.scores import Score, find_score

Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Size = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Overrides = list[str]
Tuned = dict[str, dict[str, list[str]]]
"""The overrides that tuning chose, by task and variant."""

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$"
"""Pattern of the names of variants and tasks, which are also names of directories."""

SEEDS_APART = 1_000
"""Distance between the first seeds of two variants. No two runs of a study share a seed, so all are independent."""

FIXED = ("variants", "tasks", "overrides", "group", "seed", "metric", "tuning")
"""Keys that define the runs. They cannot change once a study has begun."""


@dataclass(frozen=True)
class Question:
    """The question whether `a` is better than `b` on a task, worse, or practically the same.

    `task` is the task's name in the plan.
    """

    task: str
    a: str
    b: str

    def __str__(self) -> str:
        return f"{self.a} or {self.b} on {self.task}"


class Ends(BaseModel):
    """The returns that count as 0 and 1 on a task."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    low: Annotated[float, Field(allow_inf_nan=False)]
    high: Annotated[float, Field(allow_inf_nan=False)]
    source: str = ""


class Plan(BaseModel):
    """A checked plan. `conf/study_plan.yaml` explains the keys and has their defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=NAME)]
    question: str
    variants: dict[Annotated[str, Field(pattern=NAME)], Overrides]
    tasks: dict[Annotated[str, Field(pattern=NAME)], Overrides]
    overrides: Overrides
    reference: str | None
    metric: str
    score: str
    last: Annotated[float, Field(gt=0, le=1)]
    lower_is_better: StrictBool
    margin: Size | None
    level: Share
    power: Share
    group: Annotated[StrictInt, Field(ge=2)]
    largest: Annotated[StrictInt, Field(ge=2, le=SEEDS_APART)]
    seed: Annotated[StrictInt, Field(ge=0)]
    references: dict[str, Ends]
    spread: Size
    tuning: dict[str, Any] | None

    @field_validator("variants")
    @classmethod
    def _several(cls, value: dict[str, Overrides]) -> dict[str, Overrides]:
        if len(value) < 2:
            raise ValueError("expected: two variants or more, NAME: [OVERRIDE, …] each")
        return value

    @field_validator("tasks")
    @classmethod
    def _some(cls, value: dict[str, Overrides]) -> dict[str, Overrides]:
        if not value:
            raise ValueError("expected: one task or more, NAME: [OVERRIDE, …] each")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.largest % self.group:
            raise ValueError(f"largest={self.largest}; expected: a multiple of group={self.group}")
        last = self.seed + SEEDS_APART * (len(self.variants) - 1) + self.largest - 1
        if self.seed < TUNING_SEEDS.stop and last >= TUNING_SEEDS.start:
            raise ValueError(
                f"seed={self.seed}: some of the seeds up to {last} are for tuning; expected: seeds outside "
                f"{TUNING_SEEDS.start} to {TUNING_SEEDS.stop - 1}"
            )
        if self.reference is not None and self.reference not in self.variants:
            raise ValueError(f"reference={self.reference!r}; expected: null, or one of {', '.join(self.variants)}")
        return self

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """The plan from plain containers.

        Raises:
            InputError: A key is wrong. The message names the first one.
        """
        try:
            plan = cls.model_validate(content)
        except ValidationError as error:
            raise InputError(_first_problem(error)) from None
        _ = plan.scored
        return plan

    @cached_property
    def scored(self) -> Score:
        """The score.

        Raises:
            InputError: There is no score of this name.
        """
        return find_score(self.score, self.last, self.lower_is_better)

    @property
    def sign(self) -> float:
        """-1 where lower is better, else 1."""
        return -1.0 if self.lower_is_better else 1.0

    @property
    def content(self) -> dict[str, Any]:
        """The plan in plain containers, as it is written."""
        return self.model_dump(mode="json")

    @property
    def hash(self) -> str:
        """A fingerprint of the whole plan."""
        return hashlib.sha256(json.dumps(self.content, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def looks(self) -> int:
        """The largest number of looks, and so of groups of seeds."""
        return self.largest // self.group

    @property
    def most_runs(self) -> int:
        """Number of runs if every look is taken, over all tasks and variants."""
        return self.largest * len(self.tasks) * len(self.variants)

    @property
    def questions(self) -> list[Question]:
        """Every pair of variants (or the reference and every other one) on every task."""
        return [Question(task, a, b) for task in self.tasks for a, b in self._pairs()]

    def _pairs(self) -> Iterator[tuple[str, str]]:
        if self.reference is None:
            yield from itertools.combinations(self.variants, 2)
        else:
            yield from ((self.reference, other) for other in self.variants if other != self.reference)

    @property
    def share(self) -> float:
        """The level of each question while none is decided."""
        return self.level / len(self.questions)

    def cell_overrides(self, task: str, variant: str, tuned: Tuned | None = None) -> list[str]:
        """Overrides of `seedbed train` for a variant on a task, without seeds. `{task}` becomes the task's name."""
        told = [*self.overrides, *self.tasks[task], *self.variants[variant]]
        told += [] if tuned is None else tuned[task][variant]
        return [override.replace("{task}", task) for override in told]

    def first_seed(self, variant: str, look: int) -> int:
        """The first of the `group` seeds that a variant trains for a look (counted from 1)."""
        return self.seed + SEEDS_APART * list(self.variants).index(variant) + self.group * (look - 1)

    @property
    def known_references(self) -> dict[str, Reference]:
        """The ends of each task's scale, by env_id: the plan's own, and those that come with seedbed."""
        own = {env_id: Reference(ends.low, ends.high, ends.source) for env_id, ends in self.references.items()}
        return references_for(self.metric, own, self.lower_is_better)

    def width(self, env_id: str) -> float | None:
        """The width of a task's scale. None if it has none."""
        found = self.known_references.get(env_id)
        return None if found is None else found.width

    def check_references(self, env_ids: Mapping[str, str]) -> None:
        """Checks that the margin has a scale on every task. `env_ids` are by the task's name in the plan.

        Raises:
            InputError: A task has no scale, or the plan's references are wrong.
        """
        for task, env_id in env_ids.items():
            if self.margin is not None and self.width(env_id) is None:
                raise InputError(
                    f"tasks.{task}: {env_id} has no scale, so margin={self.margin:g} has no meaning there; "
                    f"expected: references: {{{env_id}: {{low: NUMBER, high: NUMBER}}}}, or margin: null"
                )
        for env_id, ends in self.references.items():
            if env_id not in env_ids.values():
                raise InputError(f"references.{env_id}: no task here; expected: one of {', '.join(env_ids.values())}")
            if ends.low == ends.high or (ends.high < ends.low) != self.lower_is_better:
                where = "below" if self.lower_is_better else "above"
                raise InputError(
                    f"references.{env_id}: low={ends.low:g}, high={ends.high:g}; expected: high, the better end, "
                    f"{where} low"
                )


def changes(old: Plan, new: Plan) -> list[str]:
    """What differs between two plans: `key: old, now new`, one line each."""
    before, after = (dict(flatten(plan.content)) for plan in (old, new))
    keys = dict.fromkeys([*before, *after])
    return [
        f"{key}: {before.get(key, 'absent')}, now {after.get(key, 'absent')}"
        for key in keys
        if before.get(key, "absent") != after.get(key, "absent")
    ]


def other_runs(old: Plan, new: Plan) -> list[str]:
    """The keys in which two plans ask for different runs."""
    before, after = old.content, new.content
    return [key for key in FIXED if before[key] != after[key]]


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    if problem["type"] == "missing":
        return f"{key}: missing; expected: the keys of conf/study_plan.yaml"
    if problem["type"] == "extra_forbidden":
        return f"{key}={problem['input']!r}: unknown key; expected: the keys of conf/study_plan.yaml"
    if problem["type"] == "value_error":
        text = str(problem["ctx"]["error"])
        return text if not key else f"{key}={problem['input']!r}; {text}"
    if problem["type"] == "string_pattern_mismatch":
        return f"{key}={problem['input']!r}: expected: a name of letters, digits and . _ + -"
    message = problem["msg"].replace("Input should be ", "expected: ")
    return f"{key}={problem['input']!r}: {message}"
