"""The format of a run: its files, its columns, and which settings make two runs the same run or the same variant.

`sweeps` writes runs and `analysis` reads them. Both take the format from here. Nothing here needs PyTorch.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

INFO = "run.json"
PROGRESS = "progress.csv"
TIMING = "timing.csv"
CONFIG = ".hydra/config.yaml"
CHECKPOINT = "checkpoint/state.safetensors"
TRACEBACK = "traceback.txt"
LOCK = ".lock"
EVALUATION = "evaluation.csv"
SWEEP = "sweep.json"
"""File in the directory of a sweep: its jobs and its command line."""
RECORD = "record.json"
"""File in the directory of a planned study: its plan, and what was decided so far."""

ALGO, ENV_ID, STATUS = "algo", "env_id", "status"
KEYS = ("seed", "iteration", "env_steps")
LEADING_COLUMNS = (ALGO, ENV_ID, *KEYS, "episodes", "episodic_return", "episodic_length", STATUS)
"""The first columns of every `progress.csv`. The variant's own columns follow."""

EVALUATED = "eval_"
"""Prefix of the columns of evaluations during training. They are observations: training does not depend on them."""

STUDY = "study.json"
"""File in the directory of a tuning study: what is tuned, in which spaces, with which budget."""

PURPOSE = "purpose"
TUNING, TEST = "tuning", "test"
TUNING_SEEDS = range(1_000_000, 2_000_000)
"""Seeds that only tuning may use. They choose the settings, so they cannot test them."""

OK = "ok"
"""Status of a row. A seed's last row may say `failed: QUANTITY` instead."""

RUNNING, INTERRUPTED, COMPLETE, FAILED = "running", "interrupted", "complete", "failed"
"""Statuses of `run.json`."""

IN_PROGRESS = (RUNNING, INTERRUPTED)

NOT_COMPUTED = ("checkpoint_interval", "logger", "resume", "threads")
"""Keys of the config that change how a run is kept or how fast it is. They make neither another run nor another
variant.
"""

VECTORIZATION = "env.vectorization"

NOT_A_VARIANT = (
    *NOT_COMPUTED,
    *("device", "env.id", "env.module", VECTORIZATION, "evaluation", "num_seeds", "seed"),
)
"""Keys that choose seeds, task, machine and evaluations. They make another run, but not another variant."""

YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SECTION = re.compile(r"^(?=\w+:)", re.MULTILINE)
"""Start of a key of the outermost mapping."""


class InputError(ValueError):
    """Bad input. Its text is one line: the key or file, what is wrong, and what is expected."""


def read_json(path: Path) -> dict[str, Any]:
    """The mapping in a JSON file of a run or sweep.

    Raises:
        InputError: The file cannot be read, or holds no mapping.
    """
    return _read_mapping(path, json.loads)


def read_info(directory: Path) -> dict[str, Any]:
    """The `run.json` of the run in `directory`.

    Raises:
        InputError: The file cannot be read.
    """
    return read_json(directory / INFO)


def has_ended(directory: Path) -> bool:
    """Whether the run in `directory` has trained to its end; single seeds may have failed. Raises InputError."""
    return (directory / INFO).exists() and "progress" in read_info(directory)


def read_config(directory: Path) -> dict[str, Any]:
    """The nested config with which the run in `directory` was started.

    Raises:
        InputError: The file cannot be read.
    """
    return _read_mapping(directory / CONFIG, _parse_config)


def _read_mapping(path: Path, parse: Any) -> dict[str, Any]:
    try:
        content = parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; expected: the file that seedbed train wrote") from None
    except (ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read ({reason}); expected: the file that seedbed train wrote") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no mapping; expected: the file that seedbed train wrote")
    return content


def _parse_config(text: str) -> Any:
    """The content of a YAML text.

    Configs of a sweep share most of their sections, so each section is parsed by itself and kept. A text that is not a
    list of sections is parsed as a whole.

    Raises:
        YAMLError: The text is not YAML.
    """
    try:
        sections = [_parse_section(section) for section in SECTION.split(text) if section]
    except yaml.YAMLError:
        sections = []
    if sections and all(isinstance(section, dict) and len(section) == 1 for section in sections):
        return {key: value for section in sections for key, value in section.items()}
    return yaml.load(text, Loader=YAML_LOADER)


@lru_cache(maxsize=1024)
def _parse_section(text: str) -> Any:
    return yaml.load(text, Loader=YAML_LOADER)


def flatten(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a nested config, with dotted keys."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


@lru_cache(maxsize=4096)
def is_below(key: str, names: tuple[str, ...]) -> bool:
    """Whether a dotted key is one of `names`, or lies in a section of that name."""
    return any(key == name or key.startswith(f"{name}.") for name in names)


def purpose_of(seeds: Sequence[int]) -> str:
    """The purpose of runs with these `seeds`: tuning or test.

    Raises:
        InputError: Some of the seeds are for tuning and some for tests.
    """
    kinds = {TUNING if seed in TUNING_SEEDS else TEST for seed in seeds}
    if len(kinds) > 1:
        raise InputError(
            f"seed={seeds[0]}, num_seeds={len(seeds)}: seeds for tuning ({TUNING_SEEDS[0]} to {TUNING_SEEDS[-1]}) and "
            "others; expected: one kind"
        )
    return kinds.pop()


def schedules(config: Mapping[str, Any]) -> list[str]:
    """The keys of a flat config that schedule a value over all iterations.

    They are called `schedule`, or end in `_schedule`, and are not `constant`.
    """
    names = [key for key in config if key.rpartition(".")[2].endswith("schedule")]
    return [key for key in names if config[key] not in ("constant", None)]


def variant_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a flat config that define the variant. Runs that agree in all of them are seeds of one variant.

    Seeds, task, machine and evaluations do not count. The number of iterations counts only where a schedule depends on
    it: without one, a longer run is the same variant, trained for longer. How environments are stepped does not count,
    but EnvPool's environments are other programs than Gymnasium's, so that difference counts.
    """
    left_out = NOT_A_VARIANT if schedules(config) else (*NOT_A_VARIANT, "iterations")
    settings = {key: value for key, value in config.items() if not is_below(key, left_out)}
    if VECTORIZATION in config:
        settings[VECTORIZATION] = "envpool" if config[VECTORIZATION] == "envpool" else "gymnasium"
    return settings


def run_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a nested config that decide every byte of a run's rows. Runs that agree in them are the same run.

    The number of iterations counts only where a schedule depends on it: without one, more iterations add rows and
    change none. Environments give the same rows in this process (sync) and in worker processes (async).
    """
    flat = dict(flatten(config))
    left_out = NOT_COMPUTED if schedules(flat) else (*NOT_COMPUTED, "iterations")
    settings = {key: value for key, value in flat.items() if not is_below(key, left_out)}
    if settings.get(VECTORIZATION) == "async":
        settings[VECTORIZATION] = "sync"
    return settings


def run_hash(config: Mapping[str, Any]) -> str:
    """A fingerprint of :func:`run_settings`."""
    return hashlib.sha256(json.dumps(run_settings(config), sort_keys=True).encode()).hexdigest()[:16]


def run_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Why a run of the nested config `old` cannot go on with config `new`: `key=old, now new`, for each key."""
    before, after = run_settings(old), run_settings(new)
    was, now = dict(flatten(old)), dict(flatten(new))
    found = [
        f"{key}={was.get(key, 'absent')!r}, now {now.get(key, 'absent')!r}"
        for key in sorted(before.keys() | after.keys())
        if (key in before) != (key in after) or before[key] != after[key]
    ]
    return found or _shrinking(old, new)


def _shrinking(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    if new["iterations"] >= old["iterations"]:
        return []
    return [f"iterations={old['iterations']}, now {new['iterations']}, which may only grow"]
