"""The frame of a page: one HTML file with its style, and figures as SVG in the colors of the page."""

import html
import re

from analysis.plots.style import COLORS, GRID, INK, ON_DARK, THIN_ON_DARK, THIN_ON_WHITE

LIGHT = "".join(f" --c{i}: {color};" for i, color in enumerate(COLORS))
DARK = "".join(f" --c{i}: {color};" for i, color in enumerate(ON_DARK))

INKS = f"""
  --paper: #ffffff; --ink: {INK}; --soft: #5c5c63; --grid: {GRID}; --box: #f4f4f5; --mark: #fdeebf;
  --thin: {THIN_ON_WHITE}; --told: #0072b2; --same: #00805c; --open: #8a8a8a;{LIGHT}
"""
INKS_ON_DARK = f"""
  --paper: #17171a; --ink: #e8e8ea; --soft: #a9a9b1; --grid: #3b3b41; --box: #222226; --mark: #5a4a12;
  --thin: {THIN_ON_DARK}; --told: #4da9e6; --same: #2bc79a; --open: #8a8a8a;{DARK}
"""

PARTS = """
h1 { font-size: 1.6rem; line-height: 1.2; margin: 1rem 0 .25rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; border-top: 1px solid var(--grid); padding-top: 1rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p, li { max-width: 46rem; }
.soft { color: var(--soft); }
.verdicts { list-style: none; padding: 0; }
.verdicts li { margin: .5rem 0; padding: .5rem .75rem; border-left: 4px solid var(--open); background: var(--box); }
.verdicts li.told { border-color: var(--told); }
.verdicts li.same { border-color: var(--same); }
.warnings { padding: .5rem .75rem .5rem 1.75rem; background: var(--mark); max-width: 46rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: 1.5rem;
  align-items: start; margin-top: 1.25rem; }
figure { margin: 0; break-inside: avoid; }
figure.panels { grid-column: 1 / -1; }
figure svg { display: block; width: 100%; height: auto; max-width: 30rem; }
.panels svg:first-child:not(:only-child) { grid-column: 1 / -1; max-width: 40rem; }
figcaption { font-size: .85rem; color: var(--soft); max-width: 46rem; }
figcaption b { color: var(--ink); }
.wide { overflow-x: auto; background: linear-gradient(90deg, var(--paper) 30%, transparent) left / 3rem 100% local,
  linear-gradient(270deg, var(--paper) 30%, transparent) right / 3rem 100% local,
  linear-gradient(90deg, var(--open), transparent) left / .6rem 100% scroll,
  linear-gradient(270deg, var(--open), transparent) right / .6rem 100% scroll; background-repeat: no-repeat; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; white-space: normal; vertical-align: bottom; min-width: 4.5rem;
  max-width: 9rem; }
th.word, td.word { text-align: left; }
td.mark { background: var(--mark); }
pre { overflow-x: auto; padding: .75rem; background: var(--box); font-size: .85rem; white-space: pre-wrap; }
summary { cursor: pointer; }
"""

STYLE = f"""
:root {{ color-scheme: light dark; {INKS} }}
@media (prefers-color-scheme: dark) {{ :root {{ {INKS_ON_DARK} }} }}
body {{ margin: 0 auto; padding: 1rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 76rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word; }}
{PARTS}
@media (max-width: 60rem) {{ .many::before {{ content: "This table scrolls sideways →"; position: sticky; left: 0;
  font-size: .8rem; color: var(--soft); }} }}
@page {{ margin: 1.2cm; }}
@media print {{ :root {{ {INKS} --ink: #000000; --soft: #444444; }}
  body {{ font-size: 10pt; max-width: none; padding: 0; }} figure.panels {{ break-inside: auto; }}
  .figures {{ grid-template-columns: 1fr 1fr; }} figure svg {{ max-height: 16rem; }}
  .panels .figures {{ grid-template-columns: 1fr 1fr 1fr; gap: .75rem; }}
  .wide {{ background: none; overflow: visible; }} .many::before {{ content: none; }} table {{ font-size: 7pt; }}
  th, td {{ white-space: normal; padding: .1rem .25rem; }} th {{ min-width: 0; }} h2 {{ break-after: avoid; }}
  details::details-content {{ content-visibility: visible; }} }}
"""


def notebook_part(body: str) -> str:
    """`body` as the output of a notebook cell, on white paper. Its style does not affect the notebook."""
    frame = f".seedbed {{ {INKS} background: var(--paper); color: var(--ink); padding: .5rem 1rem; {PARTS} }}"
    return f'<div class="seedbed"><style>{frame}</style>{body}</div>'


def page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{html.escape(title)}</title><link rel="icon" href="data:,"><style>{STYLE}</style></head>\n'
        f"<body>\n{body}\n</body></html>\n"
    )


THIN = f"stroke-opacity: {THIN_ON_WHITE}"
"""The opacity of the lines of single seeds, as it stands in an SVG file."""


def inline_svg(content: bytes, name: str, title: str) -> str:
    """An SVG file as an element: in the page's inks, as wide as its place, with ids of its own, to 1/100 point."""
    text = content.decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', "<svg \\1>", text, count=1)
    text = re.sub(r'(?<= d=")[^"]*', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), text)
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", text).replace("xlink:href", "href")
    text = text.replace(INK, "var(--ink)").replace(GRID, "var(--grid)").replace(THIN, "stroke-opacity: var(--thin)")
    for number, color in enumerate(COLORS):
        text = text.replace(color.lower(), f"var(--c{number})")
    return text.replace("<svg ", f'<svg role="img" aria-label="{html.escape(title)}" ', 1)
