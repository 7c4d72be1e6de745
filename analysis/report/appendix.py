"""A paragraph for a paper's appendix, with everything that a reader needs to judge the comparison."""

from collections.abc import Iterable

from analysis.numbers import number, steps
from analysis.results import Results
from analysis.runs.dataset import spans
from analysis.statistics.multiplicity import LEVEL
from analysis.summary import ALL_TASKS, CONFIDENCE, COVERAGE

SOFTWARE = ("seedbed", "torch", "numpy", "gymnasium", "python")


def appendix(comparison: Results) -> str:
    """The paragraph as plain text: seeds, score, horizon, failures, tests, corrections, intervals, scales, software."""
    parts = [seeds_text(comparison), score_text(comparison), failures_text(comparison), tests_text(comparison)]
    parts += [intervals_text(comparison), scales_text(comparison), software_text(comparison)]
    return " ".join(part for part in parts if part)


def sentence(items: Iterable[str]) -> str:
    listed = list(items)
    return " and ".join([", ".join(listed[:-1]), listed[-1]]) if len(listed) > 1 else "".join(listed)


def seeds_text(comparison: Results) -> str:
    seeds = comparison.dataset.seeds
    parts = []
    for (env_id, variant), group in seeds.groupby(["env_id", "variant"], sort=True):
        parts.append(f"{variant} on {env_id} with {len(group)} (seeds {spans(sorted(group['seed']))})")
    tasks = seeds["env_id"].nunique()
    start = f"We compared {seeds['variant'].nunique()} variants on {tasks} task{'s' * (tasks != 1)}"
    if len(parts) <= 12:
        return f"{start}: {sentence(parts)}."
    return f"{start}, {len(seeds)} seeds in all; settings.csv and scores.csv list them."


def score_text(comparison: Results) -> str:
    choices = comparison.choices
    parts = []
    for env_id, task in comparison.tasks.items():
        parts.append(f"{choices.scored.describe(task, choices.last)} of {steps(task.horizon)} on {env_id}")
    direction = " Lower is better." if choices.lower_is_better else ""
    if not parts:
        return ""
    return f"A seed's score is the {choices.scored.name} {choices.metric} ({'; '.join(parts)}).{direction}"


def failures_text(comparison: Results) -> str:
    seeds = comparison.dataset.seeds
    failed, unfinished = (int((seeds["state"] == state).sum()) for state in ("failed", "unfinished"))
    absent = int((seeds["state"] == "no rows").sum())
    text = "No seed failed"
    if failed:
        what = "one of their numbers was not finite, and they count with their task's low reference"
        text = f"{failed} seed{'s' * (failed != 1)} failed ({what})"
    if unfinished or absent:
        kept = "scored" if comparison.choices.include_unfinished else "not scored"
        text += f"; {unfinished + absent} had not finished and were {kept}"
    return text + "."


def tests_text(comparison: Results) -> str:
    pairs = comparison.pairs
    if not len(pairs):
        return "No two variants were compared."
    tested = int(pairs["p_uncorrected"].notna().sum())
    overall = int((pairs.loc[pairs["p_uncorrected"].notna(), "env_id"] == ALL_TASKS).sum())
    paired = int(pairs["paired"].astype(bool).sum())
    order = (
        f"by a graphical procedure that spends the level on the {overall} comparisons over all tasks first"
        if overall and overall < tested
        else "by Holm's procedure"
    )
    text = (
        f"Differences of means were tested two-sided at level {LEVEL:g} by the larger p of a t test with unequal "
        f"variances and a studentised permutation test; the {tested} tests were adjusted {order}."
    )
    if paired:
        text += f" {paired} pairs of one algorithm on the same seeds were tested seed by seed."
    if pairs["margin"].notna().any():
        text += (
            f" Two variants are called practically the same where an equivalence test at the same level puts their "
            f"difference within a margin of {comparison.choices.margin:.3g} of the task's scale."
        )
    return text


def intervals_text(comparison: Results) -> str:
    return (
        f"Intervals are {CONFIDENCE:.0%} intervals of each quantity by itself (t intervals that allow for skewness; "
        "winsorised for the interquartile mean; order statistics for the median), limits for "
        f"{COVERAGE:.0%} of runs are distribution-free tolerance limits, and effect sizes are Hedges' g."
    )


def scales_text(comparison: Results) -> str:
    if not len(comparison.overall):
        return ""
    parts = []
    for env_id, scale in comparison.scales.items():
        ends = f"{number(scale.low)} and {number(scale.high)} on {env_id}"
        parts.append(ends if scale.fixed else f"{ends} (observed in these runs)")
    return f"Over all tasks, scores were normalised to 0 and 1 at {sentence(parts)}, and every task counts the same."


def software_text(comparison: Results) -> str:
    found: dict[str, None] = {}
    commits: dict[str, None] = {}
    own = [run for run in comparison.dataset.runs.values() if not run.format]
    formats = sorted({run.format for run in comparison.dataset.runs.values() if run.format})
    others = f"Read from logs of other programs ({sentence(formats)}), of which no software is recorded." * bool(
        formats
    )
    if not own:
        return others
    for run in own:
        versions = run.info.get("versions", {})
        found[", ".join(f"{name} {versions[name]}" for name in SOFTWARE if name in versions)] = None
        commits[str(run.info.get("commit"))[:12]] = None
    software = f"Software: {' or '.join(filter(None, found)) or 'not recorded'}; commit {' or '.join(commits)}."
    return f"{software} {others}".strip()
