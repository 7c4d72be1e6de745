"""The file of a sweep, ``sweep.json``: its jobs, and the command line that made them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.run_format import RECORD, STUDY, SWEEP, read_json
from sweeps.errors import InputError
from sweeps.files import write_json

JOB_KEYS = {"directory", "algo", "env_id", "seed", "num_seeds", "iterations"}


def write_sweep(
    sweep: Path,
    overrides: Sequence[str],
    config_dir: str | None,
    directories: Sequence[str],
    contents: Sequence[Mapping[str, Any]],
    job_overrides: Sequence[Sequence[str]],
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
        for old in read_jobs(sweep):
            job = {key: old[key] for key in JOB_KEYS}
            longer = [new for new in jobs if new["iterations"] >= job["iterations"]]
            if job not in [new | {"iterations": job["iterations"]} for new in longer]:
                raise InputError(
                    f"hydra.sweep.dir={sweep}: holds a sweep with other jobs ({job['directory']}, seed {job['seed']}, "
                    f"iterations {job['iterations']}); expected: a new directory, or a sweep that has these jobs too"
                )
    common = set(job_overrides[0]).intersection(*job_overrides)
    for job, own in zip(jobs, job_overrides, strict=True):
        job["overrides"] = [override for override in own if override not in common]
    _write(sweep, overrides, config_dir, jobs)


def write_command(sweep: Path, overrides: Sequence[str], config_dir: str | None) -> None:
    """Write down a sweep's command line before its jobs are known; jobs that are listed already stay listed."""
    _write(sweep, overrides, config_dir, read_jobs(sweep) if (sweep / SWEEP).exists() else [])


def _write(sweep: Path, overrides: Sequence[str], config_dir: str | None, jobs: list[dict[str, Any]]) -> None:
    write_json(sweep / SWEEP, {"overrides": list(overrides), "config_dir": config_dir, "jobs": jobs})


def read_jobs(sweep: Path) -> list[dict[str, Any]]:
    """The jobs of a sweep; ``overrides`` of each are those that not all jobs have.

    Raises:
        InputError: ``sweep.json`` is not one.
    """
    jobs = read_json(sweep / SWEEP).get("jobs")
    if not isinstance(jobs, list) or any(not isinstance(job, dict) or not job.keys() >= JOB_KEYS for job in jobs):
        raise InputError(f"{sweep / SWEEP}: lists no jobs; expected: the file that seedbed train wrote")
    return [{"overrides": [], **job} for job in jobs]


def find_job(sweep: Path, directory: str) -> tuple[str, str]:
    """Which job of a sweep has a directory, as "job 3 of 6", and its own overrides in one text."""
    jobs = read_jobs(sweep)
    number = [job["directory"] for job in jobs].index(directory)
    return f"job {number + 1} of {len(jobs)}", " ".join(jobs[number]["overrides"])


def sweep_command(sweep: Path) -> list[str]:
    """The arguments by which ``seedbed train`` goes on with a sweep in the directory that it is in now.

    Raises:
        InputError: ``sweep.json`` has none.
    """
    content = read_json(sweep / SWEEP)
    overrides, config_dir = content.get("overrides"), content.get("config_dir")
    if not isinstance(overrides, list) or not all(isinstance(override, str) for override in overrides):
        raise InputError(f"{sweep / SWEEP}: has no overrides; expected: the file that seedbed train wrote")
    replaced = ("resume=", "hydra.sweep.dir=")
    quoted = str(sweep).replace("\\", "\\\\").replace("'", "\\'")
    return [
        *([f"--config-dir={config_dir}"] if config_dir else []),
        *(override for override in overrides if not override.startswith(replaced)),
        f"hydra.sweep.dir='{quoted}'",
        "resume=true",
    ]


def study_command(study: Path) -> list[str]:
    """What of a tuning study may name code: what its runs are told, each choice of its spaces, and its score."""
    content = read_json(study / STUDY)
    config_dir = content.get("config_dir")
    arguments = [f"--config-dir={config_dir}"] if config_dir else []
    arguments += [f"score={content.get('score')}", *_texts(content.get("overrides"))]
    arguments += [f"{key}={name}" for key in ("algo", "env") for name in _texts(content.get(key))]
    for space in (content.get("spaces") or {}).values():
        for key, distribution in space.items():
            arguments += [f"{key}={choice}" for choice in distribution.get("choices", [None])]
    return arguments


def planned_command(study: Path) -> list[str]:
    """What of a planned study may name code, read without making a plan of it: that would import its score."""
    content = read_json(study / RECORD)
    arguments = []
    for plan in (content.get("plan") or {}, content.get("plan_now") or {}):
        tasks = plan.get("tasks") or {}
        told = [*_texts(plan.get("overrides")), *_texts(tasks), *_texts(plan.get("variants"))]
        told += _texts(content.get("tuned"))
        arguments += [f"score={plan.get('score')}"]
        arguments += [override.replace("{task}", task) for task in tasks for override in told]
    return arguments


def _texts(content: Any) -> list[str]:
    """Every text in nested containers, but for keys."""
    if isinstance(content, str):
        return [content]
    values = content.values() if isinstance(content, dict) else content if isinstance(content, list) else []
    return [text for value in values for text in _texts(value)]
