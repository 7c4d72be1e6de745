"""python -m analysis.compare RUN_DIR... --out DIR: how the seeds of each variant spread, in figures and tables."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.align import RULES, Task, align
from analysis.figures import Figure, encode, seeds_figure
from analysis.load import Dataset, load
from analysis.plots import X_LABELS
from analysis.runs import InputError
from analysis.style import colours, use_style


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="python -m analysis.compare",
        description="Compare the variants found in run directories: curves of all seeds and a summary, per task.",
    )
    result.add_argument("runs", nargs="+", metavar="RUN_DIR", help="a run directory, or a directory above several")
    result.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="where to write; made if it is not there"
    )
    result.add_argument(
        "--metric",
        default="episodic_return",
        metavar="COLUMN",
        help="column of progress.csv to compare (default: %(default)s; also post_return, policy_loss, ...)",
    )
    result.add_argument(
        "--x",
        choices=list(X_LABELS),
        default="env_steps",
        help="x axis of the curves of all seeds (default: %(default)s)",
    )
    result.add_argument(
        "--last",
        type=positive,
        default=10,
        metavar="K",
        help="a final score is the mean of the last K points (default: %(default)s)",
    )
    return result


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def summary(task: Task, seeds: pd.DataFrame, last: int) -> pd.DataFrame:
    rows = []
    for variant, aligned in task.variants.items():
        states = seeds.loc[seeds["variant"] == variant, "state"].value_counts()
        final = aligned.values[aligned.scored, -last:].mean(axis=1)
        q1, median, q3 = np.quantile(final, [0.25, 0.5, 0.75])
        rows.append(
            {
                "env_id": task.env_id,
                "variant": variant,
                "seeds": int(states.sum()),
                "scored": len(final),
                "failed": int(states.get("failed", 0)),
                "unfinished": int(states.get("unfinished", 0)),
                "no_rows": int(states.get("no rows", 0)),
                "env_steps": int(task.grid[-1]),
                "median": median,
                "first_quartile": q1,
                "third_quartile": q3,
                "mean": final.mean(),
                "min": final.min(),
                "max": final.max(),
            }
        )
    return pd.DataFrame(rows)


def count_text(seeds: pd.DataFrame) -> str:
    """How many seeds there are, and how many of them did not end well."""
    states = seeds["state"].value_counts()
    words = [f"n={len(seeds)}"]
    words += [f"{states[state]} {state}" for state in ("failed", "unfinished", "no rows") if state in states]
    return ", ".join(words)


def draw(dataset: Dataset, metric: str, x: str) -> list[Figure]:
    colors = colours(sorted(set(dataset.seeds["variant"])))
    figures = []
    for env_id, frame in dataset.frame.groupby("env_id", observed=True):
        of_task = dataset.seeds[dataset.seeds["env_id"] == env_id]
        counts = {str(variant): count_text(group) for variant, group in of_task.groupby("variant")}
        present = {variant: colors[variant] for variant in counts if (frame["variant"] == variant).any()}
        figures.append(seeds_figure(frame, counts, present, metric, x))
    return figures


def run(arguments: argparse.Namespace) -> None:
    dataset = load(arguments.runs, [arguments.metric])
    tasks = [align(frame, arguments.metric) for _, frame in dataset.frame.groupby("env_id", observed=True)]
    with use_style():
        figures = draw(dataset, arguments.metric, arguments.x)
        outputs = {f"{drawn.name}.{suffix}": encode(drawn, suffix) for drawn in figures for suffix in ("png", "svg")}
    tables = [
        summary(task, dataset.seeds[dataset.seeds["env_id"] == task.env_id], arguments.last) for task in tasks if task
    ]
    table = pd.concat(tables)
    outputs["summary.csv"] = table.to_csv(index=False, float_format="%.6g").encode()
    write(arguments.out, outputs)
    for sentence in (*dataset.warnings, *RULES):
        print(sentence)
    print(table.to_string(index=False, float_format="{:.4g}".format))
    for drawn in figures:
        print(arguments.out / f"{drawn.name}.png")


def write(out: Path, outputs: dict[str, bytes]) -> None:
    """Writes `outputs` into `out`. Raises InputError if that cannot be done."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in outputs.items():
            (out / name).write_bytes(content)
    except OSError as error:
        raise InputError(f"{error.filename or out}: {error.strerror}; --out must be a directory to write to") from None


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    try:
        run(arguments)
    except InputError as error:
        print(f"analysis.compare: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
