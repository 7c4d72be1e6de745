"""A tree of 10,000 finished runs: how long looking at it and loading it take. Prints what sweeps/README.md says."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.sweeps.command import sizes, train

RUNS = 10_000
MEASURE = """
import resource, sys, time
start = time.perf_counter()
{command}
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of 10,000 runs of one seed and 100 iterations each, made from one."""
    root = tmp_path_factory.mktemp("tree")
    assert train(*sizes("a2c"), "iterations=100", f"hydra.run.dir={root}/model").status == 0
    files = {name: (root / "model" / name).read_text() for name in ("run.json", "progress.csv", "timing.csv")}
    config = (root / "model" / ".hydra" / "config.yaml").read_text()
    jobs = []
    for seed in range(RUNS):
        directory = root / "sweep" / f"{seed}-a2c-CartPole-v1"
        (directory / ".hydra").mkdir(parents=True)
        (directory / "run.json").write_text(json.dumps(json.loads(files["run.json"]) | {"seeds": [seed]}))
        (directory / "progress.csv").write_text(files["progress.csv"].replace("CartPole-v1,0,", f"CartPole-v1,{seed},"))
        (directory / "timing.csv").write_text(files["timing.csv"])
        (directory / ".hydra" / "config.yaml").write_text(config.replace("seed: 0", f"seed: {seed}"))
        job = {"directory": directory.name, "algo": "a2c", "env_id": "CartPole-v1", "seed": seed}
        jobs.append(job | {"num_seeds": 1, "iterations": 100})
    (root / "sweep" / "sweep.json").write_text(json.dumps({"overrides": [], "jobs": jobs}))
    return root / "sweep"


def measured(command: str) -> tuple[str, float, float]:
    """What it printed before, seconds, and MiB at most."""
    program = [sys.executable, "-c", MEASURE.format(command=command)]
    *lines, last = subprocess.run(program, check=True, capture_output=True, text=True).stdout.splitlines()
    seconds, mebibytes = map(float, last.split())
    return "\n".join(lines), seconds, mebibytes


@pytest.mark.study
def test_status_of_ten_thousand_runs(tree, capsys):
    commands = f"from sweeps.status import Tree, summary\ntree = Tree(__import__('pathlib').Path({str(tree)!r}))\n"
    first = measured(commands + "print(summary(tree.jobs()))")
    again = measured(commands + "tree.jobs()\nstart = time.perf_counter()\nprint(summary(tree.jobs()))")
    with capsys.disabled():
        print(f"\nstatus: {first[1]:.1f} s, {first[2]:.0f} MiB; each refresh after it {again[1]:.2f} s")
    assert first[0] == again[0] == "10000 complete"
    assert first[1] < 60


@pytest.mark.study
def test_loading_ten_thousand_runs(tree, capsys):
    load = f"from analysis.runs.dataset import load_runs\nframe = load_runs({str(tree)!r})\n"
    printed, seconds, mebibytes = measured(load + "print(len(frame), frame['seed'].nunique())")
    with capsys.disabled():
        print(f"\nload_runs: {seconds:.1f} s, {mebibytes:.0f} MiB")
    assert printed == f"{100 * RUNS} {RUNS}"
    assert seconds < 300


@pytest.mark.study
def test_composing_and_checking_a_sweep_of_a_thousand_jobs(tmp_path, capsys):
    start = time.perf_counter()
    ended = train("--multirun", *sizes("a2c"), "seed=range(1000)", "gamma=2", f"hydra.sweep.dir={tmp_path}/sweep")
    composed = time.perf_counter() - start
    with capsys.disabled():
        print(f"\ncomposing a sweep of 1,000 jobs: {composed:.1f} s")
    assert ended.is_refusal()
