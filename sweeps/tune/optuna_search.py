"""Search with Optuna's TPE or Gaussian process: ask for a batch of trials, train it in lock-step, tell the scores.

The journal is one file. A batch is asked for under a lock, and its scores are told when all its trials have ended. So
the settings of a trial depend only on the scores of earlier batches: a killed study continues as if it had not been
killed, and several processes can share a batch. No trial is pruned.
"""

import fcntl
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.references import Reference
from analysis.tuning.scoring import run_scores
from analysis.tuning.space import Categorical, Distribution, Int
from analysis.tuning.winners import ALL_TASKS
from sweeps.errors import InputError
from sweeps.interrupt import interrupt
from sweeps.tune.plan import GROWS, Cell, Plan
from sweeps.tune.results import choices_of
from sweeps.tune.trials import Trial, make_trial, word_number
from sweeps.tune.workshop import LOCKS, Workshop

try:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
    from optuna.trial import TrialState
except ImportError as error:
    raise InputError(f"sampler: {error}; expected after: pip install 'seedbed[tune]'") from None

optuna.logging.set_verbosity(optuna.logging.WARNING)

JOURNAL = "journal.log"
BATCH = 8
"""Trials in a batch. Larger batches train faster; smaller ones let the search learn sooner."""


@dataclass(frozen=True)
class Part:
    """One search: a variant on one task, or on all tasks if one setting is to serve all of them."""

    variant: str
    cells: list[Cell]

    @property
    def name(self) -> str:
        return f"{self.variant} on {', '.join(cell.task for cell in self.cells)}"


def parts_of(plan: Plan) -> list[Part]:
    """The searches of a study."""
    own = {variant: [cell for cell in plan.cells if cell.variant == variant] for variant in plan.variants}
    if plan.options.scope == ALL_TASKS:
        return [Part(variant, cells) for variant, cells in own.items()]
    return [Part(variant, [cell]) for variant, cells in own.items() for cell in cells]


def distribution_of(distribution: Distribution) -> optuna.distributions.BaseDistribution:
    """A distribution in Optuna's classes."""
    if isinstance(distribution, Categorical):
        return optuna.distributions.CategoricalDistribution(distribution.choices)
    low, high, log, step = distribution.low, distribution.high, distribution.log, distribution.step
    if isinstance(distribution, Int):
        return optuna.distributions.IntDistribution(int(low), int(high), log, int(step or 1))
    return optuna.distributions.FloatDistribution(low, high, log, step)


class OptunaSearch:
    """The searches of a study and their journal."""

    def __init__(self, plan: Plan, directory: Path) -> None:
        """
        Raises:
            InputError: The journal belongs to another study, or a task has no reference to scale its scores by.
        """
        self.plan, self.directory = plan, directory
        self.choices = choices_of(plan.options)
        self.references: Mapping[str, Reference] = self.choices.known_references
        without = sorted({cell.env_id for cell in plan.cells} - self.references.keys())
        if plan.options.scope == ALL_TASKS and without:
            raise InputError(
                f"scope=all_tasks: {without[0]} has no reference scores, which {plan.options.sampler} needs to "
                "average over tasks; expected: sampler=random, or tasks with references"
            )
        fixed = {key: value for key, value in plan.content.items() if key not in GROWS}
        self.prefix = hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()[:12]
        path = str(directory / JOURNAL)
        self.storage = JournalStorage(JournalFileBackend(path, lock_obj=JournalFileOpenLock(path)))
        for name in optuna.get_all_study_names(self.storage):
            if not name.startswith(self.prefix):
                raise InputError(f"{path}: the journal of another study ({name}); expected: this study's own, or none")

    def do_all(self, workshop: Workshop) -> None:
        """Do every search, up to the number of trials in the plan."""
        for part in parts_of(self.plan):
            while not interrupt.received and self._do_batch(part, workshop):
                pass

    def trials(self) -> list[Trial]:
        """Every trial that was asked for, up to the number in the plan."""
        return [trial for part in parts_of(self.plan) for trial in self._asked(part)]

    def _do_batch(self, part: Part, workshop: Workshop) -> bool:
        """Train a batch; return False if none is left."""
        numbers = self._ask(part)
        if not numbers:
            return False
        trials = [trial for trial in self._asked(part) if trial.number in numbers]
        workshop.do_trials(trials)
        if interrupt.received:
            return False
        study = self._study(part, 0)
        for number in numbers:
            score = self._score([trial for trial in trials if trial.number == number])
            state = TrialState.FAIL if score is None else TrialState.COMPLETE
            study.tell(number, score, state=state, skip_if_finished=True)
        return True

    def _ask(self, part: Part) -> list[int]:
        """The numbers of the trials of the first unfinished batch; asks for trials that are missing."""
        distributions = {key: distribution_of(each) for key, each in self.plan.spaces[part.variant].items()}
        with self._locked():
            known = self._study(part, 0).get_trials(deepcopy=False)
            ended = [trial.state.is_finished() for trial in known]
            first = ended.index(False) if False in ended else len(ended)
            if first >= self.plan.options.trials:
                return []
            start = first - first % BATCH
            end = min(start + BATCH, self.plan.options.trials)
            for number in range(len(known), end):
                self._study(part, number).ask(distributions)
        return list(range(start, end))

    def _study(self, part: Part, number: int) -> optuna.Study:
        """Optuna's study, with a sampler whose seed depends on the trial ``number``."""
        seed = word_number(f"{self.plan.options.seed} {part.name} {number}") % 2**31
        if self.plan.options.sampler == "tpe":
            sampler: optuna.samplers.BaseSampler = optuna.samplers.TPESampler(seed=seed, multivariate=True)
        else:
            sampler = optuna.samplers.GPSampler(seed=seed)
        return optuna.create_study(
            storage=self.storage,
            sampler=sampler,
            pruner=optuna.pruners.NopPruner(),
            study_name=f"{self.prefix} {part.name}",
            direction="maximize",
            load_if_exists=True,
        )

    def _asked(self, part: Part) -> Iterator[Trial]:
        for asked in self._study(part, 0).get_trials(deepcopy=False)[: self.plan.options.trials]:
            for cell in part.cells:
                yield make_trial(self.plan, self.directory, cell, asked.number, self._settings(part, asked.params))

    def _settings(self, part: Part, params: Mapping[str, Any]) -> dict[str, Any]:
        """The suggested settings, rounded as drawn values are."""
        return {key: each.value(each.unit(params[key])) for key, each in self.plan.spaces[part.variant].items()}

    def _score(self, trials: list[Trial]) -> float | None:
        """The score of a trial, over several tasks the mean of its normalised scores; None if a run has no score."""
        total = 0.0
        for trial in trials:
            env_id = trial.cell.env_id
            reference = self.references.get(env_id)
            scores = run_scores(trial.directory, self.choices)["score"] if trial.work.ended else None
            if scores is None or (scores.isna().any() and reference is None):
                return None
            mean = float(scores.fillna(reference.low if reference else 0.0).mean())
            if len(trials) > 1 and reference is not None:
                mean = (mean - reference.low) / (reference.high - reference.low)
            total += mean / len(trials)
        return -total if self.plan.options.lower_is_better and len(trials) == 1 else total

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Lock the journal while a batch is asked for."""
        path = self.directory / LOCKS / JOURNAL
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
