"""Record the code, the software and the machine that made a run."""

import hashlib
import importlib.metadata
import inspect
import os
import platform
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FunctionType
from typing import Any

import torch
from numba.core.registry import cpu_target

from algos.machine import processor_name
from algos.parts import find_class
from analysis.run_format import PURPOSE, RUNNING, flatten, purpose_of, run_hash
from sweeps import ROOT

PACKAGES = ["seedbed", "torch", "numpy", "numba", "gymnasium", "hydra-core"]


def _git(directory: Path, *arguments: str) -> str | None:
    """The output of a git command in a directory; None if git is missing or fails."""
    try:
        command = ["git", "-C", str(directory), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def commit_of(directory: Path) -> str | None:
    """The commit that is checked out, with ``-dirty`` if tracked files were changed; None outside of git."""
    return _git(directory, "describe", "--always", "--dirty", "--abbrev=12", "--exclude", "*")


def own_commit() -> str | None:
    """The commit of seedbed's own checkout; None for an installed package, even inside another repository."""
    tracked = _git(ROOT, "ls-files", "--error-unmatch", "sweeps/__init__.py")
    return None if tracked is None else commit_of(ROOT)


def user_repository(directory: Path) -> dict[str, str | None] | None:
    """The path and commit of the repository around a directory; None if there is none or it is seedbed's own."""
    top = _git(directory, "rev-parse", "--show-toplevel")
    if top is None or (own_commit() is not None and Path(top).resolve() == ROOT):
        return None
    return {"path": top, "commit": commit_of(directory)}


def software() -> dict[str, Any]:
    """The commits, the versions and the machine, with the processor features that compiled code uses."""
    _, processor, features = cpu_target.target_context.codegen().magic_tuple()
    return {
        "commit": own_commit(),
        "repository": user_repository(Path.cwd()),
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in PACKAGES},
        "host": {
            "system": platform.platform(),
            "processor": processor_name(),
            "cores": os.cpu_count(),
            "compiled_for": {
                "numba": processor,
                "numba_features": " ".join(name[1:] for name in features.split(",") if name.startswith("+")),
                "torch": torch.backends.cpu.get_cpu_capability(),
            },
        },
    }


def parts(content: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Describe the classes that a config names in ``_target_``, by the key of their section.

    Each has its class, its file and the file's SHA-256. ``patched`` lists methods that came from another file at run
    time.
    """
    targets = {key.removesuffix("._target_"): target for key, target in flatten(content) if key.endswith("._target_")}
    return {section: _part(find_class(target)) for section, target in targets.items()}


def _part(found: type) -> dict[str, Any]:
    path = inspect.getsourcefile(found)
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else None
    part: dict[str, Any] = {"class": f"{found.__module__}.{found.__qualname__}", "file": path, "sha256": digest}
    patched = {}
    for name, method in vars(found).items():
        if isinstance(method, FunctionType) and path is not None:
            written = inspect.unwrap(method).__code__.co_filename
            generated = name.startswith("__") and written.startswith("<")  # a dataclass's
            if not generated and Path(written).resolve() != Path(path).resolve():
                patched[name] = written
    return part | ({"patched": patched} if patched else {})


def describe(content: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """The content of ``run.json`` when a run starts: what is computed, by which versions, on which machine."""
    seeds = range(content["seed"], content["seed"] + content["num_seeds"])
    return {
        "status": RUNNING,
        "algo": content["algo"]["name"],
        "env_id": content["env"]["id"],
        PURPOSE: purpose_of(seeds),
        "seeds": list(seeds),
        "iterations": content["iterations"],
        "failed_seeds": [],
        "config_hash": run_hash(content),
        "parts": parts(content),
        "command": shlex.join(["seedbed", "train", *overrides]),
        **software(),
    }
