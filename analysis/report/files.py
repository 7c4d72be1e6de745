"""The files of a report."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from analysis.plots.canvas import Figure, encode
from analysis.plots.style import use_style
from analysis.report.appendix import appendix
from analysis.report.sections import report
from analysis.report.tables import csv, latex, markdown, overall_cells, pair_cells, summary_cells
from analysis.results import Results
from analysis.run_format import InputError
from analysis.runs.variants import settings_table

REPORT = "report.html"


def report_files(
    comparison: Results, figures: Mapping[str, Sequence[Figure]], command: str, with_latex: bool
) -> dict[str, bytes]:
    """The report's files by name: the page, the figures and the tables.

    `figures` are by task. `command` is what the user typed. `with_latex` adds tables for the booktabs package.
    """
    own = [statistic.name for statistic in comparison.choices.own_statistics]
    with use_style():
        files = {
            f"{figure.name}.{suffix}": encode(figure, suffix)
            for group in figures.values()
            for figure in group
            for suffix in ("png", "svg")
        }
        files[REPORT] = report(comparison, figures, command).encode()
    dataset = comparison.dataset
    files["summary.csv"] = csv(pd.concat([comparison.summary, comparison.overall], ignore_index=True))
    files["scores.csv"] = csv(comparison.scores)
    files["pairs.csv"] = csv(comparison.pairs)
    if len(comparison.aggregate_pairs):
        files["aggregates.csv"] = csv(comparison.with_aggregates)
        files["aggregate-pairs.csv"] = csv(comparison.aggregate_pairs)
    files["settings.csv"] = csv(settings_table(dataset.runs, dataset.variants))
    cells = summary_cells(comparison.summary, comparison.shown, own, comparison.choices.lower_is_better)
    files["summary.md"] = markdown(cells).encode()
    files["appendix.md"] = (appendix(comparison) + "\n").encode()
    if not with_latex:
        return files
    files["summary.tex"] = latex(cells).encode()
    if len(comparison.pairs):
        files["pairs.tex"] = latex(pair_cells(comparison.ordered_pairs)).encode()
    if len(comparison.overall):
        files["overall.tex"] = latex(overall_cells(comparison.overall, own)).encode()
    return files


def write_files(out: Path, files: dict[str, bytes]) -> Path:
    """Writes `files` into `out`, and returns the path of the page.

    Raises:
        InputError: A file cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (out / name).write_bytes(content)
    except OSError as error:
        where = error.filename or out
        raise InputError(f"{where}: {error.strerror}; expected: out is a directory that can be written to") from None
    return out / REPORT
