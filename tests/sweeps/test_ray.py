"""Sweeps on a real Ray cluster on this machine, whose workers are killed in the middle."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sweeps.command import num_rows, sizes, train, wait_until

pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells, in /proc/locks, which process holds a lock"),
]

COMMAND = (*sizes("a2c"), "num_seeds=2", "iterations=600", "checkpoint_interval=50", "seed=0,2")
JOBS = ("0-a2c-CartPole-v1", "1-a2c-CartPole-v1")


def holder(directory: Path) -> int | None:
    """The process that trains a run, found by the lock it holds."""
    inode = (directory / ".lock").stat().st_ino
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if fields[1] == "FLOCK" and fields[5].endswith(f":{inode}"):
            return int(fields[4])
    return None


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_a_job_whose_worker_is_killed_goes_on_by_itself(signum, tmp_path):
    ray = Path(sys.executable).with_name("ray")
    ports = ["--port=6379", "--include-dashboard=false", f"--temp-dir=/tmp/ray-{os.getpid()}"]
    subprocess.run([ray, "start", "--head", "--num-cpus=2", *ports], check=True, capture_output=True)
    try:
        launcher = ("hydra/launcher=ray", "hydra.launcher.ray.init.address=127.0.0.1:6379")
        command = ["-m", "sweeps.train", "--multirun", *launcher, *COMMAND, f"hydra.sweep.dir={tmp_path}/sweep"]
        with (tmp_path / "log").open("w") as log:
            sweep = subprocess.Popen([sys.executable, *command], stdout=log, stderr=log)
        job = tmp_path / "sweep" / JOBS[0]
        wait_until(lambda: num_rows(job) > 110, seconds=180)
        worker = holder(job)
        assert worker is not None
        os.kill(worker, signum)
        assert sweep.wait(timeout=400) == 0, (tmp_path / "log").read_text()
    finally:
        subprocess.run([ray, "stop", "--force"], check=False, capture_output=True)
    record = json.loads((job / "run.json").read_text())
    assert record["status"] == "complete"
    assert record["resumed"][0]["episodes"] == "continued"
    assert train("--multirun", *COMMAND, f"hydra.sweep.dir={tmp_path}/whole").status == 0
    for name in JOBS:
        mine, whole = (tmp_path / parent / name / "progress.csv" for parent in ("sweep", "whole"))
        assert mine.read_bytes() == whole.read_bytes()
