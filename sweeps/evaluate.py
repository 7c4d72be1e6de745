"""Play trained policies and report their returns: ``seedbed evaluate DIR``."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from analysis.run_format import EVALUATION
from sweeps import trust
from sweeps.errors import InputError, exit_with
from sweeps.files import replace_file
from sweeps.imports import own_packages_first


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog="seedbed evaluate",
        description="Play the trained policies of runs, with deterministic and with stochastic actions. Every episode "
        f"goes to {EVALUATION} in the run's directory.",
    )
    result.add_argument("directories", type=Path, nargs="+", metavar="DIR", help="run directories, or sweeps of them")
    told = "episodes of each seed and mode (default: %(default)s)"
    result.add_argument("--episodes", type=int, default=100, metavar="N", help=told)
    trust.add_option(result)
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate every run at or below the given directories."""
    parsed = parser().parse_args(arguments)
    own_packages_first()
    from rich.console import Console
    from rich.progress import Progress

    from algos.envs.errors import TaskError
    from analysis.runs import find_runs
    from sweeps.evaluation import evaluate, summary
    from sweeps.trained import failed_seeds

    try:
        if parsed.episodes < 1:
            raise InputError(f"--episodes {parsed.episodes}: expected: 1 or more")
        runs = find_runs(parsed.directories)
        for run in runs:
            trust.check_run(run.path, parsed.trust)
        with Progress(console=Console(stderr=True)) as progress:
            for run in progress.track(runs, description="evaluating"):
                table = evaluate(run.path, parsed.episodes)
                replace_file(run.path / EVALUATION, table.to_csv(index=False, lineterminator="\n").encode())
                print(f"{run.path / EVALUATION}\n{summary(table)}", flush=True)
                if failed := failed_seeds(run.path):
                    print(f"  not evaluated, because they failed: seeds {', '.join(map(str, failed))}", flush=True)
    except (InputError, TaskError, OSError) as error:
        exit_with(error)


if __name__ == "__main__":
    main()
