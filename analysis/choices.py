"""What a comparison compares, and how: the choices of the command line and of a notebook."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from analysis.numbers import number
from analysis.references import Reference, references_for
from analysis.run_format import InputError
from analysis.runs.dataset import Dataset
from analysis.scores import LAST, Score, built_in, find_score
from analysis.summary import OwnStatistic, find_statistic

METRIC = "episodic_return"
MARGIN = 0.05


@dataclass(frozen=True)
class Choices:
    """What to compare, and how.

    Attributes:
        metric: column of progress.csv, or series of other programs' logs.
        score: name of the score: the number per seed (scores).
        last: share of training, at its end, that a final score is the mean of.
        x: the x axis of the curves of all seeds.
        thresholds: returns whose first crossing is timed, by task; "" stands for every task.
        margin: share of a task's scale within which two variants are practically the same.
        reference: the variant that the others are compared with. None: every two variants are compared.
        references: ends of tasks' scales, over those that come with seedbed.
        statistics: the user's statistics, MODULE:FUNCTION each.
        figures: the user's figures, MODULE:FUNCTION each.
    """

    metric: str = METRIC
    score: str = "final"
    last: float = LAST
    x: str = "env_steps"
    thresholds: Mapping[str, float] = field(default_factory=dict)
    margin: float = MARGIN
    reference: str | None = None
    lower_is_better: bool = False
    include_unfinished: bool = False
    references: Mapping[str, Reference] = field(default_factory=dict)
    statistics: Sequence[str] = ()
    figures: Sequence[str] = ()

    @cached_property
    def scored(self) -> Score:
        """The score.

        Raises:
            InputError: There is no score of this name.
        """
        return find_score(self.score, self.last, self.lower_is_better)

    @property
    def known_references(self) -> dict[str, Reference]:
        """Fixed ends of each task's scale, where there are any."""
        return references_for(self.metric, self.references, self.lower_is_better)

    @cached_property
    def own_statistics(self) -> list[OwnStatistic]:
        """The user's statistics.

        Raises:
            InputError: One of them cannot be imported, or has a name of seedbed's.
        """
        return [find_statistic(name) for name in self.statistics]

    @property
    def extra(self) -> list[Score]:
        return [] if self.score in built_in() else [self.scored]

    @property
    def not_default(self) -> list[str]:
        """The choices that a reader of a verdict must know, in words."""
        told = []
        if self.metric != METRIC:
            told.append(f"metric {self.metric}")
        if self.score != "final":
            told.append(f"score {self.scored.name}")
        if self.last != LAST and self.score == "final":
            told.append(f"final score over the last {self.last:.3g} of training")
        if self.lower_is_better:
            told.append("lower is better")
        if self.include_unfinished:
            told.append("unfinished seeds included")
        if self.margin != MARGIN:
            told.append(f"margin {self.margin:.3g} of the scale")
        for env_id, value in self.thresholds.items():
            told.append(f"threshold {number(value)}" + (f" on {env_id}" if env_id else ""))
        return told


def check(choices: Choices, dataset: Dataset) -> list[OwnStatistic]:
    """Checks the choices against the runs, and returns the user's statistics.

    Raises:
        InputError: A choice is out of range, or names a variant or a task that the runs do not have.
    """
    if not 0 < choices.last <= 1:
        raise InputError(f"last={choices.last:g}; expected: a share of training, above 0 and at most 1")
    if not choices.margin > 0:
        raise InputError(f"margin={choices.margin:g}; expected: a share of the tasks' scale, above 0")
    for env_id, reference in choices.references.items():
        if (reference.high < reference.low) != choices.lower_is_better:
            where = "below" if choices.lower_is_better else "above"
            ends = f"low={reference.low:g}, high={reference.high:g}"
            raise InputError(f"references: {env_id} has {ends}; expected: high, the better end, {where} low")
    known = sorted(set(dataset.seeds["variant"]))
    if choices.reference is not None and choices.reference not in known:
        raise InputError(f"reference={choices.reference!r} is no variant here; expected: one of {', '.join(known)}")
    tasks = sorted(set(dataset.seeds["env_id"]))
    for env_id in choices.thresholds:
        if env_id and env_id not in tasks:
            raise InputError(f"threshold: {env_id!r} is no task here; expected: one of {', '.join(tasks)}")
    own = choices.own_statistics
    _ = choices.scored
    return own
