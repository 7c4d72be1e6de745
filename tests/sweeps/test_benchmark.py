"""The page of TRPO and NPG beside PPO: equal terms, curves and verdicts from numbers made up by hand, a tiny study."""

import numpy as np
import pandas as pd
import pytest

from analysis.references import references_for
from analysis.run_format import read_config
from sweeps.batch import Run
from sweeps.benchmark import command
from sweeps.benchmark.page import files
from sweeps.benchmark.runs import TASKS, VARIANTS, names, run
from sweeps.benchmark.tables import CURVES, FACTS, POINTS
from tests.composing import plain

ENDS = {"ppo": 0.6, "trpo": 0.6, "npg": 0.4}
"""Normalised returns of made-up seeds."""


def made_up(tasks: list[str]) -> dict[str, pd.DataFrame]:
    """Tables in which PPO and TRPO end alike, and NPG lower."""
    rows, facts = [], []
    for task in tasks:
        scale = references_for("episodic_return")[TASKS[task]]
        for name, variant in zip(names(task), VARIANTS, strict=True):
            for seed in range(10, 20):
                end = scale.low + scale.width * (ENDS[variant] + 0.002 * (seed - 14.5))
                values = np.linspace(scale.low, end, 20).tolist() + [end] * (POINTS - 20)
                rows += [
                    (name, variant, TASKS[task], seed, 16384 * (point + 1), value, "ok")
                    for point, value in enumerate(values)
                ]
            facts.append((name, 3600, 0, "EnvPool", "Some Processor", "abc"))
    columns = ("run", "variant", "task", "seed", "env_steps", "value", "status")
    costs = ("run", "seconds", "evaluation_seconds", "environments", "processor", "commit")
    return {CURVES: pd.DataFrame(rows, columns=columns), FACTS: pd.DataFrame(facts, columns=costs)}


def test_every_variant_has_one_setting_for_all_tasks():
    settings = {}
    for task, env_id in TASKS.items():
        for name, variant in zip(names(task), VARIANTS, strict=True):
            config = plain(*run(name).command_line)
            assert (config["env"]["id"], config["algo"]["name"]) == (env_id, variant)
            assert (config["seed"], config["num_seeds"]) == (10, 10)
            assert config["num_envs"] * config["num_steps"] * config["iterations"] == 999_424
            assert config["iterations"] % POINTS == 0
            alike = {key: value for key, value in config.items() if key not in ("env", "evaluation")}
            assert alike == settings.setdefault(variant, alike)


def test_the_verdict_of_made_up_runs():
    page = files(made_up(["hopper", "swimmer", "walker2d"]))["README.md"].decode()
    first = page.splitlines()[2:6]
    assert any(line.startswith("ppo ends 0.200 higher than npg over all tasks") for line in first)
    assert any("practically the same" in line and "trpo" in line for line in first)
    hopper = next(line for line in page.splitlines() if line.startswith("| Hopper-v5"))
    assert hopper.count("**lower**") == 1
    assert "), practically the same" in hopper
    assert "9.0 h (ppo: 3.0 h, trpo: 3.0 h, npg: 3.0 h)" in page
    assert "Not trained yet, so not on this page: Ant-v5, HalfCheetah-v5, Reacher-v5" in page


def test_a_task_that_lacks_a_variant_is_left_out():
    tables = made_up(["hopper", "swimmer", "walker2d"])
    tables[CURVES] = tables[CURVES][tables[CURVES]["run"] != "swimmer-npg"]
    page = files(tables)["README.md"].decode()
    assert "| Swimmer-v5" not in page
    assert "10 seeds each on 2 tasks" in page
    none = files({name: table[table["run"] == "hopper-ppo"] for name, table in tables.items()})
    assert list(none) == ["README.md"]


def test_a_study_from_training_to_the_page(tmp_path, monkeypatch):
    def tiny(name: str) -> Run:
        task, _, variant = name.rpartition("-")
        overrides = (f"env={task}", f"iterations={2 * POINTS}", "num_envs=2", "num_steps=16", "threads=1", "seed=10")
        return Run(name, f"cartpole/{variant}", 2, overrides)

    monkeypatch.setattr(command, "TASKS", {"cartpole": "CartPole-v1"})
    monkeypatch.setattr(command, "run", tiny)
    with pytest.raises(SystemExit) as ended:
        command.main(["--runs", str(tmp_path), "--out", str(tmp_path / "out"), "--run", "cartpole-ppo"])
    assert ended.value.code == 0
    kept = pd.read_csv(tmp_path / "out" / CURVES)
    assert len(kept) == 2 * POINTS
    assert set(kept["status"]) == {"ok"}
    progress = pd.read_csv(tmp_path / "cartpole-ppo" / "progress.csv")
    assert read_config(tmp_path / "cartpole-ppo")["iterations"] == 2 * POINTS
    for seed, rows in progress.groupby("seed"):
        mine = kept[kept["seed"] == seed]
        assert mine["env_steps"].tolist() == rows["env_steps"].iloc[1::2].tolist()
        pair = rows.iloc[20:22].dropna(subset="episodic_return")
        by_hand = np.average(pair["episodic_return"], weights=pair["episodes"]) if len(pair) else np.nan
        assert mine["value"].iloc[10] == pytest.approx(by_hand, rel=1e-5, nan_ok=True)
    assert "Not trained yet" in (tmp_path / "out" / "README.md").read_text()
    assert pd.read_csv(tmp_path / "out" / FACTS)["environments"].tolist() == ["Gymnasium"]
