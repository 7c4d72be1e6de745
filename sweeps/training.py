"""Train runs side by side in one process, each from its start or its checkpoint, each in its own directory."""

import os
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from algos.build import make_trainer
from algos.core.checkpoint import CheckpointError, State, join_rows, take_rows
from algos.core.loop import Iteration, Trainer
from algos.parts import find_class
from algos.rows import common, together
from analysis.run_format import CHECKPOINT, COMPLETE, FAILED, INTERRUPTED, TRACEBACK
from sweeps.display import shown
from sweeps.errors import InputError, one_line, report
from sweeps.interrupt import interrupt
from sweeps.lock import locked
from sweeps.logger import Logger
from sweeps.provenance import describe
from sweeps.requirements import check_device
from sweeps.run_config import validate
from sweeps.run_directory import RunFiles
from sweeps.table import last_return, progress_rows

REFUSED = "refused"
EXIT_STATUS = {COMPLETE: 0, FAILED: 1, REFUSED: 2}

MOST_LABELS = 12


@dataclass(frozen=True)
class Job:
    """A run to train: its composed config and its directory.

    ``hydra_files``: content of further files beside the config of a new run, by name; ``overrides`` is one of them.
    ``title``: shown before the description of the run, such as "job 3 of 6 (algo.clip_coef=0.1): ".
    """

    content: dict[str, Any]
    directory: Path
    hydra_files: Mapping[str, Any]
    title: str = ""


class RunInTraining:
    """A run while this process trains it: its files, its progress and how it ended.

    ``status`` is None until it ends. ``refusal`` is the error if its config or its files are wrong.
    """

    def __init__(self, job: Job) -> None:
        """
        Raises:
            InputError: The config is wrong.
        """
        self.job = job
        self.config = validate(job.content)
        seeds = f"{self.config.num_seeds} seed{'s' if self.config.num_seeds > 1 else ''}"
        self.label = f"{job.title}{self.config.algo.name} on {self.config.env.id}, {seeds}"
        self.status: str | None = None
        self.refusal: Exception | None = None
        self.resumed = False
        self.logger: Logger | None = None

    def open(self) -> None:
        """Read the files of the run, or write them if it is new; a run that has ended stays as it is.

        Raises:
            InputError: The directory holds something else.
        """
        content, directory = self.job.content, self.job.directory
        self.read()
        grows = self.files.grows(content)
        if self.files.finished and not grows:
            self.status = self.files.info["status"]
            print(f"{self.label}: {self.status} already, in {directory}", flush=True)
            return
        if interrupt.received:
            self.status = self.files.info.get("status", INTERRUPTED)
            return
        if grows:
            self.files.grow(content["iterations"])
        if not self.files.info:
            hydra_files = self.job.hydra_files
            self.files.start(content, describe(content, hydra_files["overrides"]), hydra_files)

    def read(self) -> None:
        """Read the files and the checkpoint from the disk."""
        self.files = RunFiles(self.job.directory, self.job.content)
        self.state: State | None = self.files.state
        self.next_iteration = 0 if self.state is None else int(self.state["next_iteration"])

    def go_on(self, resumes_episodes: bool) -> None:
        """Record that the run continues, after a trainer has loaded its state."""
        if self.state is not None and not (self.resumed and resumes_episodes):
            self.files.go_on(self.next_iteration, resumes_episodes)
        self.resumed = True
        if self.config.logger is not None and self.logger is None:
            first_step = (self.next_iteration + 1) * self.config.samples
            logger_class: Any = find_class(self.config.logger.target)
            self.logger = logger_class(self.config.logger, self.files.directory, self.config.seeds, first_step)

    def keep(self, iteration: Iteration, state: Callable[[], State]) -> None:
        """Write the rows of an iteration, and a checkpoint when one is due."""
        config, files = self.config, self.files
        self.next_iteration = iteration.number + 1
        speed = config.samples * int(iteration.running.sum()) / iteration.seconds["seconds"]
        whole, *parts = ((name, f"{value:.6f}") for name, value in iteration.seconds.items())
        row = dict([("iteration", str(iteration.number)), whole, ("env_steps_per_second", f"{speed:.1f}"), *parts])
        files.timing.append([row])
        files.progress.append(progress_rows(config.algo.name, config.env.id, config.seeds, iteration))
        if self.logger is not None:
            self.logger.log(iteration)
        if iteration.failures:
            broken = [
                {"seed": each.seed, "iteration": each.iteration, "quantity": each.quantity}
                for each in iteration.failures
            ]
            files.update(failed_seeds=files.info["failed_seeds"] + broken)
        stopped = int(iteration.running.sum()) == len(iteration.failures)
        finished = stopped or self.next_iteration >= config.iterations
        if interrupt.received or finished or self.next_iteration % config.checkpoint_interval == 0:
            files.write_checkpoint(state())
        if finished:
            self.status = FAILED if files.info["failed_seeds"] else COMPLETE
            files.update(status=self.status, progress=files.progress.mark())
            print(f"{self.label}: {self.status}, results in {files.directory}", flush=True)

    def interrupt(self) -> None:
        """Record that a signal stopped the run."""
        self.status = INTERRUPTED
        self.files.update(status=INTERRUPTED)

    def fail(self, error: Exception) -> None:
        """End the run with an error; its traceback goes to the run's directory."""
        if isinstance(error, CheckpointError):
            path = self.files.directory / CHECKPOINT
            self.refuse(InputError(f"{path}: {error}; expected: this run's own, or none"))
            return
        self.status = INTERRUPTED if interrupt.received else FAILED  # a signal may have ended a task's processes
        path = self.files.directory / TRACEBACK
        with suppress(OSError):  # a disk that is full may not take these either
            path.write_text("".join(traceback.format_exception(error)))
            self.files.update(status=self.status, error=f"{type(error).__name__}: {one_line(error)}")
        report(f"{self.label}: {type(error).__name__}: {one_line(error)} (see {path})")

    def close(self) -> None:
        """Close the logger."""
        if self.logger is not None:
            self.logger.close()

    def refuse(self, error: Exception) -> None:
        """End the run because its config or its files are wrong."""
        self.status, self.refusal = REFUSED, error


def train_to_the_end(runs: Sequence[RunInTraining]) -> None:
    """Train runs whose configs differ only in numbers per row; runs that are behind catch up first.

    An error, such as one of a task or of a full disk, fails only the run that caused it. To find that run, the runs are
    split into halves, and each half continues from its checkpoints.
    """
    while left := [run for run in runs if run.status is None]:
        first = min(run.next_iteration for run in left)
        abreast = [run for run in left if run.next_iteration == first]
        until = min((run.next_iteration for run in left if run.next_iteration > first), default=None)
        try:
            advance(abreast, until)
        except Exception as error:
            failed = [run for run in abreast if run.status is None]
            if len(abreast) == 1 or interrupt.received:
                for run in failed:
                    run.fail(error)
                continue
            report(f"{len(abreast)} jobs in one process: {type(error).__name__}: {one_line(error)}; each half goes on")
            for half in (abreast[::2], abreast[1::2]):
                again = [run for run in half if run.status is None]
                for run in again:
                    run.read()
                train_to_the_end(again)


def advance(runs: Sequence[RunInTraining], until: int | None) -> None:
    """Train runs that are at the same iteration to their ends, or until an iteration at which others join them.

    Runs whose episodes cannot be resumed train to their ends, because others cannot join them.
    """
    check_device(runs[0].config.device)
    trainer = make_trainer(together([run.config for run in runs]))
    states = [run.state for run in runs if run.state is not None]
    if states:
        trainer.load_state_dict(join_rows(states))
    resumes_episodes = trainer.collector.stepping.resumes_episodes
    for run in runs:
        run.go_on(resumes_episodes)
    bounds = np.cumsum([0, *(run.config.num_seeds for run in runs)]).tolist()
    rows = [slice(*pair) for pair in pairwise(bounds)]
    last = trainer.iterations if until is None or not resumes_episodes else until
    for iteration in shown(
        timed(trainer, runs[0].config.samples),
        announced(runs),
        trainer.next_iteration,
        trainer.iterations,
        last_returns(runs) if trainer.next_iteration else None,
    ):
        state = cache(trainer.state_dict)
        for run, own in zip(runs, rows, strict=True):
            if run.status is None:
                try:
                    run.keep(iteration.of(own), lambda: take_rows(state(), own, bounds[-1]))  # noqa: B023, called at once
                except Exception as error:
                    if len(runs) == 1:
                        raise
                    run.fail(error)
                    trainer.running[own] = False
        if interrupt.received and not trainer.finished and not interrupt.lives_on():
            for run in runs:
                if run.status is None:
                    run.interrupt()
            return
        if trainer.next_iteration >= last:
            break
    for run, own in zip(runs, rows, strict=True):
        run.state = take_rows(trainer.state_dict(), own, bounds[-1])


def timed(trainer: Trainer, samples: int) -> Iterator[tuple[Iteration, float]]:
    """Yield each iteration, with its total time in ``seconds``, and the env steps per second of all rows."""
    start = time.perf_counter()
    for iteration in trainer:
        now = time.perf_counter()
        seconds, start = now - start, now
        whole = replace(iteration, seconds={"seconds": seconds, **iteration.seconds})
        yield whole, samples * int(iteration.running.sum()) / seconds


def announced(runs: Sequence[RunInTraining]) -> str:
    """The label beside the progress bar; several runs are listed above it."""
    if len(runs) == 1:
        return runs[0].label
    for run in runs[:MOST_LABELS]:
        print(f"  {run.label}", flush=True)
    if len(runs) > MOST_LABELS:
        print(f"  … and {len(runs) - MOST_LABELS} more", flush=True)
    config = runs[0].config
    rows = sum(run.config.num_seeds for run in runs)
    return f"{len(runs)} jobs in one process: {config.algo.name} on {config.env.id}, {rows} rows"


def last_returns(runs: Sequence[RunInTraining]) -> float | None:
    """The median return of resumed runs; None if no episode has ended yet."""
    found = [last_return(run.files.progress.path) for run in runs]
    known = [each for each in found if each is not None]
    return float(np.median(known)) if known else None


def train_jobs(jobs: Sequence[Job]) -> list[RunInTraining]:
    """Train jobs to their ends, together as far as their configs allow; each starts anew or from its checkpoint.

    A run whose files are wrong is not trained; its ``refusal`` says why.

    Raises:
        InputError: The config of a job is wrong; nothing was trained.
    """
    runs = [RunInTraining(job) for job in jobs]
    directories = [job.directory for job in jobs]
    with ExitStack() as stack:
        for run in runs:
            stack.callback(run.close)
            try:
                run.job.directory.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locked(run.job.directory))
            except (InputError, OSError) as error:
                run.refuse(error)
        stack.enter_context(interrupt.awaited(Path(os.path.commonpath(directories))))
        for run in runs:
            if run.status is None:
                try:
                    run.open()
                except (InputError, OSError) as error:
                    run.refuse(error)
        alike: dict[str, list[RunInTraining]] = {}
        for run in runs:
            alike.setdefault(common(run.config), []).append(run)
        for group in alike.values():
            train_to_the_end(group)
    return runs


def train_together(jobs: Sequence[Job]) -> list[str]:
    """Train a group of jobs to their ends; each starts anew or from its checkpoint.

    Every job writes to its own directory the same bytes as if it trained alone. It may later be resumed alone or in
    another group. An error in one job does not affect the others.

    Returns:
        The status of each job: complete, failed, interrupted by a signal (``interrupt.received`` is its number), or
        refused because its directory holds something else, which is reported.

    Raises:
        InputError: The config of a job is wrong; nothing was trained.
    """
    runs = train_jobs(jobs)
    for run in runs:
        if run.refusal is not None:
            report(one_line(run.refusal))
    return [str(run.status) for run in runs]


def train_run(content: dict[str, Any], directory: Path, hydra_files: Mapping[str, Any], title: str = "") -> str:
    """Train one run to its end; it starts anew or from its checkpoint.

    A run that has ended is verified and stays as it is, unless ``content`` asks for more iterations. ``hydra_files``
    and ``title`` are those of a :class:`Job`.

    Returns:
        The status in ``run.json``.

    Raises:
        InputError: The config is wrong, or the directory holds something else.
        OSError: The directory cannot be written to.
    """
    (run,) = train_jobs([Job(content, directory, hydra_files, title)])
    if run.refusal is not None:
        raise run.refusal
    return str(run.status)


def train(content: dict[str, Any], directory: Path, hydra_files: Mapping[str, Any], title: str = "") -> int:
    """Train as :func:`train_run` does, report errors and return an exit status.

    The exit status of an interrupted run is 128 plus the number of the signal.
    """
    try:
        status = train_run(content, directory, hydra_files, title)
    except (InputError, OSError) as error:
        report(one_line(error))
        return EXIT_STATUS[REFUSED]
    if interrupt.received:
        return 128 + interrupt.received
    return EXIT_STATUS[status]
