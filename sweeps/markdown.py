"""Markdown tables for the pages of this repository."""

from collections.abc import Sequence

from analysis.report.tables import markdown


def markdown_table(rows: Sequence[Sequence[str]], heading: Sequence[str]) -> str:
    """A Markdown table, without a line break at its end."""
    return markdown([list(heading), *map(list, rows)]).rstrip("\n")
