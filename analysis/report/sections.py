"""The report: one self-contained HTML page, the verdict first."""

import html
from collections import Counter
from collections.abc import Mapping, Sequence

from analysis.alignment import RULES
from analysis.comparison import Comparison
from analysis.dataset import spans
from analysis.numbers import steps
from analysis.pairs import verdict
from analysis.plots.axes import describe
from analysis.plots.canvas import Figure, save
from analysis.report.page import inline_svg, page
from analysis.report.tables import Cells, html_table, overall_cells, summary_cells
from analysis.statistics.multiplicity import LEVEL
from analysis.summary import ALL_TASKS
from analysis.variants import numbered_variants, settings_table

VERDICTS_SHOWN = 12


def report(comparison: Comparison, figures: Mapping[str, Sequence[Figure]], command: str) -> str:
    """The page. `figures` are by task (ALL_TASKS for those over all); `command` is what the user typed."""
    tasks = sorted(set(comparison.dataset.seeds["env_id"]))
    title = f"{', '.join(comparison.shown) or 'no variant'} on {', '.join(tasks)}"
    parts = [f"<h1>{html.escape(title)}</h1>", intro(comparison), warnings(comparison.warnings), verdicts(comparison)]
    if ALL_TASKS in figures:
        parts += ["<h2>All tasks</h2>", html_table(overall_cells(comparison.overall)), gallery(figures[ALL_TASKS])]
    for env_id in comparison.tasks:
        summary = comparison.summary[comparison.summary["env_id"] == env_id]
        parts += [f"<h2>{html.escape(env_id)}</h2>", html_table(summary_cells(summary, comparison.shown))]
        parts += [score_note(comparison, env_id), gallery(figures[env_id])]
    parts += ["<h2>How runs are compared</h2>", items(RULES), "<h2>What was run</h2>", *differences(comparison)]
    parts += [run_list(comparison), "<h2>Command</h2>", f"<pre>{html.escape(command)}</pre>"]
    return page(title, "\n".join(parts))


def items(sentences: Sequence[str], name: str = "") -> str:
    attribute = f' class="{name}"' if name else ""
    return f"<ul{attribute}>{''.join(f'<li>{html.escape(sentence)}</li>' for sentence in sentences)}</ul>"


def intro(comparison: Comparison) -> str:
    dataset, choices = comparison.dataset, comparison.choices
    text = (
        f"{len(dataset.runs)} runs, {len(dataset.seeds)} seeds, {dataset.seeds['variant'].nunique()} variants; "
        f"{describe(choices.metric)} of {len(dataset.frame):,} iterations."
    )
    return f'<p class="soft">{html.escape(text)}</p>'


def warnings(sentences: Sequence[str]) -> str:
    return f"<h3>Note</h3>{items(sentences, 'warnings')}" if sentences else ""


def verdicts(comparison: Comparison) -> str:
    """A sentence per pair: over all tasks first; what can be told apart before what cannot. The rest is folded."""
    pairs = comparison.pairs
    if not len(pairs):
        return ""
    order = pairs.assign(task=pairs["env_id"] != ALL_TASKS).sort_values(["task", "env_id", "adjusted_p"], kind="stable")
    lines = []
    for _, row in order.iterrows():
        kind = "told" if row["adjusted_p"] <= LEVEL else "open"
        lines.append(f'<li class="{kind}">{html.escape(verdict(row, comparison.choices.score))}</li>')
    text = f'<ul class="verdicts">{"".join(lines[:VERDICTS_SHOWN])}</ul>'
    if len(lines) > VERDICTS_SHOWN:
        rest = f'<ul class="verdicts">{"".join(lines[VERDICTS_SHOWN:])}</ul>'
        text += f"<details><summary>{len(lines) - VERDICTS_SHOWN} more pairs</summary>{rest}</details>"
    tested = int(pairs["p_uncorrected"].notna().sum())
    note = (
        "Differences of means with 95% intervals, each pair by itself; p from t and permutation "
        f"tests, adjusted for the {tested} pairs of this page."
    )
    numbered = numbered_variants(comparison.dataset.runs, comparison.dataset.variants)
    legend = [f"{variant}: {settings}" for variant, settings in numbered.items() if variant in comparison.shown]
    return f'<h2>Verdict</h2>{text}{items(legend) if legend else ""}<p class="soft">{html.escape(note)}</p>'


def score_note(comparison: Comparison, env_id: str) -> str:
    task = comparison.tasks[env_id]
    confidence = comparison.summary.loc[comparison.summary["env_id"] == env_id, "tolerance_confidence"].min()
    text = (
        f"{comparison.choices.score_text}, up to {steps(task.grid[-1])} env steps. “80% of runs”: the limits between "
        f"which at least 80% of runs end, with {confidence:.1%} confidence. “Reached”: seeds that got to the threshold."
    )
    return f'<p class="soft">{html.escape(text[0].upper() + text[1:])}</p>'


def gallery(figures: Sequence[Figure]) -> str:
    each = []
    for figure in figures:
        canvases = figure.parts or [figure.canvas]
        drawings = [
            inline_svg(save(canvas, "svg"), f"{figure.name}-{i}", figure.title) for i, canvas in enumerate(canvases)
        ]
        inner = f'<div class="figures">{"".join(drawings)}</div>' if figure.parts else drawings[0]
        caption = f"<figcaption><b>{html.escape(figure.title)}.</b> {html.escape(figure.caption)}</figcaption>"
        each.append(f"<figure{' class=panels' if figure.parts else ''}>{inner}{caption}</figure>")
    return f'<div class="figures">{"".join(each)}</div>'


def differences(comparison: Comparison) -> list[str]:
    """Per task, the settings in which the shown variants differ; what is not a row's commonest value is marked."""
    dataset = comparison.dataset
    parts = []
    for env_id in sorted(set(dataset.seeds["env_id"])):
        runs = {
            name: run
            for name, run in dataset.runs.items()
            if run.env_id == env_id and (dataset.variants[name] in comparison.shown or not comparison.shown)
        }
        table = settings_table(runs, dataset.variants)
        cells: Cells = [["setting", *table["variant"]]]
        marks = []
        for key in table.columns[3:]:
            values = table[key].fillna("–").tolist()
            cells.append([key, *values])
            marks.append([False, *(value != Counter(values).most_common(1)[0][0] for value in values)])
        if marks:
            parts += [f"<h3>Settings that differ on {html.escape(env_id)}</h3>", html_table(cells, marks)]
    return parts


def run_list(comparison: Comparison) -> str:
    """Every run: variant, seeds, status, commit, failed seeds; versions once where all are the same; commands."""
    dataset = comparison.dataset
    cells: Cells = [["run", "variant", "task", "seeds", "status", "failed seeds", "commit", "config"]]
    for name, run in dataset.runs.items():
        failed = [
            f"{item['seed']} (iteration {item['iteration']}, {item['quantity']})"
            for item in run.info.get("failed_seeds", [])
        ]
        seeds = spans(sorted(int(seed) for seed in run.info["seeds"])) if run.info["seeds"] else "–"
        facts = [run.status, ", ".join(failed) or "–", str(run.info.get("commit")), str(run.info.get("config_hash"))]
        cells.append([name, dataset.variants[name], run.env_id, seeds, *facts])
    versions: dict[str, list[str]] = {}
    for name, run in dataset.runs.items():
        text = ", ".join(f"{package} {version}" for package, version in sorted(run.info.get("versions", {}).items()))
        versions.setdefault(text, []).append(name)
    listed = [text if len(versions) == 1 else f"{', '.join(names)}: {text}" for text, names in versions.items()]
    commands = "\n".join(dict.fromkeys(str(run.info.get("command")) for run in dataset.runs.values()))
    return (
        f"<h3>Runs</h3><details{' open' if len(dataset.runs) <= 12 else ''}><summary>{len(dataset.runs)} runs</summary>"
        f"{html_table(cells)}</details><h3>Versions</h3>{items(listed)}"
        f"<h3>Training commands</h3><pre>{html.escape(commands)}</pre>"
    )
