"""`make speed`: every comparison, limit and cost in one run. QUICK=1 takes few and short runs; a full run is kept."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from tests.speed import costs, kernels, report, startup
from tests.speed.comparisons import FULL, QUICK, Group, groups
from tests.speed.report import markdown

RESULTS = Path(__file__).parent / "RESULTS.md"

NOTES = """\
Every ratio is of runs made in turn in the same invocation, the median over the rounds with its range; both sides had
all cores. seedbed trains {num_seeds} seeds in one process through `python -m sweeps.train`; the straightforward program
and SB3 train one seed per core in processes of one thread; rejax vmaps its seeds. seedbed's times leave the first
iteration out, rejax's its compilation; start-up has a table of its own. What the peers' interfaces make differ is said
in `tests/speed/sb3_peer.py` and `tests/speed/jax_peer.py`. Details are rollout + critic + policy, per seed and
iteration.
"""


def main() -> None:
    argparse.ArgumentParser(prog="python -m tests.speed", description=__doc__).parse_args()
    quick = os.environ.get("QUICK") == "1"
    effort = QUICK if quick else FULL
    sections: list[str] = []

    def show(title: str, body: str) -> None:
        sections.append(f"## {title}\n\n{body}\n")
        print(sections[-1], flush=True)

    def step(what: str, run: Callable[[], Group]) -> Group:
        print(f"({what})", flush=True)
        return run()

    prepared = groups(effort)
    measured = [step(f"comparison {i} of {len(prepared)}", run) for i, run in enumerate(prepared, start=1)]
    show("Against peers", markdown(report.comparison_table(measured)))
    show("Detail", markdown(report.detail_table(measured)))
    show("Kernels against the arithmetic's limit", markdown(kernels.table(seconds=effort.kernel_seconds)))
    runs = costs.scaling_runs(effort)
    middle = next(run for run in runs if run.num_seeds == effort.num_seeds)
    show("Rollout against bare environments", markdown(costs.rollout_limit(middle)))
    show("Scaling: the post's PPO on the swing-up, all 80 policy steps", markdown(costs.scaling(runs)))
    show("Start-up", markdown(startup.table(cold=effort.thorough)))
    show("Machine", report.machine())
    if not quick:
        RESULTS.write_text("\n".join(["# Speed\n", NOTES.format(num_seeds=effort.num_seeds), *sections]))


if __name__ == "__main__":
    main()
