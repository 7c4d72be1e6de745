"""Tables: as CSV, for a page (HTML), a README (Markdown) or a paper (LaTeX)."""

import html
import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.numbers import interval, number, p_value, steps

Cells = list[list[str]]


def csv(table: pd.DataFrame) -> bytes:
    """The table with six significant digits, one line per row. The same table gives the same bytes."""
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode()


def summary_cells(
    summary: pd.DataFrame, variants: Sequence[str], own: Sequence[str] = (), lower_is_better: bool = False
) -> Cells:
    """The summary as a paper's table: a heading row, then one row per variant (and task, if there are several).

    `own` are the names of the user's statistics.
    """
    several = summary["env_id"].nunique() > 1
    head = [
        *("variant", "seeds", "mean", "95% interval of the mean", "IQM", "95% interval of the IQM", "median"),
        *(
            "worst quarter",
            "80% of runs lie in (confidence)",
            "reached the threshold",
            "env steps until half reached it",
        ),
        *own,
    ]
    cells = [["task", *head] if several else head]
    for row in summary[summary["variant"].isin(variants)].to_dict("records"):
        line = [str(row["variant"]), seed_count(row)]
        if row["scored"]:
            for name in ("mean", "iqm"):
                line += [number(row[name]), interval(row[f"{name}_low"], row[f"{name}_high"])]
            line += [number(row["median"]), number(row["lower_tail"]), tolerance(row)]
            line.append(
                f"{row['reached']:.0f} of {row['scored']} {'≤' if lower_is_better else '≥'} {number(row['threshold'])}"
            )
            line.append(steps(row["median_time"]) if row["median_time"] == row["median_time"] else "–")
            line += [f"{number(row[name])} ({interval(row[f'{name}_low'], row[f'{name}_high'])})" for name in own]
        else:
            line += ["–"] * (len(head) - 2)
        cells.append([str(row["env_id"]), *line] if several else line)
    return cells


def tolerance(row: Mapping[Hashable, Any]) -> str:
    """The limits for 80% of runs, with the confidence that this number of seeds gives."""
    limits = interval(row["tolerance_low"], row["tolerance_high"])
    return f"{limits} ({row['tolerance_confidence']:.1%})"


def overall_cells(overall: pd.DataFrame, own: Sequence[str] = ()) -> Cells:
    """The summary of normalised scores, averaged over tasks."""
    head = ["variant", "runs", "mean", "95% interval of the mean", "IQM", "95% interval of the IQM", "median"]
    head += ["worst quarter", "optimality gap", "mean rank (95% interval)", *own]
    cells = [head]
    for row in overall.to_dict("records"):
        line = [str(row["variant"]), str(row["scored"])]
        for name in ("mean", "iqm"):
            line += [f"{row[name]:.3f}", f"{row[f'{name}_low']:.3f} to {row[f'{name}_high']:.3f}"]
        line += [f"{row[name]:.3f}" for name in ("median", "lower_tail", "optimality_gap")]
        if "mean_rank" in row:
            line.append(f"{row['mean_rank']:.2f} ({row['rank_low']:.2f} to {row['rank_high']:.2f})")
        else:
            line.append("–")
        line += [f"{row[name]:.3f} ({row[f'{name}_low']:.3f} to {row[f'{name}_high']:.3f})" for name in own]
        cells.append([minus(cell) for cell in line])
    return cells


def pair_cells(pairs: pd.DataFrame) -> Cells:
    """One row per task and pair: outcome, difference, effect sizes."""
    head = ["task", "first", "second", "outcome", "difference", "95% interval of the difference", "adjusted p"]
    head += ["Hedges' g (95% interval)", "P(first beats second)", "95% interval of P", "runs", "correlation over seeds"]
    cells = [head]
    for row in pairs.to_dict("records"):
        g = number(row["hedges_g"])
        if row["hedges_g_low"] == row["hedges_g_low"]:
            g += f" ({interval(row['hedges_g_low'], row['hedges_g_high'])})"
        line = [str(row["env_id"]), str(row["a"]), str(row["b"]), str(row["outcome"]), number(row["difference"])]
        line += [interval(row["difference_low"], row["difference_high"])]
        line += ["–" if row["adjusted_p"] != row["adjusted_p"] else p_value(row["adjusted_p"]).removeprefix("p = "), g]
        line += [f"{row['probability_of_improvement']:.2f}"]
        line += [interval(row["probability_low"], row["probability_high"]), f"{row['n_a']} and {row['n_b']}"]
        together = "–" if row["correlation"] != row["correlation"] else f"{row['correlation']:.2f}"
        line.append(minus(together + ", compared seed by seed" * bool(row["paired"])))
        cells.append(line)
    return cells


def minus(text: str) -> str:
    """The text with a typographic minus sign, as `number` has it."""
    return text.replace("-", "−") if text[:1] in "-0123456789" else text


def seed_count(row: Mapping[Hashable, Any]) -> str:
    """The number of seeds as text: "36", or "36 (2 failed, 1 unfinished)"."""
    states = [f"{row[name]} {name.replace('_', ' ')}" for name in ("failed", "unfinished", "no_rows") if row[name]]
    return f"{row['seeds']} ({', '.join(states)})" if states else str(row["seeds"])


def markdown(cells: Cells) -> str:
    """The table in Markdown: a heading row and the rows below it. Columns of numbers are aligned right."""
    head, *body = [[cell.replace("|", "\\|") for cell in row] for row in cells]
    numbers = [all(re.match(r"[-−+±<≥≤]?\s?[\d.–]", row[column]) for row in body) for column in range(len(head))]
    lines = [head, ["---:" if number else "---" for number in numbers], *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"≤": r"$\leq$", "≥": r"$\geq$", "−": "$-$", "–": "--", "∞": r"$\infty$"}
)


def latex(cells: Cells) -> str:
    """The table as a tabular for the booktabs package."""
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


def html_table(cells: Cells, marked: Sequence[Sequence[bool]] | None = None, words: int = 1) -> str:
    """The table in HTML. Where the page is narrow, it scrolls by itself, and a line says so.

    Args:
        cells: a heading row, then the rows.
        marked: which body cells are highlighted.
        words: number of first columns that hold words. The others hold numbers.
    """
    head, *body = cells

    def classes(column: int, mark: bool = False) -> str:
        names = ["word"] * (column < words) + ["mark"] * mark
        return f' class="{" ".join(names)}"' if names else ""

    wide = " many" if len(head) > 4 else ""
    lines = [f'<div class="wide{wide}" tabindex="0"><table><thead><tr>']
    lines += [f"<th{classes(column)}>{html.escape(cell)}</th>" for column, cell in enumerate(head)]
    lines.append("</tr></thead><tbody>")
    for number_of_row, row in enumerate(body):
        marks = marked[number_of_row] if marked else [False] * len(row)
        each = (
            f"<td{classes(column, mark)}>{html.escape(cell)}</td>"
            for column, (cell, mark) in enumerate(zip(row, marks, strict=True))
        )
        lines.append(f"<tr>{''.join(each)}</tr>")
    lines.append("</tbody></table></div>")
    return "".join(lines)
