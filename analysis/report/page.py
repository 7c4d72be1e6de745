"""The frame of the report: one HTML file with its style, and figures as SVG that follows the page's colours."""

import html
import re

from analysis.plots.style import GRID, INK

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1a1a1b; --soft: #5c5c63; --grid: #d9d9dc; --box: #f4f4f5;
  --mark: #fdeebf; }
@media (prefers-color-scheme: dark) { :root { --paper: #17171a; --ink: #e8e8ea; --soft: #a3a3ab; --grid: #3b3b41;
  --box: #222226; --mark: #5a4a12; } }
body { margin: 0 auto; padding: 1rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 76rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 1rem 0 .25rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; border-top: 1px solid var(--grid); padding-top: 1rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p, li { max-width: 46rem; }
.soft { color: var(--soft); }
.verdicts { list-style: none; padding: 0; }
.verdicts li { margin: .5rem 0; padding: .5rem .75rem; border-left: 4px solid var(--grid); background: var(--box); }
.verdicts li.told { border-color: #0072b2; }
.warnings { padding: .5rem .75rem .5rem 1.75rem; background: var(--mark); max-width: 46rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: 1.5rem;
  align-items: start; }
figure { margin: 0; break-inside: avoid; }
figure.panels { grid-column: 1 / -1; }
figure svg { display: block; width: 100%; height: auto; max-width: 30rem; }
figcaption { font-size: .85rem; color: var(--soft); max-width: 46rem; }
figcaption b { color: var(--ink); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: left; border-bottom: 1px solid var(--grid); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; }
td.mark { background: var(--mark); }
pre { overflow-x: auto; padding: .75rem; background: var(--box); font-size: .85rem; white-space: pre-wrap; }
summary { cursor: pointer; }
@media print { :root { --paper: #ffffff; --ink: #000000; --soft: #444444; --grid: #cccccc; --box: #f4f4f4;
  --mark: #f4ecd0; } body { font-size: 10pt; max-width: none; padding: 0; }
  .figures { grid-template-columns: 1fr 1fr; } th, td { white-space: normal; padding: .15rem .3rem; }
  table { font-size: 8pt; } h2 { break-after: avoid; } details::details-content { content-visibility: visible; } }
"""


def page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{html.escape(title)}</title><link rel="icon" href="data:,"><style>{STYLE}</style></head>\n'
        f"<body>\n{body}\n</body></html>\n"
    )


def inline_svg(content: bytes, name: str, title: str) -> str:
    """An SVG file as an element: in the page's inks, as wide as its place, with ids of its own, to 1/100 point."""
    text = content.decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', "<svg \\1>", text, count=1)
    text = re.sub(r'(?<= d=")[^"]*', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), text)
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", text).replace("xlink:href", "href")
    text = text.replace(INK, "var(--ink)").replace(GRID, "var(--grid)")
    return text.replace("<svg ", f'<svg role="img" aria-label="{html.escape(title)}" ', 1)
