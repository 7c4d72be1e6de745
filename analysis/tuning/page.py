"""A page of text, tables and figures, as HTML in one file and as Markdown beside its figures."""

import html
from collections.abc import Sequence
from dataclasses import dataclass, field

from analysis.plots.canvas import Figure, encode, save
from analysis.plots.style import use_style
from analysis.report.page import inline_svg, page
from analysis.report.tables import Cells, html_table, markdown


@dataclass(frozen=True)
class Items:
    """Sentences that stand one below the other."""

    sentences: Sequence[str]


@dataclass(frozen=True)
class Table:
    """A heading row and rows of cells; the first `words` columns hold words."""

    cells: Cells
    words: int = 1


Block = str | Items | Table | Figure


@dataclass(frozen=True)
class Section:
    """A heading and what is below it."""

    title: str
    blocks: list[Block] = field(default_factory=list)


def figures_of(sections: Sequence[Section]) -> list[Figure]:
    return [block for section in sections for block in section.blocks if isinstance(block, Figure)]


def as_html(title: str, sections: Sequence[Section]) -> str:
    """The page; its figures are in it."""
    parts = [f"<h1>{html.escape(title)}</h1>"]
    with use_style():
        for section in sections:
            parts.append(f"<h2>{html.escape(section.title)}</h2>" if section.title else "")
            inside = False  # of a grid of figures
            for block in section.blocks:
                if isinstance(block, Figure) != inside:
                    inside = not inside
                    parts.append("<div class=figures>" if inside else "</div>")
                parts.append(_html(block))
            parts.append("</div>" * inside)
    return page(title, "".join(parts))


def _html(block: Block) -> str:
    if isinstance(block, Figure):
        wide = " class=panels" if block.canvas.get_size_inches()[0] > 5 else ""
        drawn = inline_svg(save(block.canvas, "svg"), block.name, block.title)
        caption = f"<b>{html.escape(block.title)}.</b> {html.escape(block.caption)}"
        return f"<figure{wide}>{drawn}<figcaption>{caption}</figcaption></figure>"
    if isinstance(block, Items):
        return f"<ul>{''.join(f'<li>{html.escape(each)}</li>' for each in block.sentences)}</ul>"
    if isinstance(block, Table):
        return html_table(block.cells, words=block.words)
    return f"<p>{html.escape(block)}</p>"


def as_markdown(title: str, sections: Sequence[Section]) -> str:
    """The page; its figures are PNG files of their names, beside it."""
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
