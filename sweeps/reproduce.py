"""Train what the post shows, draw its figures and write their page: ``python -m sweeps.reproduce``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from algos.envs.errors import TaskError
from analysis.plots.canvas import Figure, encode
from analysis.plots.style import use_style
from sweeps.batch import Run, train_runs
from sweeps.errors import InputError, exit_with, report
from sweeps.interrupt import interrupt
from sweeps.post.data import Data
from sweeps.post.figures import DRAWINGS, Drawing
from sweeps.post.page import write_page
from sweeps.post.runs import RUNS, shortened
from sweeps.record import record

Recordings = dict[str, tuple[str, int]]
RECORDINGS: Recordings = {"cartpole.gif": ("cartpole-ppo", 200), "swingup.gif": ("swingup-36-ppo", 4000)}
"""The run whose seed 0 plays, and for how many steps."""


def chosen(only: Sequence[str]) -> tuple[list[Drawing], Recordings]:
    """The figures and recordings of these names, or whose names begin with one of them; all where there are none.

    Raises:
        InputError: nothing has such a name.
    """
    names = [*(drawing.name for drawing in DRAWINGS), *RECORDINGS]
    for wanted in only:
        if not any(is_called(name, wanted) for name in names):
            raise InputError(f"--only {wanted}: allowed: {', '.join(names)}")
    taken = [name for name in names if not only or any(is_called(name, wanted) for wanted in only)]
    drawings = [drawing for drawing in DRAWINGS if drawing.name in taken]
    return drawings, {name: source for name, source in RECORDINGS.items() if name in taken}


def is_called(name: str, wanted: str) -> bool:
    """Whether ``wanted`` is a name, or its beginning up to a dash."""
    return name == wanted or name.startswith(f"{wanted}-")


def needed_runs(drawings: Sequence[Drawing], recordings: Recordings, quick: bool) -> list[Run]:
    """The runs behind figures and recordings, in the order in which they are trained."""
    names = {run for drawing in drawings for run in drawing.needs} | {run for run, _ in recordings.values()}
    return [shortened(run) if quick else run for run in RUNS if run.name in names]


def draw(drawing: Drawing, data: Data, out: Path) -> None:
    """Write one figure as PNG, and as SVG where that is small."""
    quick = any(data.facts()[run]["quick"] for run in drawing.needs)
    caption = ("QUICK: short runs with few seeds. " if quick else "") + drawing.caption(data)
    with use_style():
        figure = Figure(drawing.name, drawing.title, caption, drawing.draw(data))
        for suffix in ("png", "svg") if drawing.vector else ("png",):
            (out / f"{drawing.name}.{suffix}").write_bytes(encode(figure, suffix))
    print(f"{out / drawing.name}.png", flush=True)


def collect(runs: Sequence[Run], recordings: Recordings, directory: Path, data: Data, quick: bool) -> None:
    """Take the numbers of the runs that have ended, and record those whose policies are to be seen."""
    data.directory.mkdir(parents=True, exist_ok=True)
    for run in runs:
        if data.collect(run, directory / run.name, quick):
            for name, (source, steps) in recordings.items():
                if source == run.name:
                    path = data.directory.parent / name
                    record(directory / run.name, 0, steps, path)
                    print(path, flush=True)


def draw_all(drawings: Sequence[Drawing], recordings: Recordings, data: Data) -> list[str]:
    """Draw what there is data for, and write the page; returns the names of what there is not."""
    out = data.directory.parent
    missing = [name for name in recordings if not (out / name).exists()]
    for drawing in drawings:
        if all(data.has(run) for run in drawing.needs):
            draw(drawing, data, out)
        else:
            missing.append(drawing.name)
    write_page(data, RECORDINGS)
    return missing


def main(arguments: list[str] | None = None) -> None:
    """Ends the process with status 0 only if everything asked for was made."""
    parser = argparse.ArgumentParser(prog="python -m sweeps.reproduce", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short runs with few seeds, in directories of their own")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this figure; may be repeated")
    parser.add_argument("--runs", type=Path, metavar="DIR", help="where the runs are (results/post)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the figures go (figures/post)")
    work = parser.add_mutually_exclusive_group()
    work.add_argument("--train-only", action="store_true", help="train, draw nothing")
    work.add_argument("--draw-only", action="store_true", help="draw from the runs that have ended, train nothing")
    work.add_argument("--from-data", action="store_true", help="draw from the data beside the figures; GIFs stay")
    parsed = parser.parse_args(arguments)
    directory = parsed.runs or Path("results/post-quick" if parsed.quick else "results/post")
    out = parsed.out or (directory / "figures" if parsed.quick else Path("figures/post"))
    try:
        drawings, recordings = chosen(parsed.only)
        runs = needed_runs(drawings, recordings, parsed.quick)
        troubled = [] if parsed.draw_only or parsed.from_data else train_runs(runs, directory)
        if interrupt.received:
            print("interrupted; to go on: the same command", flush=True)
            sys.exit(128 + interrupt.received)
        missing = []
        if not parsed.train_only:
            data = Data(out / "data")
            if not parsed.from_data:
                collect(runs, recordings, directory, data, parsed.quick)
            missing = draw_all(drawings, recordings, data)
    except (InputError, TaskError) as error:
        exit_with(error)
    if troubled:
        report(f"not complete: {', '.join(troubled)}")
    if missing:
        report(f"not drawn, as their runs have not ended: {', '.join(missing)}")
    sys.exit(int(bool(troubled or missing)))


if __name__ == "__main__":
    main()
