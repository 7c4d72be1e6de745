"""The example in analysis/README.md, as a reader would run it."""

import re
from pathlib import Path

import matplotlib as mpl
import pytest

import analysis
from analysis import load_runs
from tests.analysis.synthetic import ppo_curves, write_comparison, write_run


def test_the_readmes_example_runs(tmp_path, monkeypatch, capsys):
    write_comparison(tmp_path / "results" / "compare", num_seeds=6, iterations=20, env_id="CartPole-v1")
    monkeypatch.chdir(tmp_path)
    mpl.use("agg")
    text = (Path(analysis.__file__).parent / "README.md").read_text()
    namespace: dict = {}
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(block, namespace)
    assert {"ppo", "trpo"} <= set(namespace["scores"]["variant"])
    assert all(ax.has_data() for ax in namespace["figure"].axes)
    assert capsys.readouterr().out.count("\n") == 2


def test_load_runs_reads_every_column_of_every_run(tmp_path):
    write_comparison(tmp_path, num_seeds=3, iterations=5)
    frame = load_runs(tmp_path)
    assert len(frame) == 3 * 3 * 5
    assert {"run", "variant", "algo", "env_id", "seed", "iteration", "env_steps", "status"} <= set(frame.columns)
    assert {"episodic_return", "post_return", "approx_kl", "episodes"} <= set(frame.columns)
    lines = (tmp_path / "1" / "progress.csv").read_text().splitlines()
    cells = dict(zip(lines[0].split(","), lines[8].split(","), strict=True))
    ppo = frame[frame["variant"] == "ppo"].iloc[7]
    for name in ("seed", "iteration", "env_steps", "episodic_return", "clip_fraction"):
        assert ppo[name] == float(cells[name]), name


def test_load_runs_warns_about_what_is_not_whole(tmp_path, rng):
    write_run(tmp_path / "run", "ppo", "CartPole-v1", range(3), ppo_curves(rng, 3, 5), failed={1: 2}, status="failed")
    with pytest.warns(analysis.RunWarning, match="1 of 3 seeds of ppo on CartPole-v1 failed"):
        load_runs(tmp_path)
