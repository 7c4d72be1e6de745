"""Markdown for the pages that are committed."""

from collections.abc import Sequence


def markdown_table(rows: Sequence[Sequence[str]], heading: Sequence[str]) -> str:
    """A table of cells."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
