"""The plan of a study: variants, tasks, spaces and equal budgets, written to ``study.json`` before anything is trained.

A plan that is there already is gone on with: it may get more trials and more fresh seeds, nothing else may change.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from analysis.run_format import STUDY, TUNING_SEEDS, flatten, read_json
from analysis.scores import find_score
from analysis.tuning.space import Distribution, described, read_distribution
from sweeps.compose import composed_config
from sweeps.errors import InputError
from sweeps.files import write_json
from sweeps.tune.options import Given, Options, is_kept
from sweeps.tune.spaces import check_space, find_space, values_of, with_settings

FORMAT = 1
GRID = "grid"
"""How a study says that its settings were not searched: its sampler."""

NEAR = 0.1
"""How far a budget may be from the one asked for, so that it is a whole number of every variant's rollouts."""

GROWS = ("trials", "test_seeds", "presets")
"""What a study that is there may get more of."""

NOT_PLANNED = ("study", "launcher", "workers", "grid", "budget")


@dataclass(frozen=True)
class Cell:
    """A variant on a task: the config of its runs before any setting is chosen."""

    variant: str
    task: str
    content: dict[str, Any]

    @property
    def env_id(self) -> str:
        return str(self.content["env"]["id"])

    @property
    def name(self) -> str:
        return f"{self.variant} on {self.env_id}"


@dataclass(frozen=True)
class Plan:
    """What a study is to do; ``content`` is what ``study.json`` holds."""

    content: Mapping[str, Any]
    options: Options
    cells: list[Cell]

    @property
    def variants(self) -> list[str]:
        return list(self.options.algo)

    @property
    def tasks(self) -> list[str]:
        return list(self.options.env)

    @property
    def overrides(self) -> list[str]:
        return list(self.content["overrides"])

    @property
    def config_dir(self) -> str | None:
        found: str | None = self.content["config_dir"]
        return found

    @cached_property
    def spaces(self) -> dict[str, dict[str, Distribution]]:
        """The space of each variant."""
        return {
            variant: {key: read_distribution(entry, f"space.{variant}.{key}") for key, entry in space.items()}
            for variant, space in self.content["spaces"].items()
        }

    def budget(self, task: str) -> int:
        """Env steps of each seed of a task."""
        return int(self.content["budgets"][task])

    def cell(self, variant: str, task: str) -> Cell:
        return next(cell for cell in self.cells if (cell.variant, cell.task) == (variant, task))

    @property
    def tuning_seeds(self) -> range:
        """The seeds of every trial."""
        first, count = self.content["tuning_seeds"]
        return range(first, first + count)

    @property
    def fresh_seeds(self) -> range:
        """The seeds that winners are trained on."""
        return range(self.options.test_seed, self.options.test_seed + self.options.test_seeds)

    def run_content(self, cell: Cell, settings: Mapping[str, Any], seeds: range) -> dict[str, Any]:
        """The config of a run with these settings."""
        chosen = with_settings(cell.content, settings)
        rollout = chosen["num_envs"] * chosen["num_steps"]
        iterations = self.budget(cell.task) // rollout
        return chosen | {"seed": seeds.start, "num_seeds": len(seeds), "iterations": iterations, "resume": True}


def make_plan(given: Given, config_dir: str | None) -> Plan:
    """The plan that a command line describes.

    Raises:
        InputError: the first thing that is wrong with it.
    """
    options = given.options
    for key in ("algo", "env"):
        if not getattr(options, key):
            raise InputError(f"{key}: nothing to tune; expected: {key}=NAME or {key}=NAME,NAME")
    if unknown := [task for task in given.budgets if task not in options.env]:
        raise InputError(f"budget.{unknown[0]}: no task of this study; expected: one of {', '.join(options.env)}")
    fresh = range(options.test_seed, options.test_seed + options.test_seeds)
    if len(fresh) and (fresh[-1] in TUNING_SEEDS or fresh[0] in TUNING_SEEDS):
        raise InputError(
            f"test_seed={options.test_seed}: a seed for tuning; expected: seeds outside {TUNING_SEEDS[0]} to "
            f"{TUNING_SEEDS[-1]}"
        )
    find_score(options.score)
    cells = make_cells(options, given.overrides, config_dir)
    spaces = {}
    for variant in options.algo:
        own = [cell for cell in cells if cell.variant == variant]
        name = own[0].content["algo"]["name"]
        changes = [each for key in dict.fromkeys((variant, name)) for each in given.spaces.get(key, [])]
        spaces[variant] = find_space(variant, name, changes, config_dir)
        for cell in own:
            check_space(spaces[variant], f"space.{variant}", cell.content)
    names = {variant for cell in cells for variant in (cell.variant, cell.content["algo"]["name"])}
    if unknown := sorted(given.spaces.keys() - names):
        raise InputError(f"space.{unknown[0]}: no variant of this study; expected: one of {', '.join(options.algo)}")
    budgets = {task: equal_budget(task, given.budgets.get(task, options.budget), cells, spaces) for task in options.env}
    content = {
        "format": FORMAT,
        **{key: value for key, value in options.model_dump().items() if key not in NOT_PLANNED},
        "tasks": {cell.task: cell.env_id for cell in cells},
        "budgets": budgets,
        "tuning_seeds": [TUNING_SEEDS.start, options.seeds],
        "spaces": {
            variant: {key: described(distribution) for key, distribution in space.items()}
            for variant, space in spaces.items()
        },
        "overrides": [override for override in given.overrides if is_kept(override)],
        "config_dir": None if config_dir is None else str(Path(config_dir).resolve()),
    }
    return Plan(content, options, cells)


def make_cells(options: Options, overrides: list[str], config_dir: str | None) -> list[Cell]:
    """Every variant on every task."""
    return [
        Cell(variant, task, composed_config([f"algo={variant}", f"env={task}", *overrides, "resume=true"], config_dir))
        for task in options.env
        for variant in options.algo
    ]


def equal_budget(task: str, asked: int, cells: list[Cell], spaces: Mapping[str, Mapping[str, Distribution]]) -> int:
    """The env steps, near those asked for, that are a whole number of rollouts of every trial of every variant.

    Raises:
        InputError: there are none.
    """
    rollouts: dict[str, set[int]] = {}
    for cell in cells:
        if cell.task == task:
            sizes = []
            for key in ("num_envs", "num_steps"):
                own = spaces[cell.variant].get(key)
                where = f"space.{cell.variant}.{key}"
                sizes.append([cell.content[key]] if own is None else values_of(own, where))
            rollouts[cell.variant] = {envs * steps for envs in sizes[0] for steps in sizes[1]}
    common = math.lcm(*(size for own in rollouts.values() for size in own))
    budget = max(1, round(asked / common)) * common
    if abs(budget - asked) > NEAR * asked:
        told = "; ".join(f"{variant} {', '.join(map(str, sorted(own)))}" for variant, own in rollouts.items())
        raise InputError(
            f"budget={asked} on {task}: not the same for all, as rollouts have other numbers of env steps ({told}); "
            f"expected: a multiple of {common}, or rollouts that divide one another"
        )
    return budget


def written_plan(plan: Plan, directory: Path) -> None:
    """Write the plan of a new study, or of one that gets more trials or seeds.

    Raises:
        InputError: the directory holds another study.
    """
    path = directory / STUDY
    if path.exists():
        check_same(read_json(path), plan.content, directory)
    write_json(path, dict(plan.content))


def check_same(old: Mapping[str, Any], new: Mapping[str, Any], directory: Path) -> None:
    """Whether a study goes on as another command describes it.

    Raises:
        InputError: it is another study.
    """
    earlier, later = dict(flatten(old)), dict(flatten(new))
    for key in sorted(earlier.keys() | later.keys()):
        before, now = earlier.get(key), later.get(key)
        if before == now or (key in GROWS and before is not None and now is not None and now >= before):
            continue
        what = "which may only grow" if key in GROWS else "expected: the same, or another directory"
        raise InputError(f"study={directory}: holds another study ({key}={before!r}, now {now!r}); {what}")


def read_plan(directory: Path) -> Plan:
    """The plan of the study in ``directory``, as it was written.

    Raises:
        InputError: there is none.
    """
    content = read_json(directory / STUDY)
    if content.get("format") != FORMAT:
        raise InputError(f"{directory / STUDY}: not a study's; expected: the file that seedbed tune wrote")
    planned = {key: content[key] for key in Options.model_fields if key not in NOT_PLANNED}
    rest = {"study": str(directory), "launcher": None, "workers": 1, "grid": None, "budget": 1}
    if content["sampler"] == GRID:
        from sweeps.tune.grid import cells_of, grid_runs  # which makes plans

        options = Options.model_validate(planned | rest | {"sampler": "random", "grid": content["grid"]})
        return Plan(content, options, cells_of(grid_runs(Path(content["grid"]), directory)))
    options = Options.model_validate(planned | rest)
    return Plan(content, options, make_cells(options, content["overrides"], content["config_dir"]))
