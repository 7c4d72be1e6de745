"""A run or sweep that was stopped, however, goes on to the bytes of one that was not."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.composing import VARIANTS
from tests.sweeps.command import Command, files_below, num_rows, run, sizes, train, wait_until

LONG = ("num_seeds=4", "iterations=25", "checkpoint_interval=3")


def rows(directory: Path) -> bytes:
    return (directory / "progress.csv").read_bytes()


def info(directory: Path) -> dict:
    return json.loads((directory / "run.json").read_text())


def tables(directory: Path) -> dict[str, list[bytes]]:
    """The lines of every ``progress.csv`` below."""
    paths = directory.rglob("progress.csv")
    return {str(path.relative_to(directory)): path.read_bytes().splitlines() for path in paths}


def killed_at_random_moments(command: tuple[str, ...], key: str, work: Path, moments: int) -> None:
    """Kill the command a moment after a row drawn from the whole of its rows, resume it, compare every table."""
    assert train(*command, f"{key}={work}/whole").status == 0
    whole = tables(work / "whole")
    lines = sum(map(len, whole.values()))
    assert lines
    rng = random.Random(2024)
    killed = number = 0
    while killed < moments:
        directory = work / str(number)
        number += 1
        started = Command("sweeps.train", *command, f"{key}={directory}")
        row = rng.randrange(lines)
        wait_until(lambda directory=directory, row=row: sum(map(len, tables(directory).values())) >= row)
        time.sleep(rng.uniform(0.0, 0.02))
        started.signal(signal.SIGKILL)
        killed += started.wait().status != 0  # else it came to its end before
        resumed = train(*command, f"{key}={directory}", "resume=true")
        assert resumed.status == 0, resumed
        assert tables(directory) == whole


@pytest.mark.slow
@pytest.mark.parametrize(("algo", "env"), [("a2c", "swingup"), ("ppo", "swingup"), ("trpo", "cartpole")])
def test_a_killed_run_goes_on_to_the_same_bytes(algo, env, tmp_path):
    killed_at_random_moments((*sizes(algo), *LONG, f"env={env}"), "hydra.run.dir", tmp_path, moments=1)


@pytest.mark.slow
def test_a_killed_sweep_goes_on_to_the_same_bytes(tmp_path):
    command = ("--multirun", *sizes("a2c,ppo"), *LONG)
    killed_at_random_moments(command, "hydra.sweep.dir", tmp_path, moments=1)


@pytest.mark.study
@pytest.mark.parametrize("algo", VARIANTS)
def test_twenty_kills_of_each_variant(algo, tmp_path):
    killed_at_random_moments((*sizes(algo), *LONG), "hydra.run.dir", tmp_path, moments=20)


@pytest.mark.study
def test_twenty_kills_of_a_sweep(tmp_path):
    killed_at_random_moments(("--multirun", *sizes("a2c,ppo,trpo"), *LONG), "hydra.sweep.dir", tmp_path, moments=20)


@pytest.mark.slow
def test_joint_critics_schedules_and_rmsprop_resume_to_the_same_bytes(tmp_path):
    command = (
        *sizes("ppo")[:-1],
        "critic=joint",
        "algo.optimiser.schedule=linear",
        "estimator=post",
        "estimator.values_after_fit=false",
        "dtype=float64",
        *LONG,
    )
    killed_at_random_moments(command, "hydra.run.dir", tmp_path, moments=1)


@pytest.fixture(scope="module")
def once_interrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where ``run`` is, a run that stopped on Ctrl-C after a few of its iterations, and ``whole``, which did not."""
    root = tmp_path_factory.mktemp("interrupted")
    command = (*sizes("ppo"), *LONG)
    assert train(*command, f"hydra.run.dir={root}/whole").status == 0
    started = Command("sweeps.train", *command, f"hydra.run.dir={root}/run")
    wait_until(lambda: num_rows(root / "run") > 20)
    started.signal(signal.SIGINT)
    ended = started.wait()
    assert ended.status == 130
    assert f"seedbed resume {root}/run" in ended.out
    assert "Traceback" not in ended.err
    assert info(root / "run")["status"] == "interrupted"
    return root


@pytest.fixture
def interrupted(once_interrupted: Path, tmp_path: Path) -> Path:
    """A copy of the interrupted run; beside it ``whole``."""
    shutil.copytree(once_interrupted, tmp_path, dirs_exist_ok=True)
    return tmp_path / "run"


def test_an_interrupted_run_resumes_by_its_directory(interrupted):
    done = (num_rows(interrupted) - 1) // 4
    assert run("sweeps.resume", interrupted).status == 0
    assert rows(interrupted) == rows(interrupted.parent / "whole")
    record = info(interrupted)
    assert record["status"] == "complete"
    assert [(entry["iteration"], entry["episodes"]) for entry in record["resumed"]] == [(done, "continued")]
    timing = (interrupted / "timing.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in timing[1:]] == [str(number) for number in range(25)]


@pytest.mark.slow
def test_threads_and_checkpoints_may_change_on_resume_and_nothing_else(interrupted):
    command = (*sizes("ppo"), *LONG, f"hydra.run.dir={interrupted}", "resume=true")
    before = files_below(interrupted)
    for change, words in {
        "gamma=0.9": "gamma=0.99, now 0.9",
        "algo.clip_coef=0.3": "algo.clip_coef=0.1, now 0.3",
        "num_seeds=5": "num_seeds=4, now 5",
        "algo=a2c": "algo.name='ppo', now 'a2c'",
    }.items():
        ended = train(*command, change)
        assert ended.is_refusal(), ended
        assert words in ended.err
    assert files_below(interrupted) == before
    assert train(*command, "threads=2", "checkpoint_interval=7").status == 0
    assert rows(interrupted) == rows(interrupted.parent / "whole")


def test_what_is_complete_is_verified_and_left_alone(interrupted):
    whole = interrupted.parent / "whole"
    before = files_below(whole)
    ended = run("sweeps.resume", whole)
    assert (ended.status, "complete already" in ended.out) == (0, True)
    assert files_below(whole) == before
    for damage in (before["progress.csv"][:-20], before["progress.csv"] + b"a2c,", before["progress.csv"].swapcase()):
        (whole / "progress.csv").write_bytes(damage)
        ended = run("sweeps.resume", whole)
        assert ended.is_refusal(), ended
        assert str(whole / "progress.csv") in ended.err
        assert rows(whole) == damage


@pytest.mark.slow
def test_an_interrupted_sweep_finishes_what_is_unfinished(tmp_path):
    command = ("--multirun", *sizes("a2c,ppo"), *LONG, "iterations=12", "seed=0,4")
    assert train(*command, f"hydra.sweep.dir={tmp_path}/whole").status == 0
    sweep = tmp_path / "it's a sweep"
    quoted = "hydra.sweep.dir='" + str(sweep).replace("'", "\\'") + "'"
    started = Command("sweeps.train", *command, quoted)
    wait_until(lambda: num_rows(sweep / "1-a2c-CartPole-v1") > 10)
    started.signal(signal.SIGTERM)
    ended = started.wait()
    assert ended.status == 143
    assert "seedbed resume" in ended.out
    first = files_below(sweep / "0-a2c-CartPole-v1")
    assert not (sweep / "2-ppo-CartPole-v1" / "run.json").exists()
    ended = run("sweeps.resume", sweep)
    assert ended.status == 0, ended
    assert "4 complete" in ended.out
    assert files_below(sweep / "0-a2c-CartPole-v1") == first
    for job in ("0-a2c", "1-a2c", "2-ppo", "3-ppo"):
        assert rows(sweep / f"{job}-CartPole-v1") == rows(tmp_path / "whole" / f"{job}-CartPole-v1")


@pytest.mark.slow
def test_seeds_split_over_jobs_write_the_rows_of_one_job(tmp_path):
    common = (*sizes("trpo"), "iterations=4")
    assert train(*common, "num_seeds=6", f"hydra.run.dir={tmp_path}/one").status == 0
    split = ("seed=0,2,4", "num_seeds=2", f"hydra.sweep.dir={tmp_path}/split")
    assert train("--multirun", *common, *split).status == 0
    header, *one = rows(tmp_path / "one").splitlines()
    parts = [rows(tmp_path / "split" / f"{number}-trpo-CartPole-v1").splitlines() for number in range(3)]
    assert all(part[0] == header for part in parts)
    assert sorted(one) == sorted(row for part in parts for row in part[1:])


@pytest.mark.slow
@pytest.mark.parametrize("vectorization", ["sync", "async"])
def test_a_task_that_cannot_be_saved_goes_on_with_fresh_episodes(vectorization, tmp_path):
    task = (f"env.vectorization={vectorization}", "iterations=2000", "checkpoint_interval=2", "num_seeds=2")
    started = Command("sweeps.train", *sizes("a2c"), *task, f"hydra.run.dir={tmp_path}/run")
    wait_until(lambda: num_rows(tmp_path / "run") > 20)
    started.signal_group(signal.SIGTERM)
    assert started.wait().status == 143
    assert "error" not in info(tmp_path / "run")
    before = rows(tmp_path / "run")
    resumed = Command("sweeps.resume", tmp_path / "run")
    wait_until(lambda: num_rows(tmp_path / "run") > before.count(b"\n") + 10)
    resumed.signal(signal.SIGTERM)
    assert resumed.wait().status == 143
    assert rows(tmp_path / "run").startswith(before)
    (entry,) = info(tmp_path / "run")["resumed"]
    assert entry["episodes"] == "fresh"
    assert entry["iteration"] == (before.count(b"\n") - 1) // 2


@contextmanager
def by_itself(module: str, *arguments: object, out: Path) -> Iterator[subprocess.Popen]:
    """``python -m MODULE ARGUMENTS``, not forked: a process of multiprocessing would wait for joblib's to be idle for
    minutes before it ends. Nothing that it has started is left behind."""
    with out.open("w") as file:
        program = [sys.executable, "-m", module, *map(str, arguments)]
        process = subprocess.Popen(program, stdout=file, stderr=file, start_new_session=True)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.study
def test_a_sweep_by_joblib_stops_on_sigterm_and_goes_on(tmp_path):
    command = ("--multirun", *sizes("a2c"), "num_seeds=2", "iterations=150", "checkpoint_interval=20", "seed=0,2,4")
    assert train(*command, f"hydra.sweep.dir={tmp_path}/whole").status == 0
    parallel = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2", f"hydra.sweep.dir={tmp_path}/sweep")
    with by_itself("sweeps.train", *command, *parallel, out=tmp_path / "out") as started:
        wait_until(lambda: num_rows(tmp_path / "sweep" / "1-a2c-CartPole-v1") > 10, seconds=120)
        started.terminate()
        assert started.wait(120) == 143
    assert "1 waiting" in (tmp_path / "out").read_text()
    for number in range(2):
        directory = tmp_path / "sweep" / f"{number}-a2c-CartPole-v1"
        assert info(directory)["status"] == "interrupted"
        assert (directory / "checkpoint" / "state.safetensors").exists()
    with by_itself("sweeps.resume", tmp_path / "sweep", out=tmp_path / "out") as resumed:
        assert resumed.wait(120) == 0
    for number in range(3):
        job = f"{number}-a2c-CartPole-v1"
        assert rows(tmp_path / "sweep" / job) == rows(tmp_path / "whole" / job)
