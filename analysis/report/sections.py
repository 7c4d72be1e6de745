"""The report's page, verdict first; and the part of it that a notebook shows."""

import html
from collections import Counter
from collections.abc import Mapping, Sequence

from analysis.alignment import RULES
from analysis.numbers import number, steps
from analysis.pairs import BETTER, SAME
from analysis.plots.axes import describe
from analysis.plots.canvas import Figure, save
from analysis.plots.figures import OWN
from analysis.plots.style import MAIN, use_style
from analysis.report.aggregates import aggregates_html
from analysis.report.appendix import appendix
from analysis.report.page import inline_svg, notebook_part, page
from analysis.report.tables import Cells, html_table, overall_cells, pair_cells, summary_cells
from analysis.results import Results
from analysis.runs.dataset import spans
from analysis.runs.variants import numbered_variants, settings_table
from analysis.statistics.multiplicity import LEVEL
from analysis.statistics.reliability import LOWEST, coverage_warning
from analysis.summary import ALL_TASKS, COVERAGE, TOLERANCE_CONFIDENCE

VERDICTS_SHOWN = 12
KINDS = {BETTER: "told", SAME: "same"}


def report(comparison: Results, figures: Mapping[str, Sequence[Figure]], command: str) -> str:
    """The page. `figures` are by task (ALL_TASKS for those over all tasks); `command` is what the user typed."""
    tasks = sorted(set(comparison.dataset.seeds["env_id"]))
    names = comparison.shown or sorted(set(comparison.with_aggregates.get("variant", ())))
    everywhere = tasks or sorted(set(comparison.with_aggregates.get("task", ())))
    title = f"{', '.join(names) or 'no variant'} on {', '.join(everywhere)}"
    parts = [f"<h1>{html.escape(title)}</h1>", intro(comparison), warnings(comparison.warnings), verdicts(comparison)]
    if len(comparison.pairs):
        parts.append(folded(f"All {len(comparison.pairs)} pairs as a table", pair_table_html(comparison)))
    if ALL_TASKS in figures:
        parts += ["<h2>All tasks</h2>", overall_html(comparison), gallery(figures[ALL_TASKS])]
    for env_id in tasks:
        parts.append(f"<h2>{html.escape(env_id)}</h2>")
        if env_id in comparison.tasks:
            parts += [task_table(comparison, env_id), score_note(comparison, env_id), reliability(comparison, env_id)]
        parts.append(gallery(figures.get(env_id, [])))
    if OWN in figures:
        parts += ["<h2>Figures of your own</h2>", gallery(figures[OWN])]
    parts += aggregates_html(comparison)
    parts += ["<h2>How runs are compared</h2>", items(rules(comparison)), "<h2>For a paper’s appendix</h2>"]
    parts += [f"<p>{html.escape(appendix(comparison))}</p>", "<h2>What was run</h2>", *differences(comparison)]
    parts.append(run_list(comparison))
    if command:
        parts += ["<h2>Command</h2>", f"<pre>{html.escape(command)}</pre>"]
    return page(title, "\n".join(parts))


def fragment(comparison: Results, figures: Mapping[str, Sequence[Figure]]) -> str:
    """What a notebook shows: notes, verdicts, tables, and each task's curves. `figures` are by task."""
    parts = [warnings(comparison.warnings), verdicts(comparison)]
    if len(comparison.overall):
        parts += ["<h3>All tasks</h3>", overall_html(comparison)]
    for env_id in comparison.tasks:
        parts += [f"<h3>{html.escape(env_id)}</h3>", task_table(comparison, env_id)]
        parts.append(gallery([each for each in figures.get(env_id, []) if each.name.startswith("seeds-")]))
    return notebook_part("\n".join(parts))


def items(sentences: Sequence[str], name: str = "") -> str:
    attribute = f' class="{name}"' if name else ""
    return f"<ul{attribute}>{''.join(f'<li>{html.escape(sentence)}</li>' for sentence in sentences)}</ul>"


def soft(text: str) -> str:
    return f'<p class="soft">{html.escape(text[:1].upper() + text[1:])}</p>'


def folded(title: str, content: str) -> str:
    return f"<details><summary>{html.escape(title)}</summary>{content}</details>"


def intro(comparison: Results) -> str:
    dataset, choices = comparison.dataset, comparison.choices
    text = (
        f"{len(dataset.runs)} runs, {len(dataset.seeds)} seeds, {dataset.seeds['variant'].nunique()} variants; "
        f"{describe(choices.metric)} of {len(dataset.frame):,} iterations."
    )
    return soft(text)


def warnings(sentences: Sequence[str]) -> str:
    return f"<h3>Note</h3>{items(sentences, 'warnings')}" if sentences else ""


def own_names(comparison: Results) -> list[str]:
    return [statistic.name for statistic in comparison.choices.own_statistics]


def overall_html(comparison: Results) -> str:
    return html_table(overall_cells(comparison.overall, own_names(comparison)))


def task_table(comparison: Results, env_id: str) -> str:
    summary = comparison.summary[comparison.summary["env_id"] == env_id]
    return html_table(
        summary_cells(summary, comparison.shown, own_names(comparison), comparison.choices.lower_is_better)
    )


def pair_table_html(comparison: Results) -> str:
    return html_table(pair_cells(comparison.ordered_pairs), words=4)


def verdicts(comparison: Results) -> str:
    """One sentence per pair, over all tasks first, the surest first. The page folds all after VERDICTS_SHOWN."""
    pairs = comparison.ordered_pairs
    if not len(pairs):
        return ""
    lines = []
    for _, row in pairs.iterrows():
        kind = KINDS.get(row["outcome"], "open")
        lines.append(f'<li class="{kind}">{html.escape(comparison.verdict(row))}</li>')
    text = f'<ul class="verdicts">{"".join(lines[:VERDICTS_SHOWN])}</ul>'
    if len(lines) > VERDICTS_SHOWN:
        rest = f'<ul class="verdicts">{"".join(lines[VERDICTS_SHOWN:])}</ul>'
        text += folded(f"{len(lines) - VERDICTS_SHOWN} more pairs", rest)
    numbered = numbered_variants(comparison.dataset.runs, comparison.dataset.variants)
    legend = [f"{variant}: {settings}" for variant, settings in numbered.items() if variant in comparison.shown]
    told = comparison.choices.not_default
    chosen = soft(f"Not the defaults: {'; '.join(told)}.") if told else ""
    return f"<h2>Verdict</h2>{items(legend) if legend else ''}{chosen}{text}{verdict_note(comparison)}"


def verdict_note(comparison: Results) -> str:
    """What the verdicts rest on."""
    pairs = comparison.pairs
    tested = int(pairs["p_uncorrected"].notna().sum())
    text = (
        f"Each sentence compares two means, with a 95% interval of their difference. One variant is better if p is at "
        f"most {LEVEL:g}, adjusted for all {tested} pairs of this page. Two variants are practically the same if their "
        f"means are closer than {comparison.choices.margin:.3g} of the task's scale (--margin)."
    )
    if comparison.choices.reference:
        text += f" Every variant is compared with {comparison.choices.reference} only."
    return soft(text)


def rules(comparison: Results) -> list[str]:
    """The rules of the comparison, and the scales of this report's tasks."""
    told = [*RULES, *comparison.dataset.rules]
    for env_id, scale in comparison.scales.items():
        source = f" ({scale.source})" if scale.source else ""
        told.append(
            f"{env_id}: a normalised score is 0 at {number(scale.low)} and 1 at {number(scale.high)}{source}; "
            f"the margin is {number(comparison.choices.margin * scale.width)}."
        )
    return told


def score_note(comparison: Results, env_id: str) -> str:
    task, choices = comparison.tasks[env_id], comparison.choices
    return soft(
        f"The {choices.scored.name} score of a seed is the {choices.scored.describe(task, choices.last)}, up to "
        f"{steps(task.horizon)} env steps. IQM is the mean of the middle half of the seeds. Worst quarter is "
        f"the mean of the worst quarter of the seeds. “{COVERAGE:.0%} of runs lie in” gives limits for single runs: if "
        f"this variant is run again, at least {COVERAGE:.0%} of the runs end between them, with the confidence "
        f"in brackets. A confidence of {TOLERANCE_CONFIDENCE:.0%} needs 18 seeds."
    )


def reliability(comparison: Results, env_id: str) -> str:
    """A warning where intervals from so few seeds hold the truth less often than they claim."""
    summary = comparison.summary[comparison.summary["env_id"] == env_id]
    shown = summary[summary["variant"].isin(comparison.shown) & (summary["scored"] > 0)]
    if not len(shown):
        return ""
    notes = [coverage_warning(quantity, int(shown["scored"].min())) for quantity in LOWEST]
    return soft(" ".join(note for note in notes if note)) if any(notes) else ""


def gallery(figures: Sequence[Figure]) -> str:
    """Figures side by side, as many as there is room for."""
    return f'<div class="figures">{"".join(map(figure_html, figures))}</div>' if figures else ""


def figure_html(figure: Figure) -> str:
    """A figure with its caption; its parts, or a wide one, take the whole width of the page."""
    with use_style():
        drawings = [
            inline_svg(save(canvas, "svg"), f"{figure.name}-{i}", figure.title)
            for i, canvas in enumerate(figure.parts or [figure.canvas])
        ]
    inner = f'<div class="figures">{"".join(drawings)}</div>' if figure.parts else drawings[0]
    caption = f"<figcaption><b>{html.escape(figure.title)}.</b> {html.escape(figure.caption)}</figcaption>"
    wide = figure.parts or figure.canvas.get_size_inches()[0] > MAIN
    return f"<figure{' class=panels' if wide else ''}>{inner}{caption}</figure>"


def differences(comparison: Results) -> list[str]:
    """For each task, the settings in which the shown variants differ. Rare values are marked."""
    dataset = comparison.dataset
    parts = []
    for env_id in sorted(set(dataset.seeds["env_id"])):
        runs = {
            name: run
            for name, run in dataset.runs.items()
            if run.config
            and run.env_id == env_id
            and (dataset.variants[name] in comparison.shown or not comparison.shown)
        }
        table = settings_table(runs, dataset.variants)
        cells: Cells = [["setting", *table["variant"]]]
        marks = []
        for key in table.columns[3:]:
            values = table[key].fillna("–").tolist()
            cells.append([key, *values])
            marks.append([False, *(value != Counter(values).most_common(1)[0][0] for value in values)])
        if marks:
            parts += [
                f"<h3>Settings that differ on {html.escape(env_id)}</h3>",
                html_table(cells, marks, words=len(cells[0])),
            ]
    return parts


def run_list(comparison: Results) -> str:
    """The table of runs, and the versions and commands of seedbed's runs.

    Columns: source, variant, task, seeds, status, failed seeds, commit. Versions appear once if all runs share them.
    """
    dataset = comparison.dataset
    cells: Cells = [["run", "from", "variant", "task", "seeds", "status", "failed seeds", "commit", "config"]]
    for name, run in dataset.runs.items():
        failed = [
            f"{item['seed']} (iteration {item['iteration']}, {item['quantity']})"
            for item in run.info.get("failed_seeds", [])
        ]
        seeds = spans(sorted(int(seed) for seed in run.info["seeds"])) if run.info["seeds"] else "–"
        facts = [run.status, ", ".join(failed) or "–"]
        facts += ["–" if run.format else str(run.info.get(key)) for key in ("commit", "config_hash")]
        cells.append([name, run.origin, dataset.variants[name], run.env_id, seeds, *facts])
    versions: dict[str, list[str]] = {}
    own = {name: run for name, run in dataset.runs.items() if not run.format}
    for name, run in own.items():
        text = ", ".join(f"{package} {version}" for package, version in sorted(run.info.get("versions", {}).items()))
        versions.setdefault(text, []).append(name)
    listed = [text if len(versions) == 1 else f"{', '.join(names)}: {text}" for text, names in versions.items()]
    commands = "\n".join(dict.fromkeys(str(run.info.get("command")) for run in own.values()))
    recorded = (
        f"<h3>Versions</h3>{items(listed)}<h3>Training commands</h3><pre>{html.escape(commands)}</pre>" if own else ""
    )
    return (
        f"<h3>Runs</h3><details{' open' if len(dataset.runs) <= 12 else ''}><summary>{len(dataset.runs)} runs</summary>"
        f"{html_table(cells, words=len(cells[0]))}</details>{recorded}"
    )
