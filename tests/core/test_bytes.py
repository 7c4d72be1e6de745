"""A seed's rows are the same bytes alone, among others, and with another number of threads."""

import pytest

from tests.composing import VARIANTS, train_rows

SMALL = ["iterations=3", "num_envs=3", "num_steps=85", "critic.num_minibatches=1"]
LONG_ROWS = ["iterations=2", "num_envs=4", "num_steps=8300", "critic.num_minibatches=1", "critic.update_epochs=2"]


def rows_of_seed(rows: list[str], seed: int) -> list[str]:
    return [row for row in rows if row.split(",")[2] == str(seed)]


@pytest.mark.parametrize("env", ["cartpole", pytest.param("swingup", marks=pytest.mark.slow)])
@pytest.mark.parametrize("algo", VARIANTS)
def test_rows_do_not_depend_on_what_ran_beside(tmp_path, algo, env):
    base = [f"algo={algo}", f"env={env}", *SMALL]
    if algo in ("ppo", "ppo_penalty"):
        base += ["algo.num_minibatches=5", "algo.target_kl=0.003", "algo.update_epochs=8"]
    if algo in ("npg", "trpo"):
        base += ["algo.fisher_fraction=0.3"]
    runs = {
        "alone": ["seed=2", "num_seeds=1", "threads=1"],
        "alone, two threads": ["seed=2", "num_seeds=1", "threads=2"],
        "among four, two threads": ["seed=0", "num_seeds=4", "threads=2"],
    }
    rows = {}
    for name, overrides in runs.items():
        directory = tmp_path / name
        directory.mkdir()
        rows[name] = rows_of_seed(train_rows(directory, base + overrides), 2)
    assert len(rows["alone"]) == 3
    for name in runs:
        assert rows[name] == rows["alone"], name


@pytest.mark.slow
def test_long_rollouts_too(tmp_path):
    """Rows long enough for a library to split a sum between threads."""
    base = ["algo=ppo", "env=swingup", "algo.num_minibatches=1", "algo.update_epochs=2", *LONG_ROWS]
    rows = []
    for index, overrides in enumerate((["seed=1", "threads=2"], ["seed=0", "num_seeds=2", "threads=1"])):
        directory = tmp_path / str(index)
        directory.mkdir()
        rows.append(rows_of_seed(train_rows(directory, base + overrides), 1))
    assert rows[0] == rows[1]
    assert len(rows[0]) == 2


def test_seeds_differ(tmp_path):
    rows = train_rows(tmp_path, ["algo=ppo", "env=cartpole", "num_seeds=2", *SMALL, "algo.num_minibatches=5"])
    first, second = (rows_of_seed(rows, seed) for seed in (0, 1))
    assert [row.split(",")[9:] for row in first] != [row.split(",")[9:] for row in second]
