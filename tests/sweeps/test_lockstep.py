"""Jobs as rows of one process: every directory is the one that its job leaves alone, whatever becomes of the others."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from algos.core.checkpoint import unpack
from algos.memory import bytes_per_row
from analysis.run_format import CHECKPOINT, INFO, PROGRESS, TIMING
from sweeps import lockstep, training
from sweeps.errors import InputError
from sweeps.launching import How
from sweeps.lockstep import Job, groups, train_together
from sweeps.run_config import validate
from sweeps.table import TableWriter
from sweeps.training import train_run
from tests.composing import plain
from tests.sweeps.command import Command, num_rows, run, sizes, wait_until

SIZES = (*sizes("ppo"), "policy.hidden=[8]", "value.hidden=[8]", "iterations=6", "checkpoint_interval=4")
CONTENT = plain(*SIZES)
SETTINGS = (
    ("algo.clip_coef=0.05", "num_seeds=2"),
    ("algo.clip_coef=0.3", "algo.optimiser.learning_rate=0.02"),
    ("gamma=0.9", "seed=5"),
)


def job(directory: Path, *overrides: str) -> Job:
    return Job(plain(*SIZES, *overrides), directory, {"overrides": list(overrides)})


def alone(directory: Path, *overrides: str) -> str:
    own = job(directory, *overrides)
    return train_run(own.content, own.directory, own.hydra_files)


def same_runs(one: Path, other: Path, but: tuple[str, ...] = ()) -> None:
    """Rows, state and facts are the same; ``timing.csv`` has as many rows."""
    assert (one / PROGRESS).read_bytes() == (other / PROGRESS).read_bytes()
    states = [unpack((each / CHECKPOINT).read_bytes())[0] for each in (one, other)]
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        assert value.tobytes() == states[1][name].tobytes(), name
    facts = [json.loads((each / INFO).read_text()) for each in (one, other)]
    assert {k: v for k, v in facts[0].items() if k not in but} == {k: v for k, v in facts[1].items() if k not in but}
    lines = [(each / TIMING).read_text().splitlines() for each in (one, other)]
    assert lines[0][0] == lines[1][0]
    assert len(lines[0]) == len(lines[1])


@pytest.fixture(scope="module")
def each_alone(tmp_path_factory):
    """The runs of ``SETTINGS``, each trained by itself."""
    root = tmp_path_factory.mktemp("alone")
    for number, own in enumerate(SETTINGS):
        assert alone(root / str(number), *own) == "complete"
    return root


def test_jobs_leave_the_directories_that_they_leave_alone(each_alone, tmp_path):
    jobs = [job(tmp_path / str(number), *own) for number, own in enumerate(SETTINGS)]
    assert len(groups(jobs)) == 1
    assert train_together(jobs) == ["complete"] * 3
    for number in range(3):
        same_runs(each_alone / str(number), tmp_path / str(number))


def test_jobs_that_are_behind_catch_up_and_join(each_alone, tmp_path):
    assert alone(tmp_path / "0", *SETTINGS[0], "iterations=3") == "complete"
    assert train_together([job(tmp_path / str(n), *SETTINGS[n], "iterations=5") for n in (1, 2)]) == ["complete"] * 2
    made: list[int] = []
    make = training.make_trainer

    def counted(config):
        made.append(len(config.seeds))
        return make(config)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "make_trainer", counted)
        jobs = [job(tmp_path / str(n), *SETTINGS[n], "resume=true") for n in range(3)]
        assert train_together(jobs) == ["complete"] * 3
    assert made == [2, 4]  # the first job by itself from 3 to 5, then all
    for number in range(3):
        same_runs(each_alone / str(number), tmp_path / str(number), but=("resumed", "command"))


def test_what_is_complete_stays_and_what_is_foreign_is_refused(each_alone, tmp_path, capsys):
    alone(tmp_path / "0", *SETTINGS[0])
    before = (tmp_path / "0" / PROGRESS).stat().st_mtime_ns
    alone(tmp_path / "1", "gae_lambda=0.5", *SETTINGS[1])
    capsys.readouterr()
    jobs = [job(tmp_path / str(n), *SETTINGS[n], "resume=true") for n in range(3)]
    assert train_together(jobs) == ["complete", "refused", "complete"]
    assert "gae_lambda=0.5, now" in capsys.readouterr().err
    assert (tmp_path / "0" / PROGRESS).stat().st_mtime_ns == before
    same_runs(each_alone / "2", tmp_path / "2", but=("command",))


def test_a_job_whose_seed_breaks_fails_by_itself(each_alone, tmp_path):
    ill = ("algo.clip_coef=0.3", "algo.optimiser.learning_rate=1.0e+38", "num_seeds=1")
    assert alone(tmp_path / "ill", *ill) == "failed"
    jobs = [job(tmp_path / "0", *SETTINGS[0]), job(tmp_path / "1", *ill), job(tmp_path / "2", *SETTINGS[2])]
    assert train_together(jobs) == ["complete", "failed", "complete"]
    same_runs(tmp_path / "ill", tmp_path / "1")
    for number in (0, 2):
        same_runs(each_alone / str(number), tmp_path / str(number))


def test_a_job_whose_files_cannot_be_written_fails_by_itself(each_alone, tmp_path, monkeypatch, capsys):
    append = TableWriter.append

    def full(self, rows):
        if self.path == tmp_path / "1" / PROGRESS and rows[0]["iteration"] == "2":
            raise OSError("no space left")
        append(self, rows)

    monkeypatch.setattr(TableWriter, "append", full)
    jobs = [job(tmp_path / str(n), *SETTINGS[n]) for n in range(3)]
    assert train_together(jobs) == ["complete", "failed", "complete"]
    assert "no space left" in json.loads((tmp_path / "1" / INFO).read_text())["error"]
    for number in (0, 2):
        same_runs(each_alone / str(number), tmp_path / str(number))
    monkeypatch.undo()
    again = [job(tmp_path / "1", *SETTINGS[1], "resume=true")]
    assert train_together(again) == ["complete"]
    assert (tmp_path / "1" / PROGRESS).read_bytes() == (each_alone / "1" / PROGRESS).read_bytes()


def test_what_fails_all_is_found_by_halves(each_alone, tmp_path, monkeypatch, capsys):
    make = training.make_trainer

    def faulty(config):
        trainer = make(config)
        collect = trainer.collector.collect

        def collected(policy):
            if 5 in config.seeds and trainer.next_iteration == 4:
                raise RuntimeError("the task is broken")
            return collect(policy)

        trainer.collector.collect = collected
        return trainer

    monkeypatch.setattr(training, "make_trainer", faulty)
    jobs = [job(tmp_path / str(n), *SETTINGS[n]) for n in range(3)]
    assert train_together(jobs) == ["complete", "complete", "failed"]
    for number in (0, 1):
        same_runs(each_alone / str(number), tmp_path / str(number), but=("resumed",))
    assert "the task is broken" in (tmp_path / "2" / "traceback.txt").read_text()


@given(
    seeds=st.lists(st.integers(1, 5), min_size=1, max_size=8),
    most=st.integers(1, 12),
    processes=st.integers(1, 4),
)
@example(seeds=[1, 1, 1, 1], most=2, processes=3)
def test_groups_have_every_job_once_and_are_bounded(seeds, most, processes):
    jobs = [Job(CONTENT | {"num_seeds": count}, Path(str(number)), {}) for number, count in enumerate(seeds)]
    found = groups(jobs, max_rows=most, processes=processes)
    assert [each.directory for group in found for each in group] == [each.directory for each in jobs]
    assert all(len(group) == 1 or sum(seeds[int(each.directory.name)] for each in group) <= most for group in found)
    assert len(found) >= min(processes, len(jobs)) or max(seeds) > 1


def test_memory_bounds_a_group():
    jobs = [job(Path(str(number)), f"algo.clip_coef={0.1 + 0.01 * number}") for number in range(6)]
    own = bytes_per_row(validate(jobs[0].content))
    assert [len(group) for group in groups(jobs, memory=2 * own)] == [2, 2, 2]
    assert [len(group) for group in groups(jobs, memory=1)] == [1] * 6
    assert [len(group) for group in groups(jobs, memory=4 * own, processes=2)] == [3, 3]
    larger = bytes_per_row(validate(job(Path("x"), "num_steps=800").content))
    assert larger > 2 * own


def test_processes_have_equally_many_groups_and_share_the_memory(monkeypatch):
    jobs = [job(Path(str(number)), f"algo.clip_coef={0.1 + 0.01 * number}") for number in range(8)]
    assert [len(group) for group in groups(jobs, processes=2)] == [4, 4]
    assert [len(group) for group in groups(jobs, max_rows=3, processes=2)] == [2, 2, 2, 2]
    own = bytes_per_row(validate(jobs[0].content))
    monkeypatch.setattr(lockstep, "free_memory", lambda: 16 * own)
    assert [len(group) for group in groups(jobs)] == [8]
    assert [len(group) for group in groups(jobs, processes=4)] == [2] * 4
    monkeypatch.setattr(lockstep, "free_memory", lambda: 8 * own)
    assert [len(group) for group in groups(jobs, processes=4)] == [1] * 8


def test_jobs_on_a_gpu_are_not_split_among_processes():
    jobs = [job(Path(str(number)), f"algo.clip_coef={0.1 + 0.01 * number}", "device=cuda") for number in range(4)]
    assert [len(group) for group in groups(jobs, processes=2)] == [4]


@pytest.mark.parametrize("algos", ["ppo", pytest.param("ppo,a2c", marks=pytest.mark.slow)])
def test_the_launcher_leaves_what_a_sweep_of_single_jobs_leaves(algos, tmp_path):
    arguments = ("-m", *SIZES, f"algo={algos}", "algo.optimiser.learning_rate=0.01,0.02", "num_seeds=2")
    for name, options in (("basic", ()), ("lockstep", ("hydra/launcher=lockstep", "hydra/launcher/over=basic"))):
        ended = run("sweeps.train", *arguments, *options, f"hydra.sweep.dir={tmp_path / name}")
        assert ended.status == 0, ended.err
    assert "2 jobs in one process: ppo on CartPole-v1, 4 rows" in ended.out
    last = "job 4 of 4 (algo=a2c algo." if "a2c" in algos else "job 2 of 2 (algo."
    assert f"{last}optimiser.learning_rate=0.02): {algos[-3:]} on CartPole-v1, 2 seeds: complete" in ended.out
    directories = sorted(path.name for path in (tmp_path / "basic").iterdir() if path.is_dir())
    assert directories == sorted(path.name for path in (tmp_path / "lockstep").iterdir() if path.is_dir())
    for name in directories:
        same_runs(tmp_path / "basic" / name, tmp_path / "lockstep" / name)


def test_without_joblib_the_launcher_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "hydra_plugins.hydra_joblib_launcher.joblib_launcher", None)
    expected = (
        r"^hydra/launcher/over=joblib: .*; expected: pip install 'seedbed\[joblib\]', or hydra/launcher/over=basic$"
    )
    with pytest.raises(InputError, match=expected):
        How(["hydra/launcher=lockstep"], None).is_elsewhere(tmp_path)
    assert not How(["hydra/launcher=lockstep", "hydra/launcher/over=basic"], None).is_elsewhere(tmp_path)


@pytest.mark.slow
def test_each_core_trains_a_group(tmp_path):
    arguments = ("-m", *SIZES, "algo=ppo", "algo.optimiser.learning_rate=0.01,0.02,0.03,0.04")
    over = ("hydra/launcher=lockstep", "hydra.launcher.over.n_jobs=2")
    command = [sys.executable, "-m", "sweeps.train", *arguments, *over, f"hydra.sweep.dir={tmp_path / 'over'}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # a fork would wait for joblib's idle
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("2 jobs in one process: ppo on CartPole-v1, 2 rows") == 2
    assert run("sweeps.train", *arguments, f"hydra.sweep.dir={tmp_path / 'basic'}").status == 0
    directories = sorted(path.name for path in (tmp_path / "basic").iterdir() if path.is_dir())
    assert directories == sorted(path.name for path in (tmp_path / "over").iterdir() if path.is_dir())
    for name in directories:
        same_runs(tmp_path / "basic" / name, tmp_path / "over" / name)


@pytest.mark.slow
def test_a_signal_stops_all_jobs_of_a_group_and_each_goes_on(tmp_path):
    long = [each for each in SIZES if not each.startswith("iterations")]
    arguments = ("-m", *long, "iterations=200", "algo.clip_coef=0.1,0.3", f"hydra.sweep.dir={tmp_path / 'killed'}")
    command = Command("sweeps.train", *arguments, "hydra/launcher=lockstep", "hydra/launcher/over=basic")
    wait_until(lambda: num_rows(tmp_path / "killed" / "1-ppo-CartPole-v1") > 30)
    command.signal_group(signal.SIGTERM)
    assert command.wait().status == 128 + signal.SIGTERM
    for name in ("0-ppo-CartPole-v1", "1-ppo-CartPole-v1"):
        assert json.loads((tmp_path / "killed" / name / INFO).read_text())["status"] == "interrupted"
    assert run("sweeps.resume", tmp_path / "killed" / "1-ppo-CartPole-v1").status == 0
    assert run("sweeps.resume", tmp_path / "killed").status == 0
    for name, clip_coef in (("0-ppo-CartPole-v1", 0.1), ("1-ppo-CartPole-v1", 0.3)):
        own = plain(*long, "iterations=200", f"algo.clip_coef={clip_coef}")
        train_run(own, tmp_path / name, {"overrides": []})
        assert (tmp_path / "killed" / name / PROGRESS).read_bytes() == (tmp_path / name / PROGRESS).read_bytes()
