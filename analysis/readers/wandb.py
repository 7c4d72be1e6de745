"""Reads runs of Weights & Biases: exports of openrlbenchmark (run_df.csv and run.json), or W&B's API."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.numbers import listed
from analysis.readers.files import read_numbers, read_text
from analysis.readers.logs import Log, Request, Series, restart_note, series, since_restart
from analysis.readers.names import candidates, choose
from analysis.readers.settings import facts_of, read_json, settings_of
from analysis.run_format import InputError

HISTORY, RUN = "run_df.csv", "run.json"
STEPS = "global_step"
OF_WANDB = ("_step", "_runtime", "_timestamp")
ENDED = ("finished",)


class WandbReader:
    """Reads exports of W&B: a directory with the history and the description of one run."""

    name = "wandb"
    looks_for = f"{HISTORY} beside {RUN}, an export of W&B, or wandb:ENTITY/PROJECT"
    whole_directory = True

    def claims(self, directory: Path, names: Sequence[str], request: Request) -> list[list[str]]:
        return [[HISTORY, RUN]] if HISTORY in names and RUN in names else []

    def read(self, directory: Path, names: Sequence[str], request: Request) -> Iterable[Log]:
        path = directory / HISTORY
        history = read_numbers(path, read_text(path), [], "the history of a run of W&B")
        yield run_log(directory, history, read_json(directory / RUN), request)


def run_log(path: Path, history: pd.DataFrame, run: Mapping[str, Any], request: Request) -> Log:
    """A run, from its history (one row per step of W&B) and its description."""
    steps_name = request.theirs("env_steps") if request.theirs("env_steps") in history else STEPS
    names = [str(name) for name in history.select_dtypes("number") if name not in (*OF_WANDB, steps_name)]
    names = [name for name in names if not name.startswith("Unnamed")]
    if steps_name not in history:
        raise InputError(
            f"{path}: has no {steps_name} but {listed(names, 12)}; expected: env steps, named by "
            "--column env_steps=NAME"
        )
    notes: list[str] = []
    found: dict[str, Series] = {}
    known = history[history[steps_name].notna()]
    kept = since_restart(known[steps_name].to_numpy(dtype=float))
    notes += restart_note(path, kept)
    known = known[kept]
    reach = int(known[steps_name].max()) if len(known) else 0
    for wanted in names if request.wanted is None else request.wanted:
        if (name := choose(names, wanted, request)) is not None:
            rows = known[known[name].notna()]
            found[wanted], told = series(path, name, rows[steps_name], rows[name], reach)
            notes += told
    config = plain_config(run.get("config", {}))
    state = str(run.get("state", ENDED[0]))
    if state not in ENDED:
        notes.append(f"{path}: W&B says that this run is {state}.")
    facts = facts_of(config)
    return Log(path, "wandb", facts, found, names, settings_of(config), notes, unfinished=state == "running")


def plain_config(config: Any) -> dict[str, Any]:
    """The settings by name. W&B's files have {value: ...} around each."""
    if not isinstance(config, Mapping):
        return {}
    return {
        str(key): value["value"] if isinstance(value, Mapping) and "value" in value else value
        for key, value in config.items()
    }


def ask(project: str, request: Request) -> Iterable[Log]:
    """The runs of ENTITY/PROJECT, or the run ENTITY/PROJECT/RUN, with every row of their history.

    Raises:
        InputError: Wandb is not installed, or W&B does not give the runs.
    """
    try:
        import wandb
    except ImportError:
        raise InputError("wandb is not installed; expected for wandb:...: pip install 'seedbed[wandb]'") from None
    if not 2 <= len(project.split("/")) <= 3 or not all(project.split("/")):
        raise InputError(f"wandb:{project}; expected: wandb:ENTITY/PROJECT or wandb:ENTITY/PROJECT/RUN")
    try:
        api = wandb.Api()
        runs = list(api.runs(project)) if project.count("/") == 1 else [api.run(project)]
        for run in runs:
            yield asked_run(run, request)
    except InputError:
        raise
    except Exception as error:  # whatever the network and the service answer
        raise InputError(f"wandb:{project}: {' '.join(str(error).split())}; expected: runs that W&B can give") from None


def asked_run(run: Any, request: Request) -> Log:
    keys = None
    if request.wanted is not None:
        has = set(run.summary.keys())
        keys = sorted((candidates(request.wanted, request) | {STEPS, request.theirs("env_steps")}) & has)
    rows = list(run.scan_history(keys=keys)) if keys != [] else []
    path = Path(f"wandb:{run.entity}/{run.project}/{run.id}")
    return run_log(path, pd.DataFrame(rows), {"config": dict(run.config), "state": run.state}, request)
