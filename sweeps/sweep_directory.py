"""The file of a sweep, ``sweep.json``: its jobs and its command line."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.run_format import RECORD, STUDY, SWEEP, read_json
from sweeps.errors import InputError
from sweeps.files import write_json
from sweeps.overrides import override

JOB_KEYS = {"directory", "algo", "env_id", "seed", "num_seeds", "iterations"}


def write_sweep(
    sweep: Path,
    overrides: Sequence[str],
    config_dir: str | None,
    directories: Sequence[str],
    contents: Sequence[Mapping[str, Any]],
    job_overrides: Sequence[Sequence[str]],
) -> None:
    """Write the list of a sweep's jobs.

    A sweep may grow: ``algo=a2c,ppo`` may become ``algo=a2c,ppo,trpo``, and its jobs may get more iterations.

    Args:
        sweep: the directory of the sweep.
        overrides: those of the command line.
        config_dir: the user's folder of options.
        directories: where each job is, relative to ``sweep``.
        contents: the composed config of each job.
        job_overrides: the overrides of each job.

    Raises:
        InputError: The directory holds a sweep with other jobs.
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
        job["overrides"] = [each for each in own if each not in common]
    _write(sweep, overrides, config_dir, jobs)


def write_command(sweep: Path, overrides: Sequence[str], config_dir: str | None) -> None:
    """Write the command line of a sweep before its jobs are known; keep the jobs that are listed."""
    _write(sweep, overrides, config_dir, read_jobs(sweep) if (sweep / SWEEP).exists() else [])


def _write(sweep: Path, overrides: Sequence[str], config_dir: str | None, jobs: list[dict[str, Any]]) -> None:
    write_json(sweep / SWEEP, {"overrides": list(overrides), "config_dir": config_dir, "jobs": jobs})


def read_jobs(sweep: Path) -> list[dict[str, Any]]:
    """The jobs of a sweep; their ``overrides`` are those that not all jobs share.

    Raises:
        InputError: ``sweep.json`` lists no jobs.
    """
    jobs = read_json(sweep / SWEEP).get("jobs")
    if not isinstance(jobs, list) or any(not isinstance(job, dict) or not job.keys() >= JOB_KEYS for job in jobs):
        raise InputError(f"{sweep / SWEEP}: lists no jobs; expected: the file that seedbed train wrote")
    return [{"overrides": [], **job} for job in jobs]


def find_job(sweep: Path, directory: str) -> tuple[str, str]:
    """The number of the job in a directory, such as "job 3 of 6", and its own overrides as one text."""
    jobs = read_jobs(sweep)
    number = [job["directory"] for job in jobs].index(directory)
    return f"job {number + 1} of {len(jobs)}", " ".join(jobs[number]["overrides"])


def sweep_command(sweep: Path) -> list[str]:
    """The arguments by which ``seedbed train`` continues a sweep, in its present directory.

    Raises:
        InputError: ``sweep.json`` has no command line.
    """
    content = read_json(sweep / SWEEP)
    overrides, config_dir = content.get("overrides"), content.get("config_dir")
    if not isinstance(overrides, list) or not all(isinstance(each, str) for each in overrides):
        raise InputError(f"{sweep / SWEEP}: has no overrides; expected: the file that seedbed train wrote")
    replaced = ("resume=", "hydra.sweep.dir=")
    return [
        *([f"--config-dir={config_dir}"] if config_dir else []),
        *(each for each in overrides if not each.startswith(replaced)),
        override("hydra.sweep.dir", str(sweep)),
        "resume=true",
    ]


def study_command(study: Path) -> list[str]:
    """Everything in a tuning study that may name code: overrides, choices of its spaces, its score."""
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
    """Everything in a planned study that may name code.

    It is read from the JSON file, because reading the plan would import its score.
    """
    content = read_json(study / RECORD)
    arguments = []
    for plan in (content.get("plan") or {}, content.get("plan_now") or {}):
        tasks = plan.get("tasks") or {}
        told = [*_texts(plan.get("overrides")), *_texts(tasks), *_texts(plan.get("variants"))]
        told += _texts(content.get("tuned"))
        arguments += [f"score={plan.get('score')}"]
        arguments += [each.replace("{task}", task) for task in tasks for each in told]
    return arguments


def _texts(content: Any) -> list[str]:
    """All texts in nested dictionaries and lists, without keys."""
    if isinstance(content, str):
        return [content]
    values = content.values() if isinstance(content, dict) else content if isinstance(content, list) else []
    return [text for value in values for text in _texts(value)]
