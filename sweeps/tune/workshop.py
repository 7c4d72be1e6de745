"""Train the runs of a study: groups train in lock-step, and several processes may share the runs."""

import fcntl
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sweeps.errors import one_line, report
from sweeps.interrupt import interrupt
from sweeps.lockstep import groups, train_together
from sweeps.status import duration
from sweeps.tune.ledger import Ledger
from sweeps.tune.trials import Trial
from sweeps.tune.work import Work

LOCKS = ".locks"
WAIT_SECONDS = 0.5


class Workshop:
    """Trains the runs of a study, alone or together with other processes."""

    def __init__(self, study: Path) -> None:
        self.study = study
        self.ledger = Ledger(study)
        self.failed: set[Path] = set()
        self._ended: set[Path] = set()
        self.seconds: list[float] = []  # per run, of the groups that this process has trained

    def do_trials(self, trials: Sequence[Trial]) -> None:
        """Train all trials to their ends, as :meth:`do_all` does."""
        self.do_all([trial.work for trial in trials], "trials")

    def do_all(self, runs: Sequence[Work], what: str) -> None:
        """Train all runs to their ends; return when every run has ended or failed, in whichever process.

        A signal stops it early.

        Raises:
            InputError: A directory holds something else.
        """
        grouped: list[list[Work]] = []
        while left := [run for run in runs if self._is_left(run)]:
            if len(left) < sum(map(len, grouped)) or not grouped:
                grouped = self._groups(left)
            idle = True
            for group in grouped:
                with self._claimed(group) as mine:
                    if mine:
                        self._train(mine, runs, what)
                        idle = False
                if interrupt.received:
                    return
            if idle:
                time.sleep(WAIT_SECONDS)  # another process trains the rest; if it is killed, this one takes over

    def _groups(self, runs: Sequence[Work]) -> list[list[Work]]:
        """The runs in groups that can train together."""
        by_directory = {run.directory: run for run in runs}
        return [[by_directory[job.directory] for job in group] for group in groups([run.job for run in runs])]

    def _is_left(self, run: Work) -> bool:
        if run.directory not in self._ended and run.ended:
            self._ended.add(run.directory)
        return run.directory not in self._ended | self.failed

    @contextmanager
    def _claimed(self, group: Sequence[Work]) -> Iterator[list[Work]]:
        """Lock the runs of a group that are left and that no other process has locked.

        The system releases the locks of a killed process.
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
        self.ledger.count_lost(mine)
        start = time.monotonic()
        try:
            train_together([run.job for run in mine])
        except OSError as error:
            report(one_line(error))
        self.ledger.count_ended(mine)
        for run in mine:
            if not run.ended and not interrupt.received:
                self.failed.add(run.directory)
        self.seconds += [(time.monotonic() - start) / len(mine)] * len(mine)

    def _headline(self, mine: Sequence[Work], runs: Sequence[Work], what: str) -> str:
        """The runs that are trained now, the share of runs that is done, and the time left."""
        left = sum(self._is_left(run) for run in runs)
        names = ", ".join(dict.fromkeys(f"{run.variant} on {run.task}" for run in mine))
        each = " side by side" if len(mine) > 1 else ""
        about = f", about {duration(left * statistics.mean(self.seconds))} left" if self.seconds else ""
        return f"{names}: {len(mine)} {what}{each} ({len(runs) - left} of {len(runs)} done{about})"
