"""Trains one run from its start, or from where it stopped, and keeps its files."""

import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from pathlib import Path
from typing import Any

from algos.build import make_trainer
from algos.core.checkpoint import CheckpointError
from algos.core.loop import Iteration, Trainer
from algos.parts import find_class
from analysis.run_format import CHECKPOINT, COMPLETE, FAILED, INTERRUPTED, TRACEBACK
from sweeps.display import shown
from sweeps.errors import InputError, one_line, report
from sweeps.interrupt import interrupt
from sweeps.lock import locked
from sweeps.logger import Logger
from sweeps.provenance import describe
from sweeps.requirements import check_device
from sweeps.run_config import RunConfig, validate
from sweeps.run_directory import RunFiles
from sweeps.table import TableWriter, last_return, progress_rows

EXIT_STATUS = {COMPLETE: 0, FAILED: 1, "refused": 2}


def timed(trainer: Trainer, steps_per_iteration: int, timing: TableWriter) -> Iterator[tuple[Iteration, float]]:
    """The iterations with their speed in env steps per second over all seeds, written to ``timing.csv`` too."""
    start = time.perf_counter()
    for iteration in trainer:
        now = time.perf_counter()
        seconds, start = now - start, now
        speed = steps_per_iteration * int(iteration.running.sum()) / seconds
        row = {"iteration": str(iteration.number), "seconds": f"{seconds:.6f}", "env_steps_per_second": f"{speed:.1f}"}
        timing.append([row | {name: f"{value:.6f}" for name, value in iteration.seconds.items()}])
        yield iteration, speed


def iterate(config: RunConfig, trainer: Trainer, files: RunFiles, label: str) -> bool:
    """Train to the end, writing rows and checkpoints; False where a signal asked to stop before it."""
    pairs = timed(trainer, config.num_envs * config.num_steps, files.timing)
    before = last_return(files.progress.path) if trainer.next_iteration else None
    with live_view(config, trainer, files) as logger:
        for iteration in shown(pairs, label, trainer.next_iteration, config.iterations, before):
            files.progress.append(progress_rows(config.algo.name, config.env.id, config.seeds, iteration))
            if logger is not None:
                logger.log(iteration)
            if iteration.failures:
                failures = [vars(failure) for failure in iteration.failures]
                files.update(failed_seeds=files.info["failed_seeds"] + failures)
            if interrupt.received or trainer.finished or trainer.next_iteration % config.checkpoint_interval == 0:
                files.write_checkpoint(trainer.state_dict())
            if interrupt.received and not trainer.finished and not interrupt.lives_on():
                return False
    return True


def live_view(config: RunConfig, trainer: Trainer, files: RunFiles) -> AbstractContextManager[Logger | None]:
    """The logger that the config names, closed at the end however that comes; None if it names none."""
    if config.logger is None:
        return nullcontext()
    first_step = (trainer.next_iteration + 1) * config.num_envs * config.num_steps
    logger_class: Any = find_class(config.logger.target)
    return closing(logger_class(config.logger, files.directory, config.seeds, first_step))


def finish(config: RunConfig, files: RunFiles, label: str) -> None:
    """Train what is left of a run; ``run.json`` tells how it ended.

    Whatever a task or a full disk raises fails this run and no other, with its traceback in the directory.
    """
    try:
        check_device(config.device)
        trainer = make_trainer(config)
        if files.state is not None:
            trainer.load_state_dict(files.state)
            files.go_on(trainer.next_iteration, trainer.collector.stepping.resumes_episodes)
        if not iterate(config, trainer, files, label):
            files.update(status=INTERRUPTED)
            return
        status = FAILED if files.info["failed_seeds"] else COMPLETE
        files.update(status=status, progress=files.progress.mark())
        print(f"{label}: {status}, results in {files.directory}", flush=True)
    except CheckpointError as error:
        raise InputError(f"{files.directory / CHECKPOINT}: {error}; expected: this run's own, or none") from None
    except Exception as error:
        with suppress(OSError):  # a disk that is full may not take these either
            (files.directory / TRACEBACK).write_text(traceback.format_exc())
            status = INTERRUPTED if interrupt.received else FAILED  # a signal may have ended a task's processes
            files.update(status=status, error=f"{type(error).__name__}: {one_line(error)}")
        report(f"{label}: {type(error).__name__}: {one_line(error)} (see {files.directory / TRACEBACK})")


def train_run(content: dict[str, Any], directory: Path, hydra_files: Mapping[str, Any], title: str = "") -> str:
    """One run from its start, or from where it stopped, to its end; returns its status, as ``run.json`` has it.

    A run that has ended is verified and left as it is, unless ``content`` asks for more iterations. ``hydra_files`` are
    kept beside the config of a new run; ``title`` is shown before what the run is.

    Raises:
        InputError: the config is wrong, or the directory holds something else.
        OSError: the directory cannot be written to.
    """
    config = validate(content)
    seeds = f"{config.num_seeds} seed{'s' if config.num_seeds > 1 else ''}"
    label = f"{title}{config.algo.name} on {config.env.id}, {seeds}"
    directory.mkdir(parents=True, exist_ok=True)
    with locked(directory), interrupt.awaited(directory):
        files = RunFiles(directory, content)
        grows = files.grows(content)
        if files.finished and not grows:
            print(f"{label}: {files.info['status']} already, in {directory}", flush=True)
        elif not interrupt.received:
            if grows:
                files.grow(content["iterations"])
            if not files.info:
                files.start(content, describe(content, hydra_files["overrides"]), hydra_files)
            finish(config, files, label)
    return str(files.info.get("status", INTERRUPTED))


def train(content: dict[str, Any], directory: Path, hydra_files: Mapping[str, Any], title: str = "") -> int:
    """As :func:`train_run`, for a command: reports what is wrong, and returns an exit status.

    An interrupted run has the status that a shell gives to what a signal has ended.
    """
    try:
        status = train_run(content, directory, hydra_files, title)
    except (InputError, OSError) as error:
        report(one_line(error))
        return EXIT_STATUS["refused"]
    if interrupt.received:
        return 128 + interrupt.received
    return EXIT_STATUS[status]
