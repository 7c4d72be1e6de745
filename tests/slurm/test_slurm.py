"""Sweeps on a real SLURM that this test sets up: jobs are preempted, requeued and killed in the middle."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sweeps.command import num_rows, run, sizes, train, wait_until

pytestmark = [pytest.mark.slurm, pytest.mark.skipif(sys.platform != "linux", reason="SLURM runs on Linux only")]

CLUSTER = Path(__file__).parent / "cluster.sh"
COMMAND = (*sizes("a2c"), "num_seeds=2", "iterations=2000", "checkpoint_interval=50")
JOBS = ("0-a2c-CartPole-v1", "1-a2c-CartPole-v1")


@pytest.fixture(scope="module", autouse=True)
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    if shutil.which("slurmctld", path=os.environ["PATH"] + ":/usr/sbin") is None:
        pytest.fail("needs SLURM: apt-get install slurm-wlm munge")
    directory = tmp_path_factory.mktemp("slurm")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SLURM_CONF", str(directory / "slurm.conf"))
        try:
            subprocess.run([CLUSTER, "start", directory], check=True)
            yield
        finally:
            subprocess.run([CLUSTER, "stop", directory], check=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sweep as it is when nothing happens to it, on this machine."""
    directory = tmp_path_factory.mktemp("whole")
    assert train("--multirun", *COMMAND, "seed=0,2", f"hydra.sweep.dir={directory}").status == 0
    return directory


def scheduler(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def states() -> list[str]:
    return scheduler("squeue", "--noheader", "--array", "--format=%T").split()


@pytest.fixture
def sweep(tmp_path: Path, whole: Path) -> Iterator[tuple[Path, subprocess.Popen]]:
    """A sweep on the cluster whose jobs have begun to train, and the command that waits for it."""
    launcher = ("hydra/launcher=submitit_slurm", "hydra.launcher.cpus_per_task=1", "hydra.launcher.partition=normal")
    command = ("-m", "sweeps.train", "--multirun", *launcher, *COMMAND, "seed=0,2", f"hydra.sweep.dir={tmp_path}/sweep")
    with (tmp_path / "log").open("w") as log:
        waiting = subprocess.Popen([sys.executable, *command], stdout=log, stderr=log)
    try:
        wait_until(lambda: all(num_rows(tmp_path / "sweep" / job) > 10 for job in JOBS), seconds=180)
        yield tmp_path / "sweep", waiting
    finally:
        waiting.kill()
        waiting.wait()
        subprocess.run(["scancel", "--user", str(os.getuid()), "--signal=KILL", "--full"], check=False)
        subprocess.run(["scancel", "--user", str(os.getuid())], check=False)
        wait_until(lambda: states() == [], seconds=120)


def same_bytes(directory: Path, whole: Path) -> bool:
    return all(
        (directory / job / "progress.csv").read_bytes() == (whole / job / "progress.csv").read_bytes() for job in JOBS
    )


def was_resumed(directory: Path) -> bool:
    record = json.loads((directory / "run.json").read_text())
    assert record["status"] == "complete"
    return [entry["episodes"] for entry in record.get("resumed", [])] == ["continued"]


def test_a_preempted_sweep_goes_on_by_itself(sweep, whole):
    directory, waiting = sweep
    scheduler("sbatch", "--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap=sleep 1")
    assert waiting.wait(timeout=400) == 0, (directory.parent / "log").read_text()
    assert all(was_resumed(directory / job) for job in JOBS)
    assert same_bytes(directory, whole)
    assert "2 complete" in (directory.parent / "log").read_text()


def test_a_job_warned_of_its_time_limit_checkpoints_and_requeues_itself(sweep, whole):
    directory, waiting = sweep
    job = scheduler("squeue", "--noheader", "--array", "--format=%i").split()[0]
    scheduler("scancel", "--signal=USR2", job)
    assert waiting.wait(timeout=400) == 0, (directory.parent / "log").read_text()
    assert [was_resumed(directory / name) for name in JOBS].count(True) == 1
    assert same_bytes(directory, whole)


def test_killed_jobs_are_resumed_on_the_cluster(sweep, whole):
    directory, waiting = sweep
    scheduler("scancel", "--signal=KILL", *set(scheduler("squeue", "--noheader", "--array", "--format=%i").split()))
    wait_until(lambda: states() == [], seconds=60)
    waiting.kill()  # it would learn of the end from SLURM's accounting, which this cluster has not
    ended = run("sweeps.status", directory)
    assert "2 stopped" in ended.out
    command = [sys.executable, "-m", "sweeps.resume", str(directory)]
    assert subprocess.run(command, check=False, timeout=400, capture_output=True).returncode == 0
    assert all(was_resumed(directory / job) for job in JOBS)
    assert same_bytes(directory, whole)


def test_a_cancelled_job_leaves_a_checkpoint(sweep):
    directory, _ = sweep
    scheduler("scancel", "--user", str(os.getuid()))
    wait_until(lambda: states() == [], seconds=60)
    for job in JOBS:
        assert (directory / job / "checkpoint" / "state.safetensors").exists()
