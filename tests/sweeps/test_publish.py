"""Published folders: what is in them, how they compare, and what is said where they do not match."""

import json
import shutil
from pathlib import Path

import pytest

from analysis import export, registry
from analysis.comparison import compare
from analysis.registry import sha256
from analysis.run_format import InputError
from sweeps.notebook import train
from sweeps.publish import publish

SIZES = ("env=cartpole", "threads=1", "num_envs=2", "num_steps=64", "critic.update_epochs=2", "iterations=4")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of two people: both of A2C, one with another learning rate, and one on another task."""
    base = tmp_path_factory.mktemp("runs")
    train("algo=a2c", *SIZES, "num_seeds=3", directory=base / "mine")
    train("algo=a2c", *SIZES, "num_seeds=3", "seed=5", "gamma=0.9", directory=base / "yours")
    train("algo=a2c", *SIZES, "num_seeds=2", "env.id=CartPole-v0", directory=base / "elsewhere")
    return base


def test_a_published_folder_has_everything_but_checkpoints_and_compares_as_the_run(runs, tmp_path):
    page = publish([runs / "mine"], tmp_path / "out")
    names = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert {"published.json", "README.md", ".gitattributes", "mine/run.json", "mine/progress.csv"} <= names
    assert not any("checkpoint" in name for name in names)
    assert "| mine | runs | CartPole-v1 | a2c | 1 | 0-2 |" in page.read_text()
    kept = json.loads((tmp_path / "out" / "mine" / "run.json").read_text())
    assert kept["parts"]["algo"]["file"] == "a2c.py"  # and not where it is on this machine
    ours, theirs = compare(runs / "mine"), compare(tmp_path / "out")
    assert ours.summary.equals(theirs.summary)
    publish([runs / "mine"], tmp_path / "out", checkpoints=True)
    assert (tmp_path / "out" / "mine" / "checkpoint" / "state.safetensors").exists()


def test_what_is_published_twice_is_replaced_and_the_rest_stays(runs, tmp_path):
    publish([runs / "mine"], tmp_path / "out")
    before = (tmp_path / "out" / "published.json").read_bytes()
    publish([runs / "yours"], tmp_path / "out")
    assert (tmp_path / "out" / "README.md").read_text().count("| runs | CartPole-v1 |") == 2
    shutil.rmtree(tmp_path / "out" / "yours")
    publish([runs / "mine"], tmp_path / "new")
    assert (tmp_path / "new" / "published.json").read_bytes() == before


def test_a_file_that_was_changed_is_refused(runs, tmp_path):
    publish([runs / "mine"], tmp_path / "out")
    table = tmp_path / "out" / "mine" / "progress.csv"
    table.write_text(table.read_text().replace("CartPole-v1,0,", "CartPole-v1,9,"))
    with pytest.raises(InputError, match=r"progress\.csv: not as it was published"):
        compare(tmp_path / "out")
    with pytest.raises(InputError, match=r"progress\.csv: not as it was published"):
        compare(tmp_path / "out" / "mine")
    table.unlink()
    with pytest.raises(InputError, match=r"progress\.csv: missing"):
        compare(tmp_path / "out")


def test_a_folder_is_checked_once_however_many_of_its_runs_are_compared(runs, tmp_path, monkeypatch):
    publish([runs / "mine", runs / "yours"], tmp_path / "out")
    hashed = []
    monkeypatch.setattr(registry, "sha256", lambda path: (hashed.append(path), sha256(path))[1])
    compare([tmp_path / "out" / "mine", tmp_path / "out" / "yours", tmp_path / "out"])
    listed = json.loads((tmp_path / "out" / "published.json").read_text())["files"]
    assert sorted(path.relative_to(tmp_path / "out").as_posix() for path in hashed) == sorted(listed)


def test_what_is_exported_is_checked_as_what_is_compared(runs, tmp_path):
    publish([runs / "mine"], tmp_path / "out")
    table = tmp_path / "out" / "mine" / "progress.csv"
    table.write_text(table.read_text().replace("CartPole-v1,0,", "CartPole-v1,9,"))
    arguments = ["--to", "csv", "--out", str(tmp_path / "table")]
    with pytest.raises(InputError, match=r"progress\.csv: not as it was published"):
        export.export(export.parser().parse_args([str(tmp_path / "out"), *arguments]))
    with pytest.raises(InputError, match=r"progress\.csv: not as it was published"):
        export.rliable_arrays(tmp_path / "out")
    with pytest.raises(InputError, match="a URL; expected: a folder"):
        export.export(export.parser().parse_args(["https://example.org/runs", *arguments]))
    assert not (tmp_path / "table.csv").exists()


def test_why_two_peoples_runs_do_not_match(runs, tmp_path):
    mine, yours, elsewhere = (tmp_path / name for name in ("a", "b", "c"))
    publish([runs / "mine"], mine)
    publish([runs / "yours"], yours)
    publish([runs / "elsewhere"], elsewhere)
    told = " ".join(compare([mine, yours]).warnings)
    assert f"a2c on CartPole-v1 of {mine} and of {yours} are two variants: they differ in gamma." in told
    told = " ".join(compare([mine, elsewhere]).warnings)
    assert "have no task in common (CartPole-v1 and CartPole-v0)" in told
    path = yours / "yours" / "run.json"
    info = json.loads(path.read_text())
    info["versions"]["gymnasium"] = "0.1"
    path.write_text(json.dumps(info))
    (yours / "published.json").unlink()
    assert "different versions of gymnasium" in " ".join(compare([mine, yours]).warnings)


def test_runs_that_match_are_one_variant(runs, tmp_path):
    train("algo=a2c", *SIZES, "num_seeds=3", "seed=10", directory=tmp_path / "more")
    comparison = compare([runs / "mine", tmp_path / "more"])
    assert comparison.summary["seeds"].tolist() == [6]
    assert not [note for note in comparison.warnings if "two variants" in note or "not the same task" in note]


def test_what_cannot_be_published_is_refused_in_one_line(runs, tmp_path):
    with pytest.raises(InputError, match="no such directory"):
        publish([tmp_path / "nothing"], tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no run"):
        publish([tmp_path / "empty"], tmp_path / "out")
    with pytest.raises(InputError, match="holds other files"):
        publish([runs / "mine"], runs / "yours")
    shutil.copytree(runs / "mine", tmp_path / "half")
    info = json.loads((tmp_path / "half" / "run.json").read_text())
    (tmp_path / "half" / "run.json").write_text(json.dumps(info | {"status": "interrupted"}))
    with pytest.raises(InputError, match="its status is interrupted; expected: runs that have ended"):
        publish([tmp_path / "half"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_published_is_never_replaced_by_itself(runs, tmp_path):
    publish([runs / "mine"], tmp_path / "out")
    before = sorted(path for path in (tmp_path / "out").rglob("*"))
    with pytest.raises(InputError, match="which is to be published; expected: another folder"):
        publish([tmp_path / "out" / "mine"], tmp_path / "out")
    shutil.copytree(runs / "yours", tmp_path / "out" / "mine" / "inner")
    shutil.copytree(runs / "yours", tmp_path / "mine")
    with pytest.raises(InputError, match="which is to be published"):
        publish([tmp_path / "mine", tmp_path / "out" / "mine" / "inner"], tmp_path / "out")
    shutil.rmtree(tmp_path / "out" / "mine" / "inner")
    assert sorted(path for path in (tmp_path / "out").rglob("*")) == before


def test_a_run_of_a_sweep_without_its_config_is_not_published(runs, tmp_path):
    shutil.copytree(runs / "mine", tmp_path / "sweep" / "0")
    (tmp_path / "sweep" / "0" / ".hydra" / "config.yaml").unlink()
    with pytest.raises(InputError, match=r"config\.yaml: no such file"):
        publish([tmp_path / "sweep"], tmp_path / "out")


def test_a_url_has_to_be_fetched_first():
    with pytest.raises(InputError, match="a URL; expected: a folder; git clone or download it first"):
        compare("https://example.org/someone/study")
