"""The report of a tuning study: which tuned variant is better, from how many trials on, and what tuning cost."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.numbers import interval, number, steps
from analysis.plots.style import use_style
from analysis.report.files import write_files
from analysis.report.tables import csv
from analysis.tuning import figures
from analysis.tuning.answer import curves_of, sentences
from analysis.tuning.bounds import bounds_of
from analysis.tuning.gap import gap_table
from analysis.tuning.importance import importance
from analysis.tuning.ledger import costs
from analysis.tuning.page import Items, Section, Table, as_html, as_markdown, pictures
from analysis.tuning.sensitivity import effective_dimension, sensitivity
from analysis.tuning.space import Categorical, in_words
from analysis.tuning.study import PRESET, Study
from analysis.tuning.verdict import fresh_pairs, preset_pairs, tuned_by, verdicts
from analysis.tuning.winners import ALL_TASKS

LEAST_TRIALS = 8
"""Fewer trials say nothing about which settings matter."""


class Report:
    """The report of a study. Each part is computed on first use."""

    def __init__(self, study: Study) -> None:
        self.study = study

    @cached_property
    def curves(self) -> dict[str, dict[str, pd.DataFrame]]:
        """Tuning curves by task and variant. Empty unless settings were drawn at random."""
        study = self.study
        if study.plan["sampler"] != "random":
            return {}
        found = {}
        for env_id in study.tasks:
            scores = {variant: study.scores(variant, env_id).to_numpy() for variant in study.variants}
            found[env_id] = curves_of(scores, bounds_of(env_id, study.plan["metric"]), study.sign)
        return found

    @cached_property
    def importance(self) -> dict[str, dict[str, pd.DataFrame]]:
        """Importance of settings, by variant and task. Empty with too few trials."""
        study = self.study
        if not study.spaces or study.plan["trials"] < LEAST_TRIALS:
            return {}
        return {
            variant: {
                env_id: importance(
                    study.settings[variant],
                    study.sign * study.scores(variant, env_id).to_numpy(),
                    study.spaces[variant],
                )
                for env_id in study.tasks
            }
            for variant in study.variants
        }

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Every two tuned variants on fresh seeds. Empty without fresh seeds."""
        return fresh_pairs(self.study) if len(self.study.fresh) else pd.DataFrame()

    @cached_property
    def gaps(self) -> pd.DataFrame:
        """The tuning gap of each winner."""
        return gap_table(self.study)

    @property
    def same_settings(self) -> bool:
        """Whether there are several tasks, and trial k of a variant has the same settings on each."""
        plan = self.study.plan
        return len(self.study.tasks) > 1 and (plan["sampler"] == "random" or plan["scope"] == ALL_TASKS)

    def sections(self) -> list[Section]:
        """The sections of the page."""
        with use_style():
            parts = [self.answer(), self.against_trials(), self.promises(), self.presets(), self.sensitivities()]
            parts += [self.what_matters(), self.cost(), self.spaces(), self.making()]
        return [part for part in parts if part is not None]

    def answer(self) -> Section:
        """The verdict on fresh seeds."""
        study = self.study
        told = verdicts(study, self.pairs)
        blocks: list = [tuned_by(study)]
        blocks.append(Items(told) if told else "Fewer than two variants have fresh seeds: there is nothing to compare.")
        if len(study.fresh):
            blocks += [figures.fresh_figure(study, env_id) for env_id in study.tasks]
        return Section("Which is better, once tuned", blocks)

    def against_trials(self) -> Section | None:
        """The best score over the number of trials."""
        curves = self.curves
        if not curves:
            how = self.study.plan["sampler"]
            text = (
                f"The sampler {how} chose each setting with knowledge of the trials before it. So the best score over "
                "the number of trials has no exact bands; sampler=random gives them."
            )
            return Section("Against the number of trials", [text])
        told = [f"{env_id}: {each}" for env_id, own in curves.items() for each in sentences(own, self.study.sign)]
        drawn = [
            figures.curve_figure(self.study, env_id, own, bounds_of(env_id, self.study.plan["metric"]) is not None)
            for env_id, own in curves.items()
        ]
        text = (
            "The best score that a search with this many trials finds, on the tuning seeds. One variant beats another "
            "where their limits do not overlap. On each task all sentences hold together with 95% confidence. Settings "
            "that were not tried may be better, so the limits for k trials are narrow only where several times k "
            "trials were made."
        )
        return Section("Against the number of trials", [text, Items(told), *drawn])

    def promises(self) -> Section:
        """The winners and their gaps."""
        table = self.gaps
        head = ["task", "variant", "trial", "while tuning", "fresh seeds", "95% interval", "gap (95% interval)"]
        cells = [head]
        for row in table.to_dict("records"):
            known = np.isfinite(row["low"])
            gap = f"{number(row['gap'])} ({interval(row['low'], row['high'])})" if known else number(row["gap"])
            fresh = interval(row["fresh_low"], row["fresh_high"]) if known else "–"
            names = [str(row[name]) for name in ("env_id", "variant", "trial")]
            cells.append([*names, number(row["tuning"]), number(row["fresh"]), fresh, gap])
        above = int((table["low"] > 0).sum())
        text = (
            "The tuning score of each winner, beside its score on fresh seeds. The best of many trials looks better "
            "than it is; the gap says by how much. With 95% confidence the gap is above 0 for "
            f"{above} of {len(table)} winners."
        )
        return Section("Tuning scores and fresh scores", [text, Table(cells, 2)])

    def presets(self) -> Section | None:
        """Tuned settings against presets. None without presets."""
        if PRESET not in set(self.study.fresh["origin"]):
            return None
        text = (
            "The settings that come with seedbed, on the same fresh seeds, with as many rollouts as fit the budget. "
            "A preset that is made for more env steps than this budget is at a disadvantage."
        )
        return Section("Beside the shipped presets", [text, Items(verdicts(self.study, preset_pairs(self.study)))])

    def sensitivities(self) -> Section | None:
        """Tuning to each task against one setting for all tasks."""
        if not self.same_settings:
            return None
        study = self.study
        cells = [["variant", "each task its best", "one setting for all", "sensitivity", "effective dimension"]]
        for row in sensitivity(study.means, study.sign).to_dict("records"):
            variant = str(row["variant"])
            dimension = None
            if study.spaces and study.plan["trials"] >= LEAST_TRIALS:
                dimension = effective_dimension(
                    study.means, study.settings[variant], study.spaces[variant], variant, study.sign
                )
            told = "–"
            if dimension is not None:
                count, keys, skill = dimension
                told = f"{count} of {len(study.spaces[variant])} ({', '.join(keys) or 'none'}; R² ≥ {skill:.2f})"
            cells.append(
                [variant, f"{row['per_task']:.3f}", f"{row['all_tasks']:.3f}", f"{row['sensitivity']:.3f}", told]
            )
        text = (
            "A trial's score is here the share of all trials on its task that it is no worse than. Sensitivity is the "
            "gain of tuning to each task over one setting for all tasks (Adkins et al. 2024). The effective dimension "
            "is the number of settings that must be tuned to each task to keep 95% of the score, by a model that "
            "explains at least R² of left-out trials. Winners were chosen by these scores, so both columns are too "
            "high."
        )
        return Section("One setting for all tasks", [text, Table(cells)])

    def what_matters(self) -> Section | None:
        """Importance, slices and parallel coordinates."""
        study, tables = self.study, self.importance
        if not study.spaces:
            return None
        blocks: list = []
        told = []
        for variant, by_task in tables.items():
            for env_id, table in by_task.items():
                best = table.sort_values("share", ascending=False).iloc[0]
                if np.isfinite(best["share"]):
                    told.append(
                        f"{variant} on {env_id}: {best['setting']} alone explains {best['share']:.0%} of the variance "
                        f"over the space (the model explains {best['skill']:.0%} of trials left out)."
                    )
                else:
                    told.append(f"{variant} on {env_id}: these trials are too few to tell which settings matter.")
        if told:
            blocks.append(Items(told))
        for variant in study.variants:
            if variant in tables:
                blocks.append(figures.importance_figure(variant, tables[variant]))
            if self.same_settings or len(study.tasks) == 1:
                blocks.append(figures.parallel_figure(study, variant))
                blocks.append(figures.slice_figure(study, variant))
        return Section("Which settings matter", blocks)

    def cost(self) -> Section:
        """The ledger."""
        table = costs(self.study.ledger)
        head = ["task", "variant", "trials", "tuning", "tests", "lost by restarts", "all env steps"]
        cells = [head]
        for row in table.to_dict("records"):
            cells.append(
                [str(row["env_id"]), str(row["variant"]), str(row["trials"])]
                + [steps(row[name]) for name in ("tuning", "test", "lost", "total")]
            )
        cells.append(
            ["all", "", str(table["trials"].sum())]
            + [steps(table[name].sum()) for name in ("tuning", "test", "lost", "total")]
        )
        failed = int(self.study.trials["failed"].sum())
        text = (
            "All env steps of the study, with failures and restarts (ledger.csv). "
            f"{failed} of {len(self.study.trials)} seeds of trials failed; they count as their task's low reference."
        )
        return Section("What it cost", [text, Table(cells, 2)])

    def spaces(self) -> Section | None:
        """The searched spaces."""
        study = self.study
        if not study.spaces:
            return None
        cells = [["variant", "setting", "range", *study.tasks]]
        for variant, space in study.spaces.items():
            for key, distribution in space.items():
                cells.append([variant, key, in_words(distribution), *(self.chosen(variant, key))])
        return Section(
            "Spaces and winners", ["The searched range of each setting, and the winners' values.", Table(cells, 3)]
        )

    def making(self) -> Section:
        """The command, the code and the machine."""
        made, times = self.study.made, pd.to_datetime(self.study.ledger["time"])
        hours = (times.max() - times.min()).total_seconds() / 3600
        processes = self.study.ledger["process"].nunique()
        told = [
            f"Command: {made['command']}",
            f"Commit {' or '.join(made['commits'])}; {' or '.join(made['processors'])}; {made['software']}.",
            f"From the first run's end to the last's: {hours:.2f} hours, {processes} "
            f"process{'es' * (processes != 1)} in all.",
        ]
        return Section("How it was made", [Items(told)])

    def chosen(self, variant: str, key: str) -> list[str]:
        """The winner's value of a setting on each task."""
        winners = self.study.winners
        values = []
        for env_id in self.study.tasks:
            here = winners[(winners["variant"] == variant) & (winners["env_id"] == env_id)]
            rows = self.study.trials
            trial = rows[(rows["variant"] == variant) & (rows["env_id"] == env_id)].set_index("trial")
            value: Any = trial.loc[int(here["trial"].iloc[0]), key]
            value = value.iloc[0] if isinstance(value, pd.Series) else value
            distribution = self.study.spaces[variant][key]
            value = distribution.choice(value) if isinstance(distribution, Categorical) else value
            values.append(str(value) if isinstance(value, str | bool) or value is None else f"{value:g}")
        return values

    def files(self) -> dict[str, bytes]:
        """The report's files, by name."""
        sections = self.sections()
        title = f"Tuned: {', '.join(self.study.variants)} on {', '.join(self.study.tasks)}"
        found = {"report.html": as_html(title, sections).encode(), "README.md": as_markdown(title, sections).encode()}
        tables: Mapping[str, pd.DataFrame] = {
            "gaps.csv": self.gaps,
            "pairs.csv": self.pairs,
            "curves.csv": _long(self.curves),
            "importance.csv": _long(self.importance),
        }
        return found | pictures(sections) | {name: csv(table) for name, table in tables.items() if len(table)}

    def write(self, out: Path) -> list[str]:
        """Writes the report's files, and returns its main sentences.

        Raises:
            InputError: A file cannot be written.
        """
        write_files(out, self.files())
        study = self.study
        told = [tuned_by(study), *verdicts(study, self.pairs)]
        return told + [
            f"{env_id}: {each}" for env_id, own in self.curves.items() for each in sentences(own, study.sign)
        ]


def _long(tables: Mapping[str, Mapping[str, pd.DataFrame]]) -> pd.DataFrame:
    """Nested tables as one, with the columns `first` and `second` for their keys."""
    parts = [
        table.assign(first=first, second=second) for first, inner in tables.items() for second, table in inner.items()
    ]
    if not parts:
        return pd.DataFrame()
    whole = pd.concat(parts, ignore_index=True)
    return whole[["first", "second", *(name for name in whole.columns if name not in ("first", "second"))]]
