"""The part of the report about variants of which only means are known."""

from analysis.aggregates import CAVEAT
from analysis.numbers import interval, number
from analysis.report.tables import Cells, html_table
from analysis.results import Results


def aggregate_cells(comparison: Results) -> Cells:
    """One row per task and variant: those without seeds, and on the same tasks those with seeds."""
    cells: Cells = [["task", "variant", "from", "seeds", "mean", "deviation"]]
    for row in comparison.with_aggregates.sort_values(["task", "variant"]).to_dict("records"):
        source = str(row["file"]) or "the runs above"
        facts = [str(row["task"]), str(row["variant"]), source]
        cells.append([*facts, str(row["n"]), number(row["mean"]), number(row["std"])])
    return cells


def aggregate_pair_cells(comparison: Results) -> Cells:
    cells: Cells = [["task", "first", "second", "difference", "95% interval, if scores are normal", "seeds"]]
    for row in comparison.aggregate_pairs.to_dict("records"):
        words = [str(row["env_id"]), str(row["a"]), str(row["b"]), number(row["difference"])]
        cells.append(
            [*words, interval(row["difference_low"], row["difference_high"]), f"{row['n_a']} and {row['n_b']}"]
        )
    return cells


def aggregates_html(comparison: Results) -> list[str]:
    """This part of the page. Empty if every variant has seeds."""
    if not len(comparison.with_aggregates):
        return []
    parts = ["<h2>Only means are known</h2>", f"<p>{CAVEAT}</p>"]
    parts.append(html_table(aggregate_cells(comparison), words=3))
    if len(comparison.aggregate_pairs):
        parts.append(html_table(aggregate_pair_cells(comparison), words=3))
    return parts
