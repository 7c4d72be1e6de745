"""Doing the trials of a study: groups train in lock-step, and several processes may share them."""

import fcntl
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sweeps.errors import one_line, report
from sweeps.interrupt import interrupt
from sweeps.lockstep import Job, groups, train_together
from sweeps.status import duration
from sweeps.tune.ledger import Ledger
from sweeps.tune.trials import has_ended

LOCKS = ".locks"
WAIT_SECONDS = 0.5


class Work:
    """A run of a study: what it trains and whom it is counted for."""

    def __init__(self, job: Job, variant: str, task: str, trial: str) -> None:
        self.job = job
        self.variant, self.task, self.trial = variant, task, trial

    @property
    def directory(self) -> Path:
        return self.job.directory

    @property
    def ended(self) -> bool:
        """Whether it has been trained to its end, with as many iterations as it is to have."""
        return has_ended(self.directory)


class Workshop:
    """The runs of a study that are being done, by this process and perhaps by others."""

    def __init__(self, study: Path) -> None:
        self.study = study
        self.ledger = Ledger(study)
        self.failed: set[Path] = set()
        self.seconds: list[float] = []  # per run, of the groups that this process has done

    def do_all(self, runs: Sequence[Work], what: str) -> None:
        """Train all runs to their ends, but for those that fail and those that a signal leaves undone.

        Returns when every run has been tried, whichever process did it.

        Raises:
            InputError: a directory holds something else.
        """
        while any(self._is_left(run) for run in runs):
            idle = True
            for group in self._groups(runs):
                with self._claimed(group) as mine:
                    if mine:
                        self._train(mine, runs, what)
                        idle = False
                if interrupt.received:
                    return
            if idle:
                time.sleep(WAIT_SECONDS)  # another process has the rest; should it end, what it leaves is done here

    def _groups(self, runs: Sequence[Work]) -> Iterator[list[Work]]:
        """The runs that have not ended, those together that can train together."""
        left = [run for run in runs if self._is_left(run)]
        by_directory = {run.directory: run for run in left}
        for group in groups([run.job for run in left]):
            yield [by_directory[job.directory] for job in group]

    def _is_left(self, run: Work) -> bool:
        return run.directory not in self.failed and not run.ended

    @contextmanager
    def _claimed(self, group: Sequence[Work]) -> Iterator[list[Work]]:
        """Those of a group that no other process has, held for as long as this lasts, and that are still to be done.

        The system lets go of what a killed process held.
        """
        with ExitStack() as stack:
            mine = []
            for run in group:
                path = self.study / LOCKS / run.directory.relative_to(self.study)
                path.parent.mkdir(parents=True, exist_ok=True)
                file = stack.enter_context(path.open("a"))
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                if self._is_left(run):
                    mine.append(run)
            yield mine

    def _train(self, mine: Sequence[Work], runs: Sequence[Work], what: str) -> None:
        print(self._headline(mine, runs, what), flush=True)
        for run in mine:
            self.ledger.count_lost(run.directory, run.variant, run.task, run.trial)
        start = time.monotonic()
        try:
            train_together([run.job for run in mine])
        except OSError as error:
            report(one_line(error))
        for run in mine:
            self.ledger.count_ended(run.directory, run.variant, run.task, run.trial)
            if not run.ended and not interrupt.received:
                self.failed.add(run.directory)
        self.seconds += [(time.monotonic() - start) / len(mine)] * len(mine)

    def _headline(self, mine: Sequence[Work], runs: Sequence[Work], what: str) -> str:
        """What is trained now, how much of all that is, and how long the rest will take."""
        left = sum(self._is_left(run) for run in runs)
        names = ", ".join(dict.fromkeys(f"{run.variant} on {run.task}" for run in mine))
        each = " side by side" if len(mine) > 1 else ""
        about = f", about {duration(left * statistics.mean(self.seconds))} left" if self.seconds else ""
        return f"{names}: {len(mine)} {what}{each} ({len(runs) - left} of {len(runs)} done{about})"
