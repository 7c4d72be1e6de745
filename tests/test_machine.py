"""What the machine is, and training on systems that tell less about it than Linux."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numba import njit

from algos import machine

ELSEWHERE = Path(__file__).parent / "elsewhere"


def python_elsewhere(*arguments: object) -> subprocess.CompletedProcess[str]:
    """A Python without CPU affinity and ``/proc``."""
    search = os.pathsep.join([str(ELSEWHERE), str(Path(__file__).parents[1])])
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, env=os.environ | {"PYTHONPATH": search}, capture_output=True, text=True, check=False)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems lack affinity and /proc already")
def test_elsewhere_is_without_affinity_and_proc():
    assert "AttributeError" in python_elsewhere("-c", "import os; os.sched_getaffinity").stderr
    assert "FileNotFoundError" in python_elsewhere("-c", "open('/proc/cpuinfo')").stderr


@pytest.mark.slow
def test_trains_with_worker_processes_without_affinity_and_proc(tmp_path):
    """The number of threads and that of worker processes are left to the program."""
    sizes = ("num_envs=2", "num_steps=8", "iterations=2", "num_seeds=2", "critic.update_epochs=2")
    ended = python_elsewhere(
        *("-m", "sweeps.train", "algo=a2c", "env.vectorization=async", *sizes, f"hydra.run.dir={tmp_path}/run")
    )
    assert ended.returncode == 0, ended
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["status"] == "complete"
    assert record["host"]["processor"]
    assert len((tmp_path / "run" / "progress.csv").read_text().splitlines()) == 1 + 2 * 2


def test_usable_cores_are_those_allowed(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5, 6}, raising=False)
    assert machine.usable_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 10)
    assert machine.usable_cores() == 10


def test_the_processors_name(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert machine.processor_name() == platform.machine() != ""
    program = tmp_path / "sysctl"
    program.write_text("#!/bin/sh\necho Apple M4\n")
    program.chmod(0o755)
    assert machine.processor_name() == "Apple M4"
    machine.CPUINFO.write_text("processor\t: 0\nmodel name\t: Some CPU: 2 GHz\n\nprocessor\t: 1\n")
    assert machine.processor_name() == "Some CPU: 2 GHz"


def test_code_is_for_the_processor_that_is_asked_for():
    """``make test-portable`` asks for lesser ones, by these variables."""
    capability = {"avx2": "AVX2", "default": "DEFAULT"}.get(os.environ.get("ATEN_CPU_CAPABILITY", ""))
    assert capability in (None, torch.backends.cpu.get_cpu_capability())

    @njit(fastmath=True)
    def total(x):
        s = 0.0
        for i in range(x.size):
            s += x[i] * x[i]
        return s

    total(np.ones(9))
    (code,) = total.inspect_asm().values()
    wider = {"haswell": ["zmm"], "generic": ["zmm", "ymm"]}.get(os.environ.get("NUMBA_CPU_NAME", ""), [])
    assert not [register for register in wider if register in code]
