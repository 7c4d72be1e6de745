"""What may go wrong while a run goes on, and that it stays as small as it is."""

import json
import pickle
import shutil
import signal
import struct
from pathlib import Path

import pytest

from algos.streams import environment_seeds
from sweeps import resume
from tests.composing import VARIANTS
from tests.sweeps.command import Command, files_below, num_rows, refusal, run, sizes, train, wait_until

FAULTY = ("env.module=tests.sweeps.faulty_tasks", "env.id=seedbed-tests/Faulty-v0")


def info(directory: Path) -> dict:
    return json.loads((directory / "run.json").read_text())


def rows_of(directory: Path) -> list[list[str]]:
    header, *lines = (directory / "progress.csv").read_text().splitlines()
    width = len(header.split(","))
    assert all(len(line.split(",")) == width for line in lines)
    return [line.split(",") for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize(("algo", "fault"), [*((algo, "observation") for algo in VARIANTS), ("ppo", "reward")])
def test_a_seed_that_is_no_longer_finite_stops_alone(algo, fault, tmp_path):
    command = (*sizes(algo), *FAULTY, "num_seeds=3", "iterations=4", f"+env.kwargs.fault={fault}")
    assert train(*command, f"hydra.run.dir={tmp_path}/sound").status == 0
    bad = environment_seeds([1], 2)[1]
    ended = train(*command, f"+env.kwargs.seeds=[{bad}]", f"hydra.run.dir={tmp_path}/run")
    assert ended.status == 1, ended
    record = info(tmp_path / "run")
    assert record["status"] == "failed"
    assert record["failed_seeds"] == [{"seed": 1, "iteration": 0, "quantity": fault}]
    status = 8
    stopped = [row for row in rows_of(tmp_path / "run") if row[2] == "1"]
    assert [row[status] for row in stopped] == [f"failed: {fault}"]
    others = [row for row in rows_of(tmp_path / "run") if row[2] != "1"]
    assert others == [row for row in rows_of(tmp_path / "sound") if row[2] != "1"]
    ended = run("sweeps.resume", tmp_path / "run", "--trust")
    assert (ended.status, "failed already" in ended.out) == (1, True)


@pytest.mark.slow
@pytest.mark.parametrize("vectorization", ["sync", "async"])
def test_an_environment_that_raises_fails_its_job_and_the_sweep_goes_on(vectorization, tmp_path):
    bad = environment_seeds([0], 2)[0]
    command = (*sizes("a2c"), *FAULTY, "iterations=3", "+env.kwargs.fault=exception", f"+env.kwargs.seeds=[{bad}]")
    sweep = (
        "seed=0,1",
        f"env.vectorization={vectorization}",
        f"hydra.sweep.dir={tmp_path}",
        "hydra.sweep.subdir=${seed}",
    )
    ended = train("--multirun", *command, *sweep)
    assert ended.status == 1, ended
    assert "the robot fell over" in ended.err
    assert len(ended.err.splitlines()) == 1
    assert "Traceback" not in ended.err
    assert info(tmp_path / "0")["status"] == "failed"
    assert "the robot fell over" in info(tmp_path / "0")["error"]
    assert "faulty_tasks.py" in (tmp_path / "0" / "traceback.txt").read_text()
    assert info(tmp_path / "1")["status"] == "complete"
    assert "1 complete, 1 failed" in ended.out
    ended = train("--multirun", *command, *sweep, "resume=true")  # tries again what raised, and nothing else
    assert ended.status == 1
    assert "complete already" in ended.out
    assert "the robot fell over" in ended.err


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [10, 100])
def test_a_full_disk_leaves_the_last_checkpoint_and_every_complete_row(kilobytes, tmp_path):
    """A limit on the size of files stops a checkpoint, or the table."""
    command = (
        *sizes("a2c"),
        "num_seeds=4",
        "iterations=300",
        "checkpoint_interval=20",
        "policy.hidden=[4]",
        "value.hidden=[4]",
    )
    ended = run("sweeps.train", *command, f"hydra.run.dir={tmp_path}/run", file_size=kilobytes * 1000)
    assert ended.status == 1
    (line,) = ended.err.splitlines()
    assert "File too large" in line
    before = (tmp_path / "run" / "progress.csv").read_bytes()
    assert before.endswith(b"\n")
    assert info(tmp_path / "run")["status"] == "failed"
    assert run("sweeps.resume", tmp_path / "run").status == 0
    assert train(*command, f"hydra.run.dir={tmp_path}/whole").status == 0
    after = (tmp_path / "run" / "progress.csv").read_bytes()
    assert after.startswith(before)
    assert after == (tmp_path / "whole" / "progress.csv").read_bytes()
    resumed = [entry["iteration"] for entry in info(tmp_path / "run").get("resumed", [])]
    assert (resumed == []) == (kilobytes == 10)


@pytest.fixture(scope="module")
def once_stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where ``run`` is, a run in the middle, and ``whole``, which was not stopped."""
    root = tmp_path_factory.mktemp("stopped")
    command = (*sizes("a2c"), "num_seeds=2", "iterations=40", "checkpoint_interval=4")
    assert train(*command, f"hydra.run.dir={root}/whole").status == 0
    started = Command("sweeps.train", *command, f"hydra.run.dir={root}/run")
    wait_until(lambda: num_rows(root / "run") > 12)
    started.signal(signal.SIGTERM)
    assert started.wait().status == 143
    return root


@pytest.fixture
def stopped(once_stopped: Path, tmp_path: Path) -> Path:
    """A copy of the run in the middle; ``whole`` is beside it."""
    shutil.copytree(once_stopped, tmp_path, dirs_exist_ok=True)
    return tmp_path / "run"


def is_whole(directory: Path) -> bool:
    return (directory / "progress.csv").read_bytes() == (directory.parent / "whole" / "progress.csv").read_bytes()


@pytest.mark.slow
def test_a_torn_last_line_is_written_anew(stopped):
    for name in ("progress.csv", "timing.csv"):
        with (stopped / name).open("a") as file:
            file.write("a2c,CartPole-v1,0,9")
    assert run("sweeps.resume", stopped).status == 0
    assert is_whole(stopped)


def refused(directory: Path, words: str, capsys: pytest.CaptureFixture) -> None:
    """The run is refused in one line with these words, and left alone."""
    before = files_below(directory)
    assert words in refusal(resume.main, capsys, directory)
    assert files_below(directory) == before


@pytest.mark.slow
def test_a_truncated_checkpoint_is_refused_and_its_run_can_start_again(stopped, capsys):
    path = stopped / "checkpoint" / "state.safetensors"
    whole = path.read_bytes()
    for length in (0, 5, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        refused(stopped, "truncated", capsys)
    path.unlink()
    assert run("sweeps.resume", stopped).status == 0
    assert is_whole(stopped)


class Payload:
    """Unpickling this would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.write_text, (self.path, "executed")


def test_a_hostile_checkpoint_is_refused_and_executes_nothing(stopped, tmp_path, capsys):
    path = stopped / "checkpoint" / "state.safetensors"
    own = path.read_bytes()
    size = int.from_bytes(own[:8], "little")
    header = json.loads(own[8 : 8 + size])

    def with_header(change: dict) -> bytes:
        text = json.dumps(header | change).encode()
        return struct.pack("<Q", len(text)) + text + own[8 + size :]

    def with_facts(change: dict) -> bytes:
        facts = json.loads(header["__metadata__"]["facts"]) | change
        return with_header({"__metadata__": {"facts": json.dumps(facts)}})

    beyond = {"dtype": "F32", "shape": [2, 4], "data_offsets": [2**62, 2**62 + 32]}
    params = header["policy.params"]
    hostile = {
        "pickle": (pickle.dumps(Payload(tmp_path / "executed")), "truncated, or not"),
        "huge header": (struct.pack("<Q", 2**60) + own[8:], "truncated, or not"),
        "beyond the end": (with_header({"policy.params": beyond}), "truncated, or not"),
        "another shape": (with_header({"policy.params": params | {"shape": params["shape"][::-1]}}), "policy.params"),
        "another type": (with_header({"policy.params": params | {"dtype": "I32"}}), "policy.params"),
        "no facts": (with_header({"__metadata__": {}}), "truncated, or not"),
        "facts of another run": (with_facts({"config_hash": "0"}), "of another run"),
        "facts of another form": (with_facts({"progress.csv": 3}), "state.safetensors"),
        "a negative length": (with_facts({"progress.csv": {"bytes": -1, "sha256": ""}}), "progress.csv"),
    }
    for name, (content, words) in hostile.items():
        path.write_bytes(content)
        before = files_below(stopped)
        assert words in refusal(resume.main, capsys, stopped), name
        assert (stopped / "progress.csv").read_bytes() == before["progress.csv"]
    assert not (tmp_path / "executed").exists()


@pytest.mark.slow
def test_a_hostile_table_is_refused(stopped, capsys):
    path = stopped / "progress.csv"
    own = path.read_bytes()
    for content in (b"", b"=cmd|' /C calc'!A0\n", own[:200], b"\xff" * len(own), own.replace(b"ok", b"no", 1)):
        path.write_bytes(content)
        refused(stopped, "progress.csv", capsys)
    path.write_bytes(own)
    assert run("sweeps.resume", stopped).status == 0
    assert is_whole(stopped)


@pytest.mark.slow
def test_a_hostile_config_is_data(stopped, tmp_path, capsys):
    text = (stopped / ".hydra" / "config.yaml").read_text()
    tag = f"!!python/object/apply:os.system ['touch {tmp_path}/executed']"
    for hostile in (
        f"gamma: {tag}\n",
        f"{text}\nmore: {tag}\n",
        "- 1\n",
        "gamma: [\n",
        text.replace("gamma:", "gama:"),
    ):
        (stopped / ".hydra" / "config.yaml").write_text(hostile)
        refusal(resume.main, capsys, stopped)
    assert not (tmp_path / "executed").exists()


@pytest.mark.slow
def test_a_clock_that_goes_backwards_changes_nothing(stopped):
    assert run("tests.sweeps.backwards_clock", stopped).status == 0
    assert is_whole(stopped)
    ended = run("sweeps.status", stopped, "--once")
    assert ended.status == 0
    assert "complete" in ended.out


@pytest.mark.slow
def test_a_second_process_is_refused_while_the_first_lives(tmp_path):
    command = (*sizes("a2c"), "iterations=100000", f"hydra.run.dir={tmp_path}/run")
    first = Command("sweeps.train", *command)
    wait_until(lambda: num_rows(tmp_path / "run") > 10)
    for second in (train(*command, "resume=true"), run("sweeps.resume", tmp_path / "run")):
        assert second.is_refusal(), second
        assert "another process" in second.err
    first.signal(signal.SIGKILL)
    first.wait()
    resumed = Command("sweeps.resume", tmp_path / "run")  # a crash does not leave the lock behind
    before = num_rows(tmp_path / "run")
    wait_until(lambda: num_rows(tmp_path / "run") > before + 10)
    resumed.signal(signal.SIGTERM)
    assert resumed.wait().status == 143


def test_a_second_ctrl_c_stops_at_once(tmp_path):
    command = (
        *sizes("ppo"),
        "num_envs=64",
        "num_steps=512",
        "iterations=1000",
        "num_seeds=4",
        "algo.update_epochs=100",
    )
    started = Command("sweeps.train", *command, f"hydra.run.dir={tmp_path}/run")
    wait_until((tmp_path / "run" / "run.json").exists)
    started.signal(signal.SIGINT)
    wait_until(lambda: "Ctrl-C once more" in started.err())
    started.signal(signal.SIGINT)
    assert started.wait().status in (-signal.SIGINT, 130)
    assert run("sweeps.status", tmp_path).status == 0
