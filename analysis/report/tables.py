"""The summary as CSV, and as a table for a page (HTML), a README (Markdown) or a paper (LaTeX)."""

import html
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.numbers import interval, number, steps

Cells = list[list[str]]


def csv(table: pd.DataFrame) -> bytes:
    """Six significant digits, one line per row; the same table gives the same bytes."""
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode()


def summary_cells(summary: pd.DataFrame, variants: Sequence[str]) -> Cells:
    """A heading row, then one row per variant (and task, if there are several): what a paper's table says."""
    several = summary["env_id"].nunique() > 1
    head = [
        "variant",
        "seeds",
        "mean",
        "95% interval",
        "IQM",
        "95% interval",
        "median",
        "80% of runs",
        "reached",
        "median steps",
    ]
    cells = [["task", *head] if several else head]
    for row in summary[summary["variant"].isin(variants)].to_dict("records"):
        line = [str(row["variant"]), seed_count(row)]
        if row["scored"]:
            for name in ("mean", "iqm"):
                line += [number(row[name]), interval(row[f"{name}_low"], row[f"{name}_high"])]
            line += [number(row["median"]), interval(row["tolerance_low"], row["tolerance_high"])]
            reached = f"{row['reached']:.0f}/{row['scored']} ≥ {number(row['threshold'])}"
            line += [reached, steps(row["median_time"]) if row["median_time"] == row["median_time"] else "–"]
        else:
            line += ["–"] * (len(head) - 2)
        cells.append([str(row["env_id"]), *line] if several else line)
    return cells


def overall_cells(overall: pd.DataFrame) -> Cells:
    """The same for normalised scores over all tasks."""
    cells = [["variant", "runs", "mean", "95% interval", "IQM", "95% interval", "median", "optimality gap"]]
    for row in overall.to_dict("records"):
        line = [str(row["variant"]), str(row["scored"])]
        for name in ("mean", "iqm"):
            line += [f"{row[name]:.3f}", f"{row[f'{name}_low']:.3f} to {row[f'{name}_high']:.3f}"]
        cells.append([*line, f"{row['median']:.3f}", f"{row['optimality_gap']:.3f}"])
    return cells


def seed_count(row: Mapping[Hashable, Any]) -> str:
    """36, or 36 (2 failed, 1 unfinished)."""
    states = [f"{row[name]} {name.replace('_', ' ')}" for name in ("failed", "unfinished", "no_rows") if row[name]]
    return f"{row['seeds']} ({', '.join(states)})" if states else str(row["seeds"])


def markdown(cells: Cells) -> str:
    head, *body = [[cell.replace("|", "\\|") for cell in row] for row in cells]
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"≥": r"$\geq$", "−": "$-$", "–": "--", "∞": r"$\infty$"}
)


def latex(cells: Cells) -> str:
    """A tabular for the booktabs package."""
    head, *body = [" & ".join(cell.translate(LATEX) for cell in row) + r" \\" for row in cells]
    columns = "l" + "r" * (len(cells[0]) - 1)
    lines = [
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def html_table(cells: Cells, marked: Sequence[Sequence[bool]] | None = None) -> str:
    """A table that scrolls on its own where the page is narrow; `marked` body cells are set off."""
    head, *body = cells
    lines = ["<div class=wide><table><thead><tr>"]
    lines += [f"<th>{html.escape(cell)}</th>" for cell in head]
    lines.append("</tr></thead><tbody>")
    for number_of_row, row in enumerate(body):
        marks = marked[number_of_row] if marked else [False] * len(row)
        each = (f"<td{' class=mark' * mark}>{html.escape(cell)}</td>" for cell, mark in zip(row, marks, strict=True))
        lines.append(f"<tr>{''.join(each)}</tr>")
    lines.append("</tbody></table></div>")
    return "".join(lines)
