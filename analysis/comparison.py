"""Comparing runs, in one call: what they are, which variant is better, the figures and the report."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.choices import MARGIN, METRIC, Choices
from analysis.readers import Given, Reading
from analysis.references import Reference, read
from analysis.registry import load_checked
from analysis.results import Results
from analysis.runs.dataset import Dataset, reading
from analysis.runs.variants import Naming, namings
from analysis.scores import LAST

if TYPE_CHECKING:
    from analysis.plots.canvas import Figure


@dataclass(frozen=True)
class Comparison(Results):
    """Runs, compared. Shows itself in a notebook; `write` makes the report's files."""

    @cached_property
    def figures(self) -> dict[str, list["Figure"]]:
        """The figures by task, in the order of the page; those over all tasks under "all tasks"."""
        from analysis.plots.figures import draw
        from analysis.plots.style import use_style

        with use_style():
            return draw(self)

    def write(self, out: str | os.PathLike[str], command: str = "", latex: bool = False) -> Path:
        """Writes the report's files into the directory `out`, and gives the path of report.html.

        `command`: what made the report; `latex`: tables for a paper too. Raises InputError.
        """
        from analysis.report import report_files, write_files

        return write_files(Path(out), report_files(self, self.figures, command, latex))

    def _repr_html_(self) -> str:
        from analysis.report import fragment

        return fragment(self, self.figures)


def compare(
    runs: Given | Iterable[Given],
    *,
    metric: str | None = None,
    score: str = "final",
    last: float = LAST,
    threshold: float | Mapping[str, float] | None = None,
    margin: float = MARGIN,
    reference: str | None = None,
    variants: str | Mapping[str, str] | None = None,
    pattern: str | Sequence[str] = (),
    column: Mapping[str, str] | None = None,
    references: str | os.PathLike[str] | Mapping[str, Reference] | None = None,
    lower_is_better: bool = False,
    include_unfinished: bool = False,
    statistics: Sequence[str] = (),
    figures: Sequence[str] = (),
    out: str | os.PathLike[str] | None = None,
) -> Comparison:
    """Compares the variants found in run directories, in directories above them, and in logs of other programs: paths,
    FORMAT:PATH, or a data frame of variant, task, seed, env_steps and value.

    The result has the tables (`summary`, `overall`, `pairs`, `scores`), the `verdicts` and the `figures`; a notebook
    shows it. Files are written only into `out`. `threshold`: one return, or one for each task. `variants` names
    variants whose settings differ between tasks: a key of the config that they are called by, as in "algo.name", or a
    pattern of runs by the name, as in {"ppo": "algo.name=ppo"}. `pattern` says which part of the path of other
    programs' logs is what ("{variant}/{task}_{seed}"), and `column` what things are called there ({"env_steps":
    "global_step"}). `metric`: the returns of training where it is None; of evaluations where there are only those. The
    others are those of the command line and of Choices. Raises InputError.
    """
    if threshold is None:
        thresholds: Mapping[str, float] = {}
    else:
        thresholds = threshold if isinstance(threshold, Mapping) else {"": float(threshold)}
    choices = Choices(
        metric=metric or METRIC,
        score=score,
        last=last,
        thresholds=thresholds,
        margin=margin,
        reference=reference,
        lower_is_better=lower_is_better,
        include_unfinished=include_unfinished,
        references=references if isinstance(references, Mapping) else read(Path(references)) if references else {},
        statistics=statistics,
        figures=figures,
    )
    comparison = compared(runs, metric, namings(variants), reading(pattern, column), choices)
    if out is not None:
        comparison.write(out)
    return comparison


def compared(
    runs: Given | Iterable[Given],
    metric: str | None,
    named: Sequence[Naming],
    logs: Reading,
    choices: Choices,
) -> Comparison:
    """Loads and compares. Raises InputError."""
    return Comparison.of(*loaded(runs, metric, named, logs, choices))


def loaded(
    runs: Given | Iterable[Given],
    metric: str | None,
    named: Sequence[Naming],
    logs: Reading,
    choices: Choices,
) -> tuple[Dataset, Choices]:
    """The runs, and `choices` with the metric, which None leaves to what there is. Raises InputError."""
    dataset = load_checked(runs, None if metric is None else [metric], named, logs, choose_metric=metric is None)
    return dataset, replace(choices, metric=dataset.metric)
