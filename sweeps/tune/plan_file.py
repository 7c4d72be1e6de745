"""Read and write the plan of a study, ``study.json``.

It is written before anything trains. A later command may ask for more trials and more fresh seeds; nothing else may
change.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.run_format import STUDY, flatten, read_json
from sweeps.errors import InputError
from sweeps.files import write_json
from sweeps.tune.grid import cells_of, grid_runs
from sweeps.tune.options import Options
from sweeps.tune.plan import FORMAT, GRID, GROWS, NOT_PLANNED, Plan
from sweeps.tune.planning import make_cells


def write_plan(plan: Plan, directory: Path) -> None:
    """Write the plan of a new study, or of one that gets more trials or seeds.

    Raises:
        InputError: The directory holds another study.
    """
    path = directory / STUDY
    if path.exists():
        check_same(read_json(path), plan.content, directory)
    write_json(path, dict(plan.content))


def check_same(old: Mapping[str, Any], new: Mapping[str, Any], directory: Path) -> None:
    """Check that a new plan continues the study of the old one.

    Raises:
        InputError: It is another study.
    """
    earlier, later = dict(flatten(old)), dict(flatten(new))
    for key in sorted(earlier.keys() | later.keys()):
        before, now = earlier.get(key), later.get(key)
        if before == now or (key in GROWS and before is not None and now is not None and now >= before):
            continue
        what = (
            "which may only grow; expected: the same, or more"
            if key in GROWS
            else "expected: the same, or another directory"
        )
        raise InputError(f"study={directory}: holds another study ({key}={before!r}, now {now!r}); {what}")


def read_plan(directory: Path) -> Plan:
    """Read the plan of the study in ``directory``.

    Raises:
        InputError: There is none.
    """
    content = read_json(directory / STUDY)
    if content.get("format") != FORMAT:
        raise InputError(f"{directory / STUDY}: not a study's; expected: the file that seedbed tune wrote")
    planned = {key: content[key] for key in Options.model_fields if key not in NOT_PLANNED}
    rest = {"study": str(directory), "launcher": None, "workers": 1, "grid": None, "budget": 1}
    if content["sampler"] == GRID:
        options = Options.model_validate(planned | rest | {"sampler": "random", "grid": content["grid"]})
        return Plan(content, options, cells_of(grid_runs(Path(content["grid"]), directory)))
    options = Options.model_validate(planned | rest)
    return Plan(content, options, make_cells(options, content["overrides"], content["config_dir"]))
