"""Take the runs of a finished sweep as the trials of a study; only the winner is trained, on fresh seeds."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from analysis.plots.canvas import file_name
from analysis.run_format import INFO, PURPOSE, STUDY, TUNING, TUNING_SEEDS, read_config, read_json
from analysis.runs import Run, find_runs
from analysis.runs.variants import differing_keys, identity
from sweeps.errors import InputError
from sweeps.files import write_json
from sweeps.lockstep import Job
from sweeps.tune.options import Given
from sweeps.tune.plan import FORMAT, GRID, NOT_PLANNED, Cell, Plan
from sweeps.tune.trials import Trial


def grid_plan(given: Given, directory: Path) -> Plan:
    """Plan a study in ``directory`` whose trials are the runs of the sweep ``grid``.

    Raises:
        InputError: The sweep has no runs, a run has not ended, or variants had unequal budgets.
    """
    options = given.options
    if told := given.told & {"algo", "env", "trials", "seeds", "budget", "sampler", "seed", "presets"}:
        raise InputError(f"{sorted(told)[0]}: the grid decides this; expected: grid=DIR without this key")
    if given.overrides or given.spaces or given.budgets:
        first = [*given.overrides, *given.spaces, *given.budgets][0]
        raise InputError(f"{first}: the grid decides this; expected: grid=DIR without this key")
    runs = grid_runs(Path(str(options.grid)), directory)
    cells = cells_of(runs)
    by_cell: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in runs:
        by_cell[run.algo, run.env_id].append(run)
    budget = check_equal(by_cell)
    seeds = [int(seed) for seed in runs[0].info["seeds"]]
    start = options.test_seed if "test_seed" in given.told else max(seeds) + 1
    start = TUNING_SEEDS.stop if start in TUNING_SEEDS else start
    fresh = range(start, start + options.test_seeds)
    if shared := sorted(set(fresh) & {int(seed) for run in runs for seed in run.info["seeds"]}):
        raise InputError(
            f"test_seed={options.test_seed}: seed {shared[0]} chose the settings; expected: {max(seeds) + 1} or above"
        )
    algos = list(dict.fromkeys(cell.variant for cell in cells))
    tasks = {cell.task: cell.env_id for cell in cells}
    changed = {"algo": algos, "env": list(tasks), "trials": len(runs) // len(cells), "seeds": len(seeds)}
    options = options.model_copy(update=changed | {"test_seed": start, "presets": False})
    content = {
        "format": FORMAT,
        **{key: value for key, value in options.model_dump().items() if key not in NOT_PLANNED},
        "sampler": GRID,
        "grid": str(Path(str(options.grid)).resolve()),
        "tasks": tasks,
        "budgets": {task: budget[env_id] for task, env_id in tasks.items()},
        "tuning_seeds": [min(seeds), len(seeds)],
        "spaces": spaces_of(runs),
        "overrides": [],
        "config_dir": None,
    }
    return Plan(content, options, cells)


def grid_runs(grid: Path, directory: Path) -> list[Run]:
    """The runs of the sweep, without those of studies below it.

    Raises:
        InputError: There are none, or a run has not ended.
    """
    studies = [path.parent.resolve() for path in grid.rglob(STUDY)] + [directory.resolve()]
    found = find_runs([grid])
    runs = [run for run in found if not any(run.path.resolve().is_relative_to(study) for study in studies)]
    if not runs:
        raise InputError(f"grid={grid}: holds no run; expected: the directory of a sweep")
    for run in runs:
        if "progress" not in run.info:
            raise InputError(f"grid={grid}: {run.path.name} is {run.status}; expected: runs that have ended")
    return runs


def task_name(env_id: str) -> str:
    """A task's id as a valid name of a folder."""
    return file_name(env_id)


def cells_of(runs: Sequence[Run]) -> list[Cell]:
    """Every variant on every task, with the config of its first run."""
    found: dict[tuple[str, str], Cell] = {}
    for run in runs:
        if (run.algo, run.env_id) not in found:
            content = {**read_config(run.path), "resume": True}
            found[run.algo, run.env_id] = Cell(run.algo, task_name(run.env_id), content)
    return list(found.values())


def check_equal(by_cell: Mapping[tuple[str, str], Sequence[Run]]) -> dict[str, int]:
    """Check that all variants had equal budgets, and return the env steps of each seed by task.

    Raises:
        InputError: A variant had more trials, seeds or env steps than another.
    """
    what = {"trials": {name: len(runs) for name, runs in by_cell.items()}}
    each = [(name, run) for name, runs in by_cell.items() for run in runs]
    what["seeds"] = {}
    for name, run in each:
        seeds = tuple(run.info["seeds"])
        if seeds != tuple(each[0][1].info["seeds"]):
            raise InputError(
                f"grid: {run.path.name} has other seeds than {each[0][1].path.name}; expected: the same for every run"
            )
        what["seeds"][name] = len(seeds)
    steps: dict[str, int] = {}
    for name, run in each:
        own = int(run.config["num_envs"] * run.config["num_steps"] * run.config["iterations"])
        if steps.setdefault(name[1], own) != own:
            raise InputError(
                f"grid: not equal budgets ({run.path.name} has {own} env steps a seed, others on {name[1]} "
                f"{steps[name[1]]}); expected: the same for every run"
            )
    for unit, counts in what.items():
        if len(set(counts.values())) > 1:
            told = ", ".join(f"{count} of {algo} on {env_id}" for (algo, env_id), count in counts.items())
            raise InputError(f"grid: not equal budgets ({unit}: {told}); expected: the same for every variant and task")
    return steps


def settings_of(runs: Sequence[Run]) -> dict[str, list[str]]:
    """By variant: the settings in which its runs on a task differ."""
    keys: dict[str, dict[str, None]] = defaultdict(dict)
    by_cell: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in runs:
        by_cell[run.algo, run.env_id].append(run)
    for (algo, _), own in by_cell.items():
        keys[algo] |= dict.fromkeys(key for key in differing_keys(map(identity, own)) if key != PURPOSE)
    return {algo: sorted(names) for algo, names in keys.items()}


def spaces_of(runs: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """By variant: its space, with the values that each setting had as choices."""
    return {
        algo: {
            key: {"type": "categorical", "choices": _values(run.config.get(key) for run in runs if run.algo == algo)}
            for key in keys
        }
        for algo, keys in settings_of(runs).items()
    }


def _values(given: Iterable[Any]) -> list[Any]:
    values = list(dict.fromkeys(str(value) if isinstance(value, list) else value for value in given))
    numbers = sorted(value for value in values if isinstance(value, int | float))
    return [*numbers, *sorted((value for value in values if not isinstance(value, int | float)), key=str)]


def grid_trials(plan: Plan, directory: Path) -> list[Trial]:
    """The runs of the sweep as trials; equal settings have the same number on every task.

    Raises:
        InputError: Two runs on a task have the same settings.
    """
    runs = grid_runs(Path(plan.content["grid"]), directory)
    keys = settings_of(runs)
    numbers: dict[str, dict[str, int]] = defaultdict(dict)
    trials, seen = [], set()
    for run in runs:
        settings = {key: run.config.get(key) for key in keys[run.algo]}
        number = numbers[run.algo].setdefault(str(settings), len(numbers[run.algo]))
        if (run.algo, run.env_id, number) in seen:
            raise InputError(f"grid: {run.path.name} has the settings of another run; expected: each tried once")
        seen.add((run.algo, run.env_id, number))
        overrides = yaml.safe_load((run.path / ".hydra" / "overrides.yaml").read_text(encoding="utf-8"))
        content = {**read_config(run.path), "resume": True}
        job = Job(content, run.path, {"overrides": overrides})
        trials.append(Trial(plan.cell(run.algo, task_name(run.env_id)), number, settings, job))
    return trials


def mark_as_tuning(trials: Sequence[Trial]) -> None:
    """Mark the runs as tuning in ``run.json``, so that no comparison takes them for tests."""
    for trial in trials:
        info = read_json(trial.directory / INFO)
        if info.get(PURPOSE) != TUNING:
            write_json(trial.directory / INFO, info | {PURPOSE: TUNING})
