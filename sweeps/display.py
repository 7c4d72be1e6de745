"""The progress of a run: a bar on a terminal or in a notebook, plain lines elsewhere."""

import html
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

from algos.core.loop import Iteration

PLAIN_LINE_SECONDS = 10.0
NARROW = 66  # columns of a terminal that has no room for words beside the bar

Update = Callable[[int, str, str], None]
"""Shows the number of finished iterations, the median return and the speed."""


class LastReturn:
    """The median return over seeds, as of the last iteration in which an episode ended."""

    def __init__(self, before: float | None) -> None:
        self.text = "none yet" if before is None else f"{before:.1f}"

    def update(self, iteration: Iteration) -> str:
        """Take the returns of ``iteration``, if an episode ended in it; return the last known median as text."""
        returns = iteration.stats["episodic_return"][iteration.running]
        known = returns[np.isfinite(returns)]
        if len(known):
            self.text = f"{np.median(known):.1f}"
        return self.text


@contextmanager
def _terminal(label: str, done: int, total: int) -> Iterator[Update]:
    console = Console(highlight=False)
    wide = console.width >= NARROW
    median = "median return {task.fields[median]}" if wide else "{task.fields[median]}"
    columns: list[ProgressColumn] = [BarColumn(bar_width=None), MofNCompleteColumn(), TextColumn(median)]
    if wide:
        columns.append(TextColumn("{task.fields[speed]}"))
    columns.append(TimeRemainingColumn())
    console.print(label, markup=False)
    with Progress(*columns, console=console, expand=True) as progress:
        task = progress.add_task("", total=total, completed=done, median="…", speed="starting")

        def update(finished: int, median: str, speed: str) -> None:
            progress.update(task, completed=finished, median=median, speed=speed)

        yield update


def _notebook_kernel() -> bool:
    """Whether this runs in a notebook, whose cells show HTML."""
    get_ipython: Any = sys.modules["IPython"].get_ipython if "IPython" in sys.modules else lambda: None
    return getattr(get_ipython(), "kernel", None) is not None


@contextmanager
def _notebook(label: str, done: int, total: int) -> Iterator[Update]:
    from IPython.display import HTML, display

    start = time.monotonic()

    def bar(finished: int, text: str) -> Any:
        element = f"<progress value={finished} max={total} style='width: 20em'></progress>"
        return HTML(f"<div>{html.escape(label)}</div><div>{element} {finished}/{total} {html.escape(text)}</div>")

    handle = display(bar(done, "starting"), display_id=True)

    def update(finished: int, median: str, speed: str) -> None:
        left = (time.monotonic() - start) / (finished - done) * (total - finished)
        handle.update(bar(finished, f"median return {median}, {speed}, {left:.0f} s left"))

    yield update


@contextmanager
def _lines(label: str, done: int, total: int) -> Iterator[Update]:
    start = last = time.monotonic()

    def update(finished: int, median: str, speed: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PLAIN_LINE_SECONDS or finished == total:
            last = now
            left = (now - start) / (finished - done) * (total - finished)
            print(f"{label}: {finished}/{total}, median return {median}, {speed}, {left:.0f} s left", flush=True)

    yield update


def shown(
    iterations: Iterable[tuple[Iteration, float]], label: str, done: int, total: int, before: float | None
) -> Iterator[Iteration]:
    """Yield the iterations of a run and show its progress.

    Args:
        iterations: pairs of an iteration and its speed, in env steps per second.
        label: what the run is called.
        done: iterations that were finished before.
        total: iterations of the whole run.
        before: the median return after the ``done`` iterations, if there is one.
    """
    display = _terminal if sys.stdout.isatty() else _notebook if _notebook_kernel() else _lines
    last = LastReturn(before)
    with display(label, done, total) as update:
        for iteration, speed in iterations:
            update(iteration.number + 1, last.update(iteration), f"{speed:,.0f} steps/s")
            yield iteration
