"""Make the tables of a study from its runs: the scores of trials and the scores on fresh seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.choices import Choices
from analysis.run_format import INFO
from analysis.tuning.scoring import filled, run_scores
from sweeps.files import replace_file
from sweeps.tune.options import Options


def choices_of(options: Options) -> Choices:
    """How runs are scored."""
    return Choices(metric=options.metric, score=options.score, lower_is_better=options.lower_is_better)


def score_rows(directory: Path, choices: Choices, seeds: Sequence[int], **facts: Any) -> list[dict[str, Any]]:
    """One row per seed of a run: ``facts``, then its score; the scores of a run that never began are missing."""
    if (directory / INFO).exists() and (directory / "progress.csv").exists():
        table = run_scores(directory, choices)
    else:
        table = pd.DataFrame({"seed": list(seeds), "score": float("nan"), "failed": True})
    return [facts | {str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def with_numbers(table: pd.DataFrame, choices: Choices) -> pd.DataFrame:
    """Replace missing scores by the worst score of the task."""
    references = choices.known_references
    parts = []
    for env_id, rows in table.groupby("env_id", sort=False):
        low = references[str(env_id)].low if str(env_id) in references else None
        parts.append(rows.assign(score=filled(rows["score"], choices.lower_is_better, low)))
    return pd.concat(parts, ignore_index=True) if parts else table


def write_table(directory: Path, name: str, table: pd.DataFrame) -> None:
    """Write a table of the study, with ten digits of every number."""
    replace_file(directory / name, table.to_csv(index=False, float_format="%.10g", lineterminator="\n").encode())


def trials_table(rows: Sequence[Mapping[str, Any]], choices: Choices) -> pd.DataFrame:
    """``trials.csv``."""
    leading = ["variant", "env_id", "trial", "seed", "score", "failed"]
    table = with_numbers(pd.DataFrame(rows), choices)
    return table[[*leading, *sorted(set(table.columns) - set(leading))]]


def fresh_table(rows: Sequence[Mapping[str, Any]], choices: Choices) -> pd.DataFrame:
    """``fresh.csv``."""
    columns = ["variant", "origin", "env_id", "seed", "score", "failed"]
    return with_numbers(pd.DataFrame(rows, columns=columns), choices)
