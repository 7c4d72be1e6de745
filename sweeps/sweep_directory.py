"""The file of a sweep, ``sweep.json``: its jobs, and the command line that made them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.run_format import SWEEP, read_json
from sweeps.errors import InputError
from sweeps.files import write_json


def write_sweep(
    sweep: Path, overrides: Sequence[str], directories: Sequence[str], contents: Sequence[Mapping[str, Any]]
) -> None:
    """List the jobs of a sweep: where each is, below ``sweep``, and what of its config tells it apart.

    A sweep that is there already may be added to: ``algo=a2c,ppo`` may become ``algo=a2c,ppo,trpo``, and its jobs may
    get more iterations.

    Raises:
        InputError: the directory holds a sweep with other jobs.
    """
    jobs = [
        {
            "directory": directory,
            "algo": content["algo"]["name"],
            "env_id": content["env"]["id"],
            "seed": content["seed"],
            "num_seeds": content["num_seeds"],
            "iterations": content["iterations"],
        }
        for directory, content in zip(directories, contents, strict=True)
    ]
    if (sweep / SWEEP).exists():
        for job in read_jobs(sweep):
            longer = [new for new in jobs if new["iterations"] >= job["iterations"]]
            if job not in [new | {"iterations": job["iterations"]} for new in longer]:
                raise InputError(
                    f"hydra.sweep.dir={sweep}: holds a sweep with other jobs ({job['directory']}, seed {job['seed']}, "
                    f"iterations {job['iterations']}); allowed: a new directory, or a sweep that has its jobs too"
                )
    write_json(sweep / SWEEP, {"overrides": list(overrides), "jobs": jobs})


def read_jobs(sweep: Path) -> list[dict[str, Any]]:
    """The jobs of a sweep.

    Raises:
        InputError: ``sweep.json`` is not one.
    """
    content = read_json(sweep / SWEEP)
    jobs = content.get("jobs")
    keys = {"directory", "algo", "env_id", "seed", "num_seeds", "iterations"}
    if not isinstance(jobs, list) or any(not isinstance(job, dict) or job.keys() != keys for job in jobs):
        raise InputError(f"{sweep / SWEEP}: lists no jobs; allowed: the file that sweeps.train wrote")
    return jobs


def resume_overrides(sweep: Path) -> list[str]:
    """The overrides of the sweep's command line, with ``resume=true`` and the directory it is in now."""
    overrides = read_json(sweep / SWEEP).get("overrides")
    if not isinstance(overrides, list):
        raise InputError(f"{sweep / SWEEP}: has no overrides; allowed: the file that sweeps.train wrote")
    replaced = ("resume=", "hydra.sweep.dir=")
    quoted = str(sweep).replace("\\", "\\\\").replace("'", "\\'")
    return [
        *(override for override in overrides if not override.startswith(replaced)),
        f"hydra.sweep.dir='{quoted}'",
        "resume=true",
    ]
