"""`make speed`: comparisons, limits and costs in one run, on one page. QUICK=1 takes few and short runs."""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from algos.kernels.intrinsics import WIDE
from tests.processors import has_avx512
from tests.speed import costs, kernels, lockstep, mujoco, report, startup, threads
from tests.speed.comparisons import FULL, QUICK, Effort, groups
from tests.speed.processes import with_avx2_code
from tests.speed.report import markdown

PAGE = Path(__file__).parent / ("RESULTS.md" if has_avx512() == WIDE else "RESULTS_AVX2.md")

NOTES = """\
# Speed

Every ratio is of runs made in turn in the same invocation, the median over the rounds with its range; both sides had
all cores. seedbed trains {num_seeds} seeds in one process through `python -m sweeps.train`; the straightforward program
and SB3 train one seed per core in processes of one thread; rejax vmaps its seeds. seedbed's times leave the first
iteration out, rejax's its compilation; start-up has a table of its own. What the peers' interfaces make differ is said
in `tests/speed/sb3_peer.py` and `tests/speed/jax_peer.py`. Details are rollout + critic + policy, per seed and
iteration.
"""

Parts = Iterator[tuple[str, str]]
"""Titles, and what stands below each."""


def simulators(effort: Effort) -> Parts:
    text = mujoco.NOTES
    for name in mujoco.SETTINGS:
        body = mujoco.section(name, ["async", "envpool"], effort.simulator_rounds, effort.simulator_iterations)
        yield f"Where a simulator steps: {name}", f"{text}\n{body}"
        text = ""


def other_processes(effort: Effort) -> Parts:
    table = threads.table(effort.thread_iterations, effort.thread_seeds)
    yield "Threads, and a busy process: PPO with SB3's defaults on CartPole-v1, s per iteration", markdown(table)


def settings_as_rows(effort: Effort) -> Parts:
    for case in effort.lockstep_cases:
        table = lockstep.table(case, list(lockstep.LAUNCHERS), 5, 4, effort.lockstep_rounds)
        yield f"Settings as rows: {case}", f"{lockstep.words(case, 5, 4)}\n\n{markdown(table)}"


def peers(effort: Effort) -> Parts:
    measured = [run() for run in groups(effort)]
    yield "Against peers", markdown(report.comparison_table(measured))
    yield "Detail", markdown(report.detail_table(measured))


def arithmetic(effort: Effort) -> Parts:
    yield "Kernels against the arithmetic's limit", markdown(kernels.table(seconds=effort.kernel_seconds))


def scaling(effort: Effort) -> Parts:
    runs = costs.scaling_runs(effort)
    middle = next(run for run in runs if run.num_seeds == effort.num_seeds)
    yield "Rollout against bare environments", markdown(costs.rollout_limit(middle))
    yield "Scaling: the post's PPO on the swing-up, all 80 policy steps", markdown(costs.scaling(runs))


def start_up(effort: Effort) -> Parts:
    yield "Start-up", markdown(startup.table(cold=True))


SECTIONS = {
    "simulators": simulators,
    "threads": other_processes,
    "peers": peers,
    "kernels": arithmetic,
    "lockstep": settings_as_rows,
    "startup": start_up,
    "scaling": scaling,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.speed", description=__doc__)
    parser.add_argument(
        "--section", nargs="+", choices=SECTIONS, default=list(SECTIONS), metavar="NAME", help=", ".join(SECTIONS)
    )
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no section after so long")
    parser.add_argument("--quick", action="store_true", help="few and short runs, as with QUICK=1")
    parser.add_argument("--keep", action="store_true", help=f"write {PAGE.name} of quick runs, too")
    with_avx2_code(parser)
    parsed = parser.parse_args()
    quick = parsed.quick or os.environ.get("QUICK") == "1"
    effort = QUICK if quick else FULL
    page, started = [NOTES.format(num_seeds=effort.num_seeds)], perf_counter()
    for name in parsed.section:
        minutes = (perf_counter() - started) / 60
        if minutes > parsed.minutes:
            print(f"({name} is left out: {minutes:.1f} minutes have passed)", flush=True)
            continue
        print(f"({name}, after {minutes:.1f} minutes)", flush=True)
        for title, body in SECTIONS[name](effort):
            page.append(f"## {title}\n\n{body}\n")
            print(page[-1], flush=True)
            if parsed.keep or not quick:
                PAGE.write_text("\n".join([*page, f"## Machine\n\n{report.machine()}\n"]))
    print(report.machine())


if __name__ == "__main__":
    main()
