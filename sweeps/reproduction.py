"""Make the figures and recordings of the post, and the page that shows them."""

from collections.abc import Sequence
from pathlib import Path

from analysis.plots.canvas import Figure, encode
from analysis.plots.style import use_style
from sweeps.batch import Run
from sweeps.errors import InputError
from sweeps.post.data import Data
from sweeps.post.figures import DRAWINGS, Drawing
from sweeps.post.page import write_page
from sweeps.post.runs import RUNS, shortened
from sweeps.recording import record

Recordings = dict[str, tuple[str, int]]
RECORDINGS: Recordings = {"cartpole.gif": ("cartpole-ppo", 200), "swingup.gif": ("swingup-36-ppo", 4000)}
"""By file: the run whose seed 0 is recorded, and the number of steps."""


def chosen(only: Sequence[str]) -> tuple[list[Drawing], Recordings]:
    """Select figures and recordings by name or by the beginning of a name; no name selects all.

    Raises:
        InputError: Nothing has such a name.
    """
    names = [*(drawing.name for drawing in DRAWINGS), *RECORDINGS]
    for wanted in only:
        if not any(is_called(name, wanted) for name in names):
            raise InputError(f"--only {wanted}: expected: {', '.join(names)}")
    taken = [name for name in names if not only or any(is_called(name, wanted) for wanted in only)]
    drawings = [drawing for drawing in DRAWINGS if drawing.name in taken]
    return drawings, {name: source for name, source in RECORDINGS.items() if name in taken}


def is_called(name: str, wanted: str) -> bool:
    """Whether ``wanted`` is the name, or the name up to a dash."""
    return name == wanted or name.startswith(f"{wanted}-")


def needed_runs(drawings: Sequence[Drawing], recordings: Recordings, quick: bool) -> list[Run]:
    """The runs that figures and recordings need, in the order in which they are trained."""
    names = {run for drawing in drawings for run in drawing.needs} | {run for run, _ in recordings.values()}
    return [shortened(run) if quick else run for run in RUNS if run.name in names]


def draw(drawing: Drawing, data: Data, out: Path) -> None:
    """Write one figure as PNG, and as SVG if that is small."""
    quick = any(data.facts()[run]["quick"] for run in drawing.needs)
    caption = ("QUICK: short runs with few seeds. " if quick else "") + drawing.caption(data)
    with use_style():
        figure = Figure(drawing.name, drawing.title, caption, drawing.draw(data))
        for suffix in ("png", "svg") if drawing.vector else ("png",):
            (out / f"{drawing.name}.{suffix}").write_bytes(encode(figure, suffix))
    print(f"{out / drawing.name}.png", flush=True)


def collect(runs: Sequence[Run], recordings: Recordings, directory: Path, data: Data, quick: bool) -> None:
    """Collect the numbers of the runs that have ended, and make the recordings."""
    data.directory.mkdir(parents=True, exist_ok=True)
    for run in runs:
        if data.collect(run, directory / run.name, quick):
            for name, (source, steps) in recordings.items():
                if source == run.name:
                    path = data.directory.parent / name
                    record(directory / run.name, 0, steps, path)
                    print(path, flush=True)


def draw_all(drawings: Sequence[Drawing], recordings: Recordings, data: Data) -> list[str]:
    """Draw every figure that has data and write the page; return the names of the missing figures."""
    out = data.directory.parent
    missing = [name for name in recordings if not (out / name).exists()]
    for drawing in drawings:
        if all(data.has(run) for run in drawing.needs):
            draw(drawing, data, out)
        else:
            missing.append(drawing.name)
    write_page(data, RECORDINGS)
    return missing
