"""python -m analysis.compare RUN_DIR... --out DIR: which variant is better, by how much, how sure; how seeds spread."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis.comparison import Choices, Comparison, build
from analysis.dataset import load
from analysis.numbers import steps
from analysis.pairs import verdict
from analysis.plots.axes import X_LABELS
from analysis.plots.canvas import encode
from analysis.plots.figures import draw
from analysis.plots.style import use_style
from analysis.report import VERDICTS_SHOWN, report
from analysis.report.tables import csv, latex, markdown, summary_cells
from analysis.runs import InputError
from analysis.scores import SCORES
from analysis.variants import numbered_variants, settings_table


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="python -m analysis.compare",
        description="Compare the variants found in run directories. Writes report.html (everything on one page), the "
        "figures as PNG and SVG (seeds-TASK.png shows every seed), and CSV tables.",
    )
    result.add_argument("runs", nargs="+", metavar="RUN_DIR", help="a run directory, or a directory above several")
    result.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="where to write; made if it is not there"
    )
    result.add_argument(
        "--metric",
        default="episodic_return",
        metavar="COLUMN",
        help="column of progress.csv to compare (default: %(default)s; post_return, policy_loss, ... work too)",
    )
    result.add_argument(
        "--score",
        choices=list(SCORES),
        default="final",
        help="one number per seed that variants are compared on: final, mean of the last points; auc, mean over "
        "training; best, highest point (default: %(default)s)",
    )
    result.add_argument(
        "--last",
        type=positive,
        default=10,
        metavar="K",
        help="points that a final score is the mean of (default: %(default)s)",
    )
    result.add_argument(
        "--threshold",
        type=threshold,
        action="append",
        default=[],
        metavar="[TASK=]VALUE",
        help="return whose first crossing is timed (default: nine tenths of the way from the untrained return to the "
        "best variant's median); once for all tasks, or for each",
    )
    result.add_argument(
        "--x",
        choices=list(X_LABELS),
        default="env_steps",
        help="x axis of the curves of all seeds (default: %(default)s)",
    )
    result.add_argument("--latex", action="store_true", help="write summary.tex too, a table for the booktabs package")
    return result


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def threshold(text: str) -> tuple[str, float]:
    env_id, _, value = text.rpartition("=")
    return env_id, float(value)


def outputs(comparison: Comparison, command: str, with_latex: bool) -> dict[str, bytes]:
    """Every file of the report by its name."""
    with use_style():
        figures = draw(comparison)
        files = {
            f"{figure.name}.{suffix}": encode(figure, suffix)
            for group in figures.values()
            for figure in group
            for suffix in ("png", "svg")
        }
        files["report.html"] = report(comparison, figures, command).encode()
    files["summary.csv"] = csv(pd.concat([comparison.summary, comparison.overall], ignore_index=True))
    files["pairs.csv"] = csv(comparison.pairs)
    files["settings.csv"] = csv(settings_table(comparison.dataset.runs, comparison.dataset.variants))
    cells = summary_cells(comparison.summary, comparison.shown)
    files["summary.md"] = markdown(cells).encode()
    if with_latex:
        files["summary.tex"] = latex(cells).encode()
    return files


def write(out: Path, files: dict[str, bytes]) -> None:
    """Writes `files` into `out`. Raises InputError if that cannot be done."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (out / name).write_bytes(content)
    except OSError as error:
        raise InputError(f"{error.filename or out}: {error.strerror}; --out must be a directory to write to") from None


def compare(arguments: argparse.Namespace, command: str) -> None:
    dataset = load(arguments.runs, [arguments.metric])
    thresholds = dict(arguments.threshold)
    choices = Choices(arguments.metric, arguments.score, arguments.last, arguments.x, thresholds)
    comparison = build(dataset, choices)
    write(arguments.out, {})  # before the figures, which take their time
    files = outputs(comparison, command, arguments.latex)
    write(arguments.out, files)
    for sentence in comparison.warnings:
        print(f"Note: {sentence}")
    numbered = numbered_variants(dataset.runs, dataset.variants)
    for variant in comparison.shown:
        if variant in numbered:
            print(f"{variant}: {numbered[variant]}")
    for env_id, task in comparison.tasks.items():
        print(f"{env_id}: compared at {steps(task.grid[-1])} env steps, the most that all variants reached.")
    for _, row in comparison.pairs.head(VERDICTS_SHOWN).iterrows():
        print(verdict(row, choices.score))
    if len(comparison.pairs) > VERDICTS_SHOWN:
        print(f"{len(comparison.pairs) - VERDICTS_SHOWN} more pairs are in the report and in pairs.csv.")
    for name in files:
        if name.startswith("seeds-") and name.endswith(".png"):
            print(arguments.out / name)
    print(arguments.out / "report.html")


def main(argv: Sequence[str] | None = None) -> int:
    given = sys.argv[1:] if argv is None else list(argv)
    arguments = parser().parse_args(given)
    try:
        compare(arguments, shlex.join(["python", "-m", "analysis.compare", *given]))
    except InputError as error:
        print(f"analysis.compare: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
