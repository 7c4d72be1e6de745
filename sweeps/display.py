"""What a run shows while it goes: a progress bar on a terminal, a plain line now and then elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from algos.core.loop import Iteration

PLAIN_LINE_SECONDS = 10.0


def _figures(iteration: Iteration, steps_per_second: float) -> str:
    returns = iteration.stats["episodic_return"][iteration.running]
    known = returns[np.isfinite(returns)]
    median = f"{np.median(known):.1f}" if len(known) else "none yet"
    return f"median return {median}, {steps_per_second:,.0f} env steps/s"


def shown(iterations: Iterable[tuple[Iteration, float]], label: str, done: int, total: int) -> Iterator[Iteration]:
    """Pass on ``(iteration, env steps per second)`` pairs as iterations, showing how far the run is."""
    if sys.stdout.isatty():
        columns = [
            TextColumn(label),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
        ]
        with Progress(*columns, console=Console()) as progress:
            task = progress.add_task(label, total=total, completed=done, figures="compiling and starting")
            for iteration, speed in iterations:
                progress.update(task, completed=iteration.number + 1, figures=_figures(iteration, speed))
                yield iteration
        return
    start = last = time.monotonic()
    for iteration, speed in iterations:
        now = time.monotonic()
        finished = iteration.number + 1
        if now - last >= PLAIN_LINE_SECONDS or finished == total:
            last = now
            left = (now - start) / (finished - done) * (total - finished)
            print(f"{label}: {finished}/{total}, {_figures(iteration, speed)}, {left:.0f} s left", flush=True)
        yield iteration
