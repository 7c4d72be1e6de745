"""The command `seedbed compare`: which variant is better, by how much, and how sure that is."""

import argparse
import math
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.aggregates import sentences
from analysis.choices import MARGIN, METRIC, Choices
from analysis.comparison import Comparison, compared
from analysis.log_options import add_logs, preview, reading_of
from analysis.numbers import steps
from analysis.readers import READERS
from analysis.readers.names import EVALUATION_RETURN
from analysis.references import read
from analysis.run_format import InputError
from analysis.runs.variants import Naming, naming, numbered_variants
from analysis.scores import LAST

X_AXES = ("env_steps", "iteration")
VERDICTS_SHOWN = 12


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="seedbed compare",
        description="Compare the variants found in run directories. Writes report.html (everything on one page), the "
        "figures as PNG and SVG (seeds-TASK.png shows every seed), and tables as CSV, Markdown and LaTeX.",
    )
    result.add_argument(
        "runs",
        nargs="+",
        metavar="RUNS",
        help="a run directory, a directory above several, a published folder, or logs of other programs: a path above "
        f"them, or FORMAT:PATH, with FORMAT one of {', '.join(READERS)}",
    )
    result.add_argument(
        "--out", type=Path, metavar="DIR", help="directory to write to; it is made if it does not exist"
    )
    add_logs(result)
    what = result.add_argument_group("what is compared")
    what.add_argument(
        "--metric",
        metavar="COLUMN",
        help="what to compare: a column of progress.csv (post_return, policy_loss, ...) or a series of other programs' "
        f"logs (default: {METRIC}; {EVALUATION_RETURN} where there are only evaluations)",
    )
    what.add_argument(
        "--score",
        default="final",
        metavar="SCORE",
        help="one number per seed, by which variants are compared: final, the mean over the end of training; auc, the "
        "mean over training; best, the highest point; or your own MODULE:FUNCTION, which takes curves [seeds, points] "
        "and env steps [points] and returns one number per seed (default: %(default)s)",
    )
    what.add_argument(
        "--last",
        type=share,
        default=LAST,
        metavar="SHARE",
        help="a final score is the mean over this last share of training (default: %(default)s)",
    )
    what.add_argument(
        "--threshold",
        type=threshold,
        action="append",
        default=[],
        metavar="[TASK=]VALUE",
        help="return to reach; the env steps to its first crossing are compared. VALUE is for all tasks, TASK=VALUE "
        "for one (default: nine tenths of the way from the untrained return to the best variant's median)",
    )
    what.add_argument("--lower-is-better", action="store_true", help="the metric is a cost: lower values are better")
    what.add_argument(
        "--include-unfinished",
        action="store_true",
        help="also score seeds that have not finished training; the horizon is then the number of env steps that at "
        "least half of each variant's seeds have reached",
    )
    what.add_argument(
        "--variant",
        type=named,
        action="append",
        default=[],
        metavar="KEY|NAME=PATTERN",
        help="treat runs with different settings as one variant, for example where settings differ between tasks. KEY: "
        "runs with the same value of a config key (algo.name). NAME=PATTERN: runs that match KEY=VALUE of the config "
        "(ppo=algo.name=ppo), or a path as the report lists it (mine=ppo-*)",
    )
    how = result.add_argument_group("how it is judged")
    how.add_argument(
        "--margin",
        type=positive,
        default=MARGIN,
        metavar="SHARE",
        help="variants closer than this share of a task's scale are practically the same (default: %(default)s)",
    )
    how.add_argument(
        "--reference", metavar="VARIANT", help="compare every other variant with this one only: fewer tests, more power"
    )
    how.add_argument(
        "--references",
        type=Path,
        metavar="FILE",
        help="YAML file with the returns that count as 0 and 1 on each task, TASK: {low: NUMBER, high: NUMBER}; "
        "seedbed has them for the tasks of its presets",
    )
    more = result.add_argument_group("what is shown")
    more.add_argument(
        "--x", choices=X_AXES, default="env_steps", help="x axis of the curves of all seeds (default: %(default)s)"
    )
    more.add_argument(
        "--statistic",
        action="append",
        default=[],
        metavar="MODULE:FUNCTION",
        help="your own statistic for the tables: a function of scores [..., n] and axis that returns [...]",
    )
    more.add_argument(
        "--figure",
        action="append",
        default=[],
        metavar="MODULE:FUNCTION",
        help="your own figure for the report: a function of the comparison that returns a matplotlib Figure",
    )
    more.add_argument(
        "--latex",
        action="store_true",
        help="write summary.tex, pairs.tex and overall.tex too, for the booktabs package",
    )
    return result


def number(text: str, expected: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r}; expected: {expected}")
    return value


def share(text: str) -> float:
    expected = "a share of training, above 0 and at most 1"
    value = number(text, expected)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r}; expected: {expected}")
    return value


def positive(text: str) -> float:
    value = number(text, "a number above 0")
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r}; expected: a number above 0")
    return value


def threshold(text: str) -> tuple[str, float]:
    env_id, _, value = text.rpartition("=")
    return env_id, number(value, "VALUE or TASK=VALUE, with a number for VALUE")


def named(text: str) -> Naming:
    try:
        return naming(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error).partition(": ")[2]) from None


def compare(arguments: argparse.Namespace, command: str) -> None:
    if arguments.preview:
        print(*preview(arguments.runs, reading_of(arguments)), sep="\n")
        return
    if arguments.out is None:
        raise InputError("--out is missing; expected: --out DIR, a directory to write to")
    choices = Choices(
        metric=arguments.metric or METRIC,
        score=arguments.score,
        last=arguments.last,
        x=arguments.x,
        thresholds=dict(arguments.threshold),
        margin=arguments.margin,
        reference=arguments.reference,
        lower_is_better=arguments.lower_is_better,
        include_unfinished=arguments.include_unfinished,
        references=read(arguments.references) if arguments.references else {},
        statistics=arguments.statistic,
        figures=arguments.figure,
    )
    comparison = compared(arguments.runs, arguments.metric, arguments.variant, reading_of(arguments), choices)
    make(arguments.out)  # before the figures, which take their time
    page = comparison.write(arguments.out, command, arguments.latex)
    tell(comparison)
    for env_id, figures in comparison.figures.items():
        if env_id in comparison.tasks:
            print(*(arguments.out / f"{figure.name}.png" for figure in figures if figure.name.startswith("seeds-")))
    print(page)


def make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / ".seedbed").touch()
        (out / ".seedbed").unlink()
    except OSError as error:
        raise InputError(f"{out}: {error.strerror}; expected: --out DIR that can be written to") from None


def tell(comparison: Comparison) -> None:
    """Prints notes, the settings of numbered variants, where tasks are compared, and the verdicts."""
    for sentence in comparison.warnings:
        print(f"Note: {sentence}")
    dataset = comparison.dataset
    numbered = numbered_variants(dataset.runs, dataset.variants)
    for variant in comparison.shown:
        if variant in numbered:
            print(f"{variant}: {numbered[variant]}")
    if told := comparison.choices.not_default:
        print(f"Not the defaults: {'; '.join(told)}.")
    for env_id, task in comparison.tasks.items():
        what = comparison.choices.scored.describe(task, comparison.choices.last)
        print(f"{env_id}: compared up to {steps(task.horizon)} env steps; {what}.")
    for sentence in comparison.verdicts[:VERDICTS_SHOWN]:
        print(sentence)
    if len(comparison.aggregate_pairs):
        print(*sentences(comparison.aggregate_pairs), sep="\n")
    if len(comparison.pairs) > VERDICTS_SHOWN:
        print(f"{len(comparison.pairs) - VERDICTS_SHOWN} more pairs are in the report and in pairs.csv.")


def main(argv: Sequence[str] | None = None) -> int:
    given = sys.argv[1:] if argv is None else list(argv)
    arguments = parser().parse_args(given)
    try:
        compare(arguments, shlex.join(["seedbed", "compare", *given]))
    except InputError as error:
        print(f"seedbed compare: {error}", file=sys.stderr)
        return 2
    return 0
