"""Where compiled code is kept, and when it is compiled anew."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from numba import njit

from algos.kernels import cache
from algos.kernels.cache import PACKAGE, SharedCacheFile, SourceKeyedCache, folders, imported, sources_hash


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package to change; the hashes of its files are not remembered."""
    copy = tmp_path / "algos"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cache, "PACKAGE", copy)
    monkeypatch.setattr(cache, "sources_hash", sources_hash.__wrapped__)
    return copy


@pytest.mark.parametrize("changed", ["kernels/mlp.py", "kernels/panels.py", "kernels/elementary.py"])
def test_a_change_of_what_a_kernel_inlines_is_noticed(package, changed):
    before = cache.sources_hash(package / "kernels/policy_gradient.py")
    assert cache.sources_hash(package / "kernels/policy_gradient.py") == before
    with (package / changed).open("a") as file:
        file.write("# changed\n")
    assert cache.sources_hash(package / "kernels/policy_gradient.py") != before


def test_a_change_of_another_file_is_not(package):
    before = cache.sources_hash(package / "kernels/mlp.py")
    with (package / "ppo.py").open("a") as file:
        file.write("# changed\n")
    assert cache.sources_hash(package / "kernels/mlp.py") == before


def test_imports_are_found_however_they_are_written():
    source = (
        "import algos.envs.task\nfrom algos.kernels import reduce\n\n\ndef f():\n    from algos.core import critic\n"
    )
    found = {path.relative_to(PACKAGE).as_posix() for path in imported(source)}
    assert {"envs/task.py", "kernels/__init__.py", "core/__init__.py"} <= found


def test_a_folder_that_cannot_be_written_is_passed_over(tmp_path, monkeypatch):
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(cache._configuration, "CACHE_DIR", "")
    file = PACKAGE / "kernels/mlp.py"
    beside, users, last = folders(file)  # the last is this process's own
    assert beside == file.parent / "__pycache__"
    assert users.is_relative_to(tmp_path / "home")
    monkeypatch.setattr(cache, "writable", lambda folder: folder != beside)
    assert SourceKeyedCache.from_function(test_imports_are_found_however_they_are_written, str(file)).folder == users
    monkeypatch.setattr(cache, "writable", lambda folder: folder == last)
    assert SourceKeyedCache.from_function(test_imports_are_found_however_they_are_written, str(file)).folder == last


def test_a_place_that_is_no_folder_is_not_writable(tmp_path):
    (tmp_path / "file").touch()
    assert not cache.writable.__wrapped__(tmp_path / "file" / "below")
    assert cache.writable.__wrapped__(tmp_path / "new" / "below")


def test_functions_elsewhere_keep_numbas_own_cache():
    assert SourceKeyedCache.from_function(test_imports_are_found_however_they_are_written, __file__) is None

    @njit(cache=True)
    def double(x):
        return 2 * x

    assert double(2) == 4


def test_kernels_are_kept_so():
    from algos.kernels.reduce import sum_rows

    assert isinstance(sum_rows._cache._impl.locator, SourceKeyedCache)
    assert Path(sum_rows._cache.cache_path).is_dir()


def test_specialisations_saved_at_once_keep_their_own_code(tmp_path, monkeypatch):
    """Two processes look at the index before either has written to it."""
    first, second = (SharedCacheFile(str(tmp_path), "f", "stamp") for _ in range(2))
    between = SharedCacheFile._save_data

    def and_the_other_saves(self, name, data):
        monkeypatch.setattr(SharedCacheFile, "_save_data", between)
        monkeypatch.setattr(cache.fcntl, "flock", lambda *_: None)  # a file system without locks
        second.save("b", "code of b")
        between(self, name, data)

    monkeypatch.setattr(SharedCacheFile, "_save_data", and_the_other_saves)
    first.save("a", "code of a")
    for reader in (first, second):
        assert reader.load("a") == "code of a"
        assert reader.load("b") in ("code of b", None)


def test_code_of_earlier_sources_goes(tmp_path):
    SharedCacheFile(str(tmp_path), "f", "old").save("a", "old code")
    file = SharedCacheFile(str(tmp_path), "f", "new")
    assert file.load("a") is None
    file.save("a", "new code")
    file.save("b", "more")
    assert (file.load("a"), file.load("b")) == ("new code", "more")
    assert len(list(tmp_path.glob("*.nbc"))) == 2


def test_a_folder_that_takes_no_code_is_no_problem(tmp_path):
    file = SharedCacheFile(str(tmp_path / "missing"), "f", "stamp")
    file.save("a", "code")
    assert file.load("a") is None


@pytest.mark.slow
def test_what_is_compiled_once_is_found_again(tmp_path):
    """Another process compiles nothing anew: it adds no file."""
    program = "from algos.core import elementary as e; import torch; e.exp(torch.ones(3)); e.tanh(torch.ones(3))"
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    for count in (1, 2):
        subprocess.run([sys.executable, "-c", program], check=True, env=environment)
        if count == 1:
            kept = sorted(tmp_path.rglob("*.nb?"))
    assert sorted(tmp_path.rglob("*.nb?")) == kept != []


@pytest.mark.slow
def test_processes_number_their_functions_apart():
    """Else a third process, which loads what both compiled, takes one layer's code for the other's."""
    program = """
import sys
from numba import njit
import algos.kernels

def make(factor):
    @njit
    def layer(x):
        return factor * x
    return layer

layer = make(float(sys.argv[1]))
layer(1.0)
print(layer.overloads[layer.signatures[0]].fndesc.mangled_name)
"""
    names = [subprocess.check_output([sys.executable, "-c", program, factor]) for factor in ("2", "3")]
    assert names[0] != names[1]
