"""The page of the benchmark: the verdict, the scores, the figures and the cost."""

import pandas as pd

from analysis.comparison import Comparison, compare
from analysis.numbers import interval, listed, number
from analysis.pairs import BETTER
from analysis.plots.canvas import encode
from analysis.plots.style import use_style
from analysis.report.tables import overall_cells
from analysis.summary import ALL_TASKS
from sweeps.benchmark import figures
from sweeps.benchmark.runs import REFERENCE, TASKS, VARIANTS, names
from sweeps.benchmark.tables import CURVES, FACTS
from sweeps.markdown import markdown_table
from sweeps.run_page import README, Tables
from sweeps.status import duration

HEAD = """# TRPO and NPG beside PPO on {count} simulated tasks

{verdict}

The question was chosen before the runs: with one setting per variant for all tasks, do TRPO and NPG end higher or lower
than PPO? The settings are `conf/experiment/mujoco/{{ppo,trpo,npg}}.yaml`, after Tianshou's MuJoCo benchmark. They were
chosen on HalfCheetah and Hopper, with other seeds; no other task was looked at. Every run has 10 seeds, from 10 on, and
1M env steps per seed. A seed's score is the mean return of its training episodes over the last tenth of training.
Scores are normalised: 0 is the return of random actions, 1 that of a good published agent, or the task's threshold.
{missing}
`seedbed benchmark` trains, and writes this page. `seedbed benchmark --from-data` writes it again from `curves.csv`.
`seedbed compare figures/benchmark/curves.csv --reference ppo` makes the full report of it.
"""

EACH_TASK = """The mean score of ten seeds with its 95% interval; then the difference from {reference}, its 95%
interval, and the outcome of the tests, adjusted for all pairs of this page. *Practically the same* is closer than a
twentieth of the task's scale."""


def comparison_of(curves: pd.DataFrame) -> Comparison:
    """The comparison of the variants with PPO, on the tasks that all variants were trained on."""
    return compare(curves.drop(columns="run"), reference=REFERENCE)


def complete(curves: pd.DataFrame) -> list[str]:
    """The tasks that all variants were trained on."""
    known = set(curves["run"])
    return [task for task in TASKS if known.issuperset(names(task))]


def files(tables: Tables) -> dict[str, bytes]:
    """The page and its figures."""
    tasks = complete(tables[CURVES])
    missing = [TASKS[task] for task in TASKS if task not in tasks]
    if len(tasks) < 2:
        return {README: f"# {', '.join(VARIANTS)}\n\nNot trained yet: {', '.join(missing)}.\n".encode()}
    there = [name for task in tasks for name in names(task)]
    curves, facts = (table[table["run"].isin(there)] for table in (tables[CURVES], tables[FACTS]))
    comparison = comparison_of(curves)
    with use_style():
        drawn = [figures.over_all_tasks(comparison), figures.curves(comparison)]
        result = {f"{each.name}.png": encode(each, "png") for each in drawn}
    head = HEAD.format(
        count=f"{len(tasks)} of {len(TASKS)}" if missing else len(tasks),
        verdict="\n\n".join(verdicts(comparison)),
        missing=f"Not trained yet, so not on this page: {', '.join(missing)}.\n" if missing else "",
    )
    heading, *rows = overall_cells(comparison.overall)
    others = [each for each in VARIANTS if each != REFERENCE]
    parts = [
        head,
        "## All tasks",
        markdown_table(sorted(rows, key=lambda row: VARIANTS.index(row[0])), heading),
        "![over all tasks](all-tasks.png)",
        "## Each task",
        EACH_TASK.format(reference=REFERENCE),
        markdown_table(scores(comparison), ["task", *VARIANTS, *(f"{each} beside {REFERENCE}" for each in others)]),
        "![learning curves](curves.png)",
        "## What it cost",
        cost(facts),
    ]
    return result | {README: ("\n\n".join(part.strip() for part in parts) + "\n").encode()}


def verdicts(comparison: Comparison) -> list[str]:
    """The verdicts over all tasks, the surest first."""
    pairs = comparison.ordered_pairs
    return [comparison.verdict(row) for _, row in pairs[pairs["env_id"] == ALL_TASKS].iterrows()]


def scores(comparison: Comparison) -> list[list[str]]:
    """One row per task: the mean of each variant, then each variant's difference from the reference."""
    means = {
        (row["env_id"], row["variant"]): f"{number(row['mean'])} ({interval(row['mean_low'], row['mean_high'])})"
        for row in comparison.summary.to_dict("records")
    }
    beside: dict[tuple[str, str], str] = {}
    for row in comparison.pairs.to_dict("records"):
        other, sign = (row["b"], -1) if row["a"] == REFERENCE else (row["a"], 1)
        low, high = sorted(sign * row[limit] for limit in ("difference_low", "difference_high"))
        outcome = row["outcome"]
        if outcome == BETTER:
            outcome = f"**{'lower' if sign < 0 else 'higher'}**"
        beside[row["env_id"], other] = f"{number(sign * row['difference'])} ({interval(low, high)}), {outcome}"
    return [
        [
            env_id,
            *(means[env_id, variant] for variant in VARIANTS),
            *(beside[env_id, variant] for variant in VARIANTS if variant != REFERENCE),
        ]
        for env_id in comparison.tasks
    ]


def cost(facts: pd.DataFrame) -> str:
    """Time, machine and commit of the runs, and whose environments stepped."""
    tasks = facts["run"].str.rpartition("-")[0].map(TASKS)
    variants = facts["run"].str.rpartition("-")[2]
    each = ", ".join(f"{name}: {duration(float(facts.loc[variants == name, 'seconds'].sum()))}" for name in VARIANTS)
    machine, commit = (listed(sorted(set(facts[column]))) for column in ("processor", "commit"))
    stepped = [
        f"{owner}'s environments stepped {', '.join(sorted(set(tasks[facts['environments'] == owner])))}."
        for owner in sorted(set(facts["environments"]))
    ]
    evaluating = duration(float(facts["evaluation_seconds"].sum()))
    return (
        f"Wall-clock time of the runs: {duration(float(facts['seconds'].sum()))} ({each}) on {machine}; commit "
        f"{commit}. Of this, {evaluating} are for the evaluations on the [page of published results]"
        f"(../published/README.md). {' '.join(stepped)}"
    )
