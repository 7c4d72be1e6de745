"""What the pages take from the repository instead of repeating it.

`{{ section PATH#heading }}` is the text below a heading of a Markdown file, up to the next heading of its level.
`{{ intro PATH }}` is the text below the title of a Markdown file, up to its first heading.
`{{ source PATH NAME }}` is a class, function or method of a Python file, as it is written there.
`{{ settings }}` is a table of the keys of each group of settings.
Relative links and pictures of a section keep their targets: a page of the site, or a file of the repository.
"""

import ast
import posixpath
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging

from _extensions import settings

logger = logging.getLogger(__name__)
ROOT = Path(__file__).parents[2]
DIRECTIVE = re.compile(r"^\{\{ (\w+) ?(\S*) ?(\S*) \}\}$", re.MULTILINE)
FENCE = re.compile(r"^(`{3,}|~{3,})", re.MULTILINE)
LINK = re.compile(r"(?<!\\)(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
PICTURES = (".png", ".svg", ".gif")

HOME = {
    "README.md": "index.md",
    "analysis/README.md": "report.md",
    "analysis/readers/README.md": "logs.md",
    "algos/README.md": "variants.md",
    "sweeps/README.md": "sweeps.md",
    "sweeps/STUDIES.md": "study.md",
    "figures/post/README.md": "post.md",
    "figures/published/README.md": "published.md",
    "figures/benchmark/README.md": "benchmark.md",
}
"""The page of the site that stands for each Markdown file of the repository."""

ELSEWHERE = {
    "algos/README.md#write-one": "add-a-variant.md#write-one",
    "algos/README.md#networks": "add-a-variant.md#networks",
}
"""Sections that are on another page than the rest of their file."""


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", fill)
    return {"parallel_read_safe": True}


def fill(app: Sphinx, page: str, content: list[str]) -> None:
    """Fills in the directives of a page."""
    content[0] = DIRECTIVE.sub(filled, content[0])


def filled(match: re.Match[str]) -> str:
    kind, path, name = match.groups()
    if kind == "settings":
        return settings.tables()
    if kind == "source":
        return f"```python\n{source(path, name)}\n```\n\nFrom `{path}`."
    path, _, heading = path.partition("#")
    if kind == "intro":
        return relinked(intro(path), path)
    if kind == "section":
        return relinked(section(path, heading), path)
    raise ExtensionError(f"{match[0]}: expected: section, intro, source or settings")


def slug(heading: str) -> str:
    """A heading's anchor, as GitHub and MkDocs make it."""
    return re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", heading.replace("`", "")).strip().lower())


def headings(text: str) -> list[tuple[int, int, str]]:
    """(offset, level, anchor) of each heading outside of code blocks."""
    found, fence, offset = [], "", 0
    for line in text.splitlines(keepends=True):
        if opened := FENCE.match(line):
            fence = "" if fence and opened[1].startswith(fence) else fence or opened[1]
        elif not fence and (match := re.match(r"(#+) (.*)", line)):
            found.append((offset, len(match[1]), slug(match[2])))
        offset += len(line)
    return found


def section(path: str, anchor: str) -> str:
    """The text below a heading of a file, without the heading; without an anchor all that follows the title."""
    text = (ROOT / path).read_text(encoding="utf-8")
    known = headings(text)
    for start, level, name in known:
        if name == anchor or (not anchor and level == 1):
            end = min((each for each, depth, _ in known if each > start and depth <= level), default=len(text))
            return text[text.index("\n", start) : end].strip()
    raise ExtensionError(f"{path} has no heading #{anchor}; expected: one of {', '.join(name for *_, name in known)}")


def intro(path: str) -> str:
    """The text between the title of a file and its first heading."""
    text = (ROOT / path).read_text(encoding="utf-8")
    (title, *_), (end, *_) = headings(text)[:2]
    return text[text.index("\n", title) : end].strip()


def source(path: str, name: str) -> str:
    """The lines of `Class`, `function` or `Class.method` of a Python file, not indented."""
    text = (ROOT / path).read_text(encoding="utf-8")
    node: Any = ast.parse(text)
    for part in name.split("."):
        node = next((each for each in node.body if getattr(each, "name", None) == part), None)
        if node is None:
            raise ExtensionError(f"{path} has no {name}; expected: a class, function or method that it defines")
    lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
    return "\n".join(line[node.col_offset :] for line in lines)


def relinked(text: str, path: str) -> str:
    """`text` of the file at `path` with links as they are from `docs/`.

    Pictures stay where they are. Files that are no page are named without a link, as the site may be read anywhere.
    """

    def changed(match: re.Match[str]) -> str:
        picture, label, target = match.groups()
        if re.match(r"[a-z]+:", target):
            return match[0]
        file, _, anchor = target.partition("#")
        file = posixpath.normpath(posixpath.join(posixpath.dirname(path), file)) if file else path
        here = f"{file}#{anchor}" if anchor else file
        if not (ROOT / file).exists():
            logger.warning(f"{path}: a link to {target}, which does not exist")
            return label
        if here in ELSEWHERE:
            return f"[{label}]({ELSEWHERE[here]})"
        if file in HOME:
            return f"[{label}]({HOME[file]}{'#' * bool(anchor)}{anchor})"
        if picture or file.endswith(PICTURES):
            return f"{picture}[{label}](../{file})"
        return label if label.startswith("`") or file in label else f"{label} (`{file}`)"

    return LINK.sub(changed, text)
