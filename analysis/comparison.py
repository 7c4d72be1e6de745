"""The Python interface of `seedbed compare`: one call gives tables, verdicts, figures and the report."""

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
    """Compared runs, with their figures and their report. A notebook shows the verdicts, the tables and the curves.

    The tables are those of Results: `summary`, `overall`, `scores`, `pairs`.
    """

    @cached_property
    def figures(self) -> dict[str, list["Figure"]]:
        """The figures by task, in the order of the page. Those over all tasks are under "all tasks"."""
        from analysis.plots.figures import draw
        from analysis.plots.style import use_style

        with use_style():
            return draw(self)

    def write(self, out: str | os.PathLike[str], command: str = "", latex: bool = False) -> Path:
        """Writes the report's files into the directory `out`, and returns the path of report.html.

        Args:
            out: directory; it is made if it does not exist.
            command: the command line that the report shows.
            latex: whether to write tables for a paper too.

        Raises:
            InputError: The files cannot be written.
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
    """Compares the variants in run directories and in logs of other programs.

    The result has the tables (`summary`, `overall`, `pairs`, `scores`), the `verdicts` and the `figures`. A notebook
    shows it. The other arguments are those of the command line (`seedbed compare --help`).

    Args:
        runs: run directories, directories above them, logs of other programs (a path or FORMAT:PATH), or a data frame
            of variant, task, seed, env_steps and value.
        metric: the metric to compare. None: the return of training; where there are only evaluations, theirs.
        threshold: one return, or a return for each task.
        variants: names of variants whose settings differ between tasks. Either a key of the config, as in "algo.name",
            or a pattern of runs by name, as in {"ppo": "algo.name=ppo"}.
        pattern: which part of a path of other programs' logs is the variant, the task and the seed:
            "{variant}/{task}_{seed}".
        column: names of columns in other programs' logs, ours to theirs: {"env_steps": "global_step"}.
        references: ends of tasks' scales, or a YAML file of them.
        out: directory to write the report to. None: nothing is written.

    Raises:
        InputError: Something is wrong with the runs or with an argument.
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
    """Loads and compares runs.

    Raises:
        InputError: Something is wrong with the runs or with a choice.
    """
    return Comparison.of(*loaded(runs, metric, named, logs, choices))


def loaded(
    runs: Given | Iterable[Given],
    metric: str | None,
    named: Sequence[Naming],
    logs: Reading,
    choices: Choices,
) -> tuple[Dataset, Choices]:
    """Loads the runs, and returns them with `choices` that name the metric.

    A `metric` of None leaves the metric to what the runs have.

    Raises:
        InputError: The runs cannot be read.
    """
    dataset = load_checked(runs, None if metric is None else [metric], named, logs, choose_metric=metric is None)
    return dataset, replace(choices, metric=dataset.metric)
