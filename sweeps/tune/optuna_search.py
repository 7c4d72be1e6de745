"""TPE and Gaussian-process search by Optuna: ask for a batch, train it in lock-step, tell what it scored.

The journal is one file. A batch is asked for under a lock, and learned from when all of it has ended: the settings of a
trial follow from the scores of the batches before its own, and from nothing else. So a study that is killed goes on as
if it had not been, and several processes share the trials of a batch. Nothing is pruned.
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
from sweeps.tune.work import LOCKS, Work, Workshop

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
"""Trials that are asked for, and trained, together. More are faster; fewer learn more from one another."""


@dataclass(frozen=True)
class Part:
    """What one search is of: a variant, on one task or, with one setting for all, on several."""

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
    """The same in Optuna's classes."""
    if isinstance(distribution, Categorical):
        return optuna.distributions.CategoricalDistribution(distribution.choices)
    low, high, log, step = distribution.low, distribution.high, distribution.log, distribution.step
    if isinstance(distribution, Int):
        return optuna.distributions.IntDistribution(int(low), int(high), log, int(step or 1))
    return optuna.distributions.FloatDistribution(low, high, log, step)


class OptunaSearch:
    """The searches of a study, kept in its journal."""

    def __init__(self, plan: Plan, directory: Path) -> None:
        """
        Raises:
            InputError: the journal is of another study, or scores of several tasks have no scale in common.
        """
        self.plan, self.directory = plan, directory
        self.choices = choices_of(plan.options)
        self.references: Mapping[str, Reference] = self.choices.known_references
        without = sorted({cell.env_id for cell in plan.cells} - self.references.keys())
        if plan.options.scope == ALL_TASKS and without:
            raise InputError(
                f"scope=all_tasks: {without[0]} has no reference, by which {plan.options.sampler} could weigh it "
                "against the others; expected: sampler=random, or other tasks"
            )
        fixed = {key: value for key, value in plan.content.items() if key not in GROWS}
        self.prefix = hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()[:12]
        path = str(directory / JOURNAL)
        self.storage = JournalStorage(JournalFileBackend(path, lock_obj=JournalFileOpenLock(path)))
        for name in optuna.get_all_study_names(self.storage):
            if not name.startswith(self.prefix):
                raise InputError(f"{path}: the journal of another study ({name}); expected: this study's own, or none")

    def do_all(self, workshop: Workshop) -> None:
        """Do every search, to the number of trials that the plan has."""
        for part in parts_of(self.plan):
            while not interrupt.received and self._do_batch(part, workshop):
                pass

    def trials(self) -> list[Trial]:
        """Every trial that was asked for, up to the number that the plan has."""
        return [trial for part in parts_of(self.plan) for trial in self._asked(part)]

    def _do_batch(self, part: Part, workshop: Workshop) -> bool:
        """Train a batch; False where there is none left."""
        numbers = self._ask(part)
        if not numbers:
            return False
        trials = [trial for trial in self._asked(part) if trial.number in numbers]
        runs = [Work(each.job, part.variant, each.cell.task, str(each.number)) for each in trials]
        workshop.do_all(runs, "trials")
        if interrupt.received:
            return False
        study = self._study(part, 0)
        for number in numbers:
            score = self._score([trial for trial in trials if trial.number == number])
            state = TrialState.FAIL if score is None else TrialState.COMPLETE
            study.tell(number, score, state=state, skip_if_finished=True)
        return True

    def _ask(self, part: Part) -> list[int]:
        """The numbers of the trials of the first batch that has not ended, asked for where they were not yet."""
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
        """The study, with a sampler whose random numbers are of trial ``number``."""
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
        """What was suggested, with as many digits as a drawn value has."""
        return {key: each.value(each.unit(params[key])) for key, each in self.plan.spaces[part.variant].items()}

    def _score(self, trials: list[Trial]) -> float | None:
        """What is told of a trial: its score, or the mean of its normalised scores; None where it has none."""
        total = 0.0
        for trial in trials:
            env_id = trial.cell.env_id
            reference = self.references.get(env_id)
            scores = run_scores(trial.directory, self.choices)["score"] if trial.ended else None
            if scores is None or (scores.isna().any() and reference is None):
                return None
            mean = float(scores.fillna(reference.low if reference else 0.0).mean())
            if len(trials) > 1 and reference is not None:
                mean = (mean - reference.low) / (reference.high - reference.low)
            total += mean / len(trials)
        return -total if self.plan.options.lower_is_better and len(trials) == 1 else total

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the journal against other processes while a batch is asked for."""
        path = self.directory / LOCKS / JOURNAL
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
