"""The command `seedbed export`: writes runs of seedbed and of other programs in common formats."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from analysis.choices import METRIC, Choices
from analysis.comparison import loaded
from analysis.log_options import add_logs, preview, reading_of
from analysis.readers import Given
from analysis.references import Reference, read
from analysis.results import scored
from analysis.run_format import InputError
from analysis.runs.dataset import reading
from analysis.runs.variants import namings
from analysis.scores import LAST
from analysis.writers import WRITERS, score_arrays


def rliable_arrays(
    runs: Given | Sequence[Given],
    *,
    metric: str | None = None,
    score: str = "final",
    last: float = LAST,
    variants: str | Mapping[str, str] | None = None,
    pattern: str | Sequence[str] = (),
    column: Mapping[str, str] | None = None,
    references: str | Path | Mapping[str, Reference] | None = None,
    lower_is_better: bool = False,
) -> dict[str, np.ndarray]:
    """Normalised scores [runs, tasks] by variant, as rliable takes them. Tasks are sorted by name.

    The arguments are those of compare.

    Raises:
        InputError: The runs cannot be read, a task has no scale, or a variant has not as many seeds on each task.
    """
    found = references if isinstance(references, Mapping) else read(Path(references)) if references else {}
    choices = Choices(
        metric=metric or METRIC, score=score, last=last, references=found, lower_is_better=lower_is_better
    )
    dataset, choices = loaded(runs, metric, namings(variants), reading(pattern, column), choices)
    return score_arrays(scored(dataset, choices))


def parser() -> argparse.ArgumentParser:
    from analysis.command import named, share

    result = argparse.ArgumentParser(
        prog="seedbed export",
        description="Write runs of seedbed, or logs of other programs, as a table (csv, parquet), as marl-eval's JSON, "
        "or as the score arrays that rliable takes. seedbed compare reads all of these, with the same verdict.",
    )
    result.add_argument("runs", nargs="+", metavar="RUNS", help="as in seedbed compare")
    result.add_argument("--to", choices=WRITERS, help="the format")
    result.add_argument("--out", type=Path, metavar="FILE", help="the file to write")
    add_logs(result)
    result.add_argument("--metric", metavar="COLUMN", help="what to export (default: the return)")
    result.add_argument(
        "--variant", type=named, action="append", default=[], metavar="KEY|NAME=PATTERN", help="as in seedbed compare"
    )
    scores = result.add_argument_group("scores, for rliable")
    scores.add_argument(
        "--score", default="final", metavar="SCORE", help="as in seedbed compare (default: %(default)s)"
    )
    scores.add_argument(
        "--last", type=share, default=LAST, metavar="SHARE", help="as in seedbed compare (default: %(default)s)"
    )
    scores.add_argument("--references", type=Path, metavar="FILE", help="as in seedbed compare")
    scores.add_argument("--lower-is-better", action="store_true", help="as in seedbed compare")
    return result


def export(arguments: argparse.Namespace) -> None:
    if arguments.preview:
        print(*preview(arguments.runs, reading_of(arguments)), sep="\n")
        return
    for name in ("to", "out"):
        if getattr(arguments, name) is None:
            raise InputError(f"--{name} is missing; expected: --to {'|'.join(WRITERS)} --out FILE")
    choices = Choices(
        metric=arguments.metric or METRIC,
        score=arguments.score,
        last=arguments.last,
        references=read(arguments.references) if arguments.references else {},
        lower_is_better=arguments.lower_is_better,
    )
    dataset, choices = loaded(arguments.runs, arguments.metric, arguments.variant, reading_of(arguments), choices)
    for sentence in dataset.warnings:
        print(f"Note: {sentence}")
    writer = WRITERS[arguments.to]
    out = arguments.out if arguments.out.suffix == writer.suffix else Path(f"{arguments.out}{writer.suffix}")
    files = writer.files(dataset, choices, out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            path.write_bytes(content)
            print(path)
    except OSError as error:
        raise InputError(f"{out}: {error.strerror}; expected: --out FILE that can be written") from None


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(sys.argv[1:] if argv is None else list(argv))
    try:
        export(arguments)
    except InputError as error:
        print(f"seedbed export: {error}", file=sys.stderr)
        return 2
    return 0
