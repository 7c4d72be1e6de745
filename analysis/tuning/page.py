"""A page of text, tables and figures: as one HTML file, and as Markdown beside its figures."""

import html
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from analysis.plots.canvas import Figure, encode
from analysis.plots.style import use_style
from analysis.report.page import page
from analysis.report.sections import figure_html, items
from analysis.report.tables import Cells, html_table, markdown


@dataclass(frozen=True)
class Items:
    """Sentences in a list."""

    sentences: Sequence[str]


@dataclass(frozen=True)
class Table:
    """A heading row and rows of cells. The first `words` columns hold words."""

    cells: Cells
    words: int = 1


Block = str | Items | Table | Figure


@dataclass(frozen=True)
class Section:
    """A heading and the blocks below it."""

    title: str
    blocks: list[Block] = field(default_factory=list)


def figures_of(sections: Sequence[Section]) -> list[Figure]:
    return [block for section in sections for block in section.blocks if isinstance(block, Figure)]


def as_html(title: str, sections: Sequence[Section]) -> str:
    """The page as HTML, with its figures inside."""
    parts = [f"<h1>{html.escape(title)}</h1>"]
    for section in sections:
        parts.append(f"<h2>{html.escape(section.title)}</h2>" if section.title else "")
        for drawn, blocks in itertools.groupby(section.blocks, lambda block: isinstance(block, Figure)):
            inside = "".join(map(_html, blocks))
            parts.append(f'<div class="figures">{inside}</div>' if drawn else inside)
    return page(title, "".join(parts))


def _html(block: Block) -> str:
    if isinstance(block, Figure):
        return figure_html(block)
    if isinstance(block, Items):
        return items(block.sentences)
    if isinstance(block, Table):
        return html_table(block.cells, words=block.words)
    return f"<p>{html.escape(block)}</p>"


def as_markdown(title: str, sections: Sequence[Section]) -> str:
    """The page as Markdown. Its figures are PNG files beside it."""
    parts = [f"# {title}"]
    for section in sections:
        parts += [f"## {section.title}"] if section.title else []
        parts += [_markdown(block) for block in section.blocks]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _markdown(block: Block) -> str:
    if isinstance(block, Figure):
        return f"![{block.title}]({block.name}.png)"
    if isinstance(block, Items):
        return "\n".join(f"- {each}" for each in block.sentences)
    if isinstance(block, Table):
        return markdown(block.cells)
    return block


def pictures(sections: Sequence[Section]) -> dict[str, bytes]:
    """The figures as PNG files, by name."""
    with use_style():
        return {f"{figure.name}.png": encode(figure, "png") for figure in figures_of(sections)}
