"""Make the plan of a study from the command line: check its spaces and equalise its budgets."""

import math
from collections.abc import Mapping
from pathlib import Path

from analysis.run_format import TUNING_SEEDS
from analysis.scores import find_score
from analysis.tuning.space import Distribution, described
from sweeps.compose import composed_config
from sweeps.errors import InputError
from sweeps.tune.options import Given, Options, is_kept
from sweeps.tune.plan import FORMAT, NOT_PLANNED, Cell, Plan
from sweeps.tune.spaces import check_space, find_space, values_of

NEAR = 0.1
"""The largest relative change of a budget that makes it a whole number of rollouts for every variant."""


def make_plan(given: Given, config_dir: str | None) -> Plan:
    """Make the plan that a command line describes.

    Raises:
        InputError: The first thing that is wrong with it.
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
    """The number of env steps nearest to ``asked`` that is a whole number of rollouts for every variant and trial.

    Raises:
        InputError: It differs too much from ``asked``.
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
            f"budget={asked} on {task}: not the same for all variants, as their rollouts differ in env steps "
            f"({told}); expected: a multiple of {common}, or rollout lengths that divide one another"
        )
    return budget
