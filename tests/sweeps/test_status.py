"""``python -m sweeps.status``: what it says of jobs that wait, run, end well, and do not."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from algos.streams import environment_seeds
from sweeps.status import Tree, duration, summary
from tests.sweeps.command import Command, num_rows, run, sizes, train, wait_until


def states(root: Path) -> dict[str, str]:
    return {job.name: job.state for job in Tree(root).jobs()}


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of which the first job is complete, the second was killed, and the third has not begun."""
    root = tmp_path_factory.mktemp("sweeps") / "one"
    lengths = "iterations=3,100000,5"
    started = Command("sweeps.train", "--multirun", *sizes("a2c"), lengths, f"hydra.sweep.dir={root}")
    wait_until(lambda: num_rows(root / "1-a2c-CartPole-v1") > 20)
    assert states(root) == {f"{n}-a2c-CartPole-v1": s for n, s in enumerate(("complete", "running", "waiting"))}
    started.signal(signal.SIGKILL)
    started.wait()
    return root


def test_each_state_is_told_apart(sweep):
    assert list(states(sweep).values()) == ["complete", "stopped", "waiting"]
    ended = run("sweeps.status", sweep)
    assert ended.status == 0
    assert ended.out.splitlines()[-1] == "1 complete, 1 waiting, 1 stopped"
    assert "3/3" in ended.out
    assert "/100000" in ended.out
    ended = run("sweeps.status", sweep.parent, "--once")
    assert "one/1-a2c-CartPole-v1" in ended.out


def test_progress_and_time_left_come_from_the_run_and_not_from_the_clock(sweep):
    _, job, _ = Tree(sweep).jobs()
    lines = (sweep / "1-a2c-CartPole-v1" / "timing.csv").read_text().splitlines()
    assert job.iteration == len(lines) - 1
    seconds = sorted(float(line.split(",")[1]) for line in lines[-10:])
    assert job.seconds_per_iteration == pytest.approx((seconds[4] + seconds[5]) / 2)
    assert job.seconds_left == pytest.approx((100000 - job.iteration) * job.seconds_per_iteration)


def test_a_run_on_another_machine_lives_while_it_writes(sweep, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(sweep / "1-a2c-CartPole-v1", copy)
    (copy / ".lock").write_text("elsewhere")
    for age, state in ((0.0, "running"), (-3600.0, "running"), (3600.0, "stopped")):
        then = time.time() - age
        for name in ("run.json", "timing.csv"):
            os.utime(copy / name, (then, then))
        assert states(tmp_path) == {"run": state}


def test_errors_are_shown(tmp_path):
    bad = environment_seeds([0], 2)[0]
    faulty = ("env.module=tests.sweeps.faulty_tasks", "env.id=seedbed-tests/Faulty-v0", "+env.kwargs.fault=exception")
    assert train(*sizes("a2c"), *faulty, f"+env.kwargs.seeds=[{bad}]", f"hydra.run.dir={tmp_path}/a").status == 1
    (job,) = Tree(tmp_path).jobs()
    assert (job.state, job.trouble) == ("failed", "RuntimeError: the robot fell over")
    assert job.trouble in run("sweeps.status", tmp_path).out


def test_an_empty_directory_has_no_jobs(tmp_path):
    assert summary(Tree(tmp_path).jobs()) == "no jobs"


def test_durations_are_said_in_the_unit_that_suits():
    assert [duration(x) for x in (5, 90, 5400, 2 * 86400)] == ["5 s", "1.5 min", "1.5 h", "2.0 d"]
