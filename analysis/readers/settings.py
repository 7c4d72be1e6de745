"""Settings in logs of other programs. Files are read as data: no object is ever made from them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from analysis.run_format import InputError, flatten

TASK_KEYS = ("env_id", "env", "env_name", "gym_id", "task")
VARIANT_KEYS = ("exp_name", "algo", "algo_name", "algorithm")

NO_SETTINGS = {
    *TASK_KEYS, *VARIANT_KEYS,
    *("seed", "device", "cuda", "verbose", "uuid", "track", "capture_video", "save_model", "upload_model", "hf_entity"),
    *("log_folder", "logdir", "tensorboard_log", "monitor_log", "conf_file", "log_interval", "save_freq", "run_name"),
    *("wandb_project_name", "wandb_entity", "wandb_tags", "wandb_version", "_wandb", "progress", "no_optim_plots"),
    *("num_threads", "torch_deterministic", "optimization_log_path", "storage", "study_name", "trained_agent"),
    *("eval_freq", "eval_episodes", "eval_env_kwargs", "n_eval_envs", "save_replay_buffer", "vec_env", "optimize"),
    *("_n_gpu", "wandb_project", "resume_path", "watch", "resume", "log_path", "video_frequency", "render"),
}  # fmt: skip
"""Keys that choose seed, task and machine, or how a run is watched. They do not make another variant."""


class DataLoader(yaml.SafeLoader):
    """Reads YAML that Python wrote from its own objects.

    Ordered mappings and tuples become plain data; any other object becomes the text of its name.
    """


def python_data(loader: DataLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        content = loader.construct_sequence(node, deep=True)
        if suffix.endswith("collections.OrderedDict"):
            pairs = content[0] if content else []
            return {str(key): value for key, value in pairs}
        return content if suffix == "tuple" else f"{suffix}{content}"
    return suffix


DataLoader.add_multi_constructor("tag:yaml.org,2002:python/", python_data)


def read_yaml(path: Path) -> dict[str, Any]:
    """The nested mapping in a YAML file.

    Raises:
        InputError: The file cannot be read, or holds no mapping.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=DataLoader)
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read ({' '.join(str(error).split())}); expected: YAML") from None
    return checked(path, content)


def read_json(path: Path) -> dict[str, Any]:
    """The mapping in a JSON file.

    Raises:
        InputError: The file cannot be read, holds no mapping, or names a key twice.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=each_key_once)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({' '.join(str(error).split())}); expected: JSON") from None
    return checked(path, content)


def each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON mapping.

    Raises:
        ValueError: It has a key twice. A parser would drop one of them silently.
    """
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"{next(key for key in keys if keys.count(key) > 1)} is there twice")
    return content


def checked(path: Path, content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no mapping; expected: settings by their names")
    return content


def settings_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that define a variant, from a nested mapping, with dotted keys."""
    kept = {key: value for key, value in content.items() if key not in NO_SETTINGS and not key.startswith("_")}
    return {key: value for key, value in flatten(kept) if value is not None}


def facts_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """Variant, task and seed, as far as recorded settings say them."""
    facts: dict[str, Any] = {}
    for fact, keys in (("variant", VARIANT_KEYS), ("task", TASK_KEYS), ("seed", ("seed",))):
        found = [content[key] for key in keys if isinstance(content.get(key), (str, int))]
        if found:
            facts[fact] = found[0]
    return facts
