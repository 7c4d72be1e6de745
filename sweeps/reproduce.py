"""Train what the post shows and draw its figures: ``python -m sweeps.reproduce``."""

import argparse
import sys
from pathlib import Path

from sweeps.interrupt import interrupt
from sweeps.post.runs import RUNS, shortened
from sweeps.post.training import train_runs


def main(arguments: list[str] | None = None) -> None:
    """Ends the process with status 0 only if every run is complete."""
    parser = argparse.ArgumentParser(prog="python -m sweeps.reproduce", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short runs with few seeds, in directories of their own")
    parser.add_argument("--runs", type=Path, metavar="DIR", help="where the runs are (results/post)")
    parser.add_argument("--train-only", action="store_true", help="draw nothing")
    parsed = parser.parse_args(arguments)
    runs = [shortened(run) for run in RUNS] if parsed.quick else list(RUNS)
    directory = parsed.runs or Path("results/post-quick" if parsed.quick else "results/post")
    troubled = train_runs(runs, directory)
    if interrupt.received:
        print("interrupted; to go on: the same command", flush=True)
        sys.exit(128 + interrupt.received)
    if troubled:
        print(f"error: not complete: {', '.join(troubled)}", file=sys.stderr, flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
