"""What ``run.json`` says of the code, the repositories and the processor."""

import hashlib
import subprocess
from pathlib import Path

import numba
import torch
from llvmlite.binding import get_host_cpu_features, get_host_cpu_name

from algos.ppo import PPO
from analysis.run_format import read_info
from sweeps import ROOT, train
from sweeps.provenance import own_commit, parts, software, user_repository
from tests.composing import plain


def git(directory: Path, *arguments: str) -> str:
    command = ["git", "-C", str(directory), "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_users_repository_is_told_apart_from_ours(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert software()["repository"] is None
    git(tmp_path, "init", "--quiet")
    (tmp_path / "mine.py").write_text("a = 1\n")
    git(tmp_path, "add", "mine.py")
    git(tmp_path, "commit", "--quiet", "-m", "one")
    head = git(tmp_path, "rev-parse", "--short=12", "HEAD")
    (tmp_path / "below").mkdir()
    assert user_repository(tmp_path / "below") == {"path": str(tmp_path.resolve()), "commit": head}
    (tmp_path / "mine.py").write_text("a = 2\n")
    assert user_repository(tmp_path) == {"path": str(tmp_path.resolve()), "commit": f"{head}-dirty"}
    assert user_repository(ROOT) is None
    assert software()["commit"] == own_commit()
    assert own_commit() is None or git(ROOT, "rev-parse", "HEAD").startswith(own_commit().removesuffix("-dirty"))


def test_an_installation_inside_of_a_users_repository_has_no_commit_of_theirs(tmp_path, monkeypatch):
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "-m", "one")
    (tmp_path / "site-packages" / "sweeps").mkdir(parents=True)
    (tmp_path / "site-packages" / "sweeps" / "__init__.py").touch()
    monkeypatch.setattr("sweeps.provenance.ROOT", tmp_path / "site-packages")
    assert own_commit() is None
    assert user_repository(tmp_path)["path"] == str(tmp_path.resolve())


def test_the_features_that_compiled_code_uses():
    compiled = software()["host"]["compiled_for"]
    assert compiled["numba"] == (numba.config.CPU_NAME or get_host_cpu_name())
    own = numba.config.CPU_FEATURES or get_host_cpu_features().flatten()
    assert set(compiled["numba_features"].split()) == {name[1:] for name in own.split(",") if name.startswith("+")}
    assert compiled["torch"] == torch.backends.cpu.get_cpu_capability()


def test_the_class_its_file_and_that_files_hash(tmp_path):
    frame = train("algo=ppo", directory=tmp_path, iterations=1, num_envs=2, num_steps=8)
    found = read_info(Path(frame.attrs["directory"]))["parts"]["algo"]
    source = ROOT / "algos" / "ppo.py"
    expected = {
        "class": "algos.ppo.PPO",
        "file": str(source),
        "sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
    }
    assert found == expected
    assert not any("patched" in part for part in parts(plain("critic=joint")).values())


def test_a_method_put_in_at_run_time_is_told(monkeypatch):
    def update(self, *arguments):
        return {}

    monkeypatch.setattr(PPO, "update", update)
    assert parts(plain())["algo"]["patched"] == {"update": __file__}
