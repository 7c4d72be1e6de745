"""What is exported and read again has the same scores and the same verdict, to the last digit."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import InputError, compare, rliable_arrays
from analysis.comparison import Comparison
from analysis.export import main
from analysis.readers.names import kind
from tests.analysis.synthetic import ppo_curves, write_run

FORMATS = ["csv", "parquet", "marl-eval", "rliable"]
SUFFIX = {"csv": ".csv", "parquet": ".parquet", "marl-eval": ".json", "rliable": ".npz"}


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two variants of one algorithm, whose seeds are compared one by one, and one of another; gaps, a failed seed and
    one that has not finished."""
    root = tmp_path_factory.mktemp("ours")
    rng = np.random.default_rng(8)
    for task in ("CartPole-v1", "Acrobot-v1"):
        for number, (algo, gamma, level) in enumerate((("ppo", 0.9, 300), ("ppo", 0.99, 330), ("a2c", 0.9, 250))):
            curves = ppo_curves(rng, 10, 30, level)
            curves[rng.random(curves.shape) < 0.1] = np.nan  # no episode ended
            odd = {"failed": {3: 12}} if algo == "a2c" else {}
            write_run(root / task / str(number), algo, task, range(10), curves, config={"gamma": gamma}, **odd)
    return root


@pytest.fixture(scope="session")
def compared(ours: Path) -> Comparison:
    return compare(ours)


def as_told(comparison: Comparison) -> tuple[pd.DataFrame, list[str]]:
    columns = ["env_id", "variant", "seed", "failed", "final", "normalised"]
    scores = comparison.scores[columns].sort_values(columns[:3], ignore_index=True)
    return scores.astype({"failed": bool, "variant": str, "env_id": str}), comparison.verdicts


@pytest.mark.parametrize("form", FORMATS)
def test_exported_and_read_again(ours, compared, form, tmp_path, capsys):
    out = tmp_path / "exported"
    assert main([str(ours), "--to", form, "--out", str(out)]) == 0
    assert str(out) + SUFFIX[form] in capsys.readouterr().out
    again = compare(tmp_path)
    scores, verdicts = as_told(compared)
    scores_again, verdicts_again = as_told(again)
    pd.testing.assert_frame_equal(scores_again, scores, check_exact=True)
    assert verdicts_again == verdicts
    assert any("compared seed by seed" in each for each in verdicts)
    assert any("failed" in each for each in verdicts)
    pd.testing.assert_frame_equal(
        again.pairs.drop(columns="log_rank_p_uncorrected"),
        compared.pairs.drop(columns="log_rank_p_uncorrected"),
        check_exact=True,
    )


@pytest.mark.parametrize("form", ["csv", "marl-eval"])
def test_a_seed_that_has_not_finished_has_still_not(form, tmp_path, rng):
    curves = ppo_curves(rng, 6, 20)
    write_run(tmp_path / "runs" / "a", "ppo", "CartPole-v1", range(6), curves)
    write_run(tmp_path / "runs" / "b", "ppo", "CartPole-v1", [6], curves[:1], iterations=40, status="interrupted")
    main([str(tmp_path / "runs"), "--to", form, "--out", str(tmp_path / "out" / "x")])
    again = compare(tmp_path / "out")
    assert again.dataset.seeds.set_index("seed")["state"].to_dict() == {
        **dict.fromkeys(range(6), "ok"),
        6: "unfinished",
    }
    assert again.scores["seed"].tolist() == list(range(6))


def test_a_variant_of_which_one_run_does_not_say_that_it_began_alike_did_not(tmp_path):
    rows = [
        {"variant": variant, "task": task, "seed": seed, "env_steps": step, "value": seed + step * (variant == "a")}
        | {"pairing": "ppo" if (variant, task) != ("a", "Two-v0") else None}
        for variant in "ab"
        for task in ("One-v0", "Two-v0")
        for seed in range(8)
        for step in (10, 20)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "table.csv", index=False)
    assert main([str(tmp_path / "table.csv"), "--to", "csv", "--out", str(tmp_path / "again.csv")]) == 0
    for name in ("table.csv", "again.csv"):
        comparison = compare(tmp_path / name)
        assert comparison.dataset.pairings == {"b": "ppo"}
        assert not any("seed by seed" in each for each in comparison.verdicts)


def test_foreign_logs_are_exported_too(sb3, tmp_path):
    pattern = "{variant}/{task}_{seed}"
    assert main([str(sb3.root), "--pattern", pattern, "--to", "csv", "--out", str(tmp_path / "sb3")]) == 0
    first, again = compare(sb3.root, pattern=pattern), compare(tmp_path)
    pd.testing.assert_frame_equal(as_told(again)[0], as_told(first)[0], check_exact=True)


def test_the_arrays_that_rliable_takes(ours, compared, tmp_path):
    arrays = rliable_arrays(ours)
    assert {name: array.shape for name, array in arrays.items()} == dict.fromkeys(arrays, (10, 2))
    for variant, array in arrays.items():
        for column, task in enumerate(["Acrobot-v1", "CartPole-v1"]):
            rows = compared.scores[(compared.scores["variant"] == variant) & (compared.scores["env_id"] == task)]
            np.testing.assert_array_equal(array[:, column], rows.sort_values("seed")["normalised"])
    main([str(ours), "--to", "rliable", "--out", str(tmp_path / "scores.npz")])
    with np.load(tmp_path / "scores.npz", allow_pickle=False) as file:
        assert sorted(file) == sorted(arrays)
        for name in arrays:
            np.testing.assert_array_equal(file[name], arrays[name])


def test_rliable_takes_no_unequal_numbers_of_seeds(tmp_path, rng):
    for task, seeds in (("CartPole-v1", 5), ("Acrobot-v1", 4)):
        write_run(tmp_path / task, "ppo", task, range(seeds), ppo_curves(rng, seeds, 10))
    with pytest.raises(InputError, match="ppo has scores of 4 on Acrobot-v1, 5 on CartPole-v1; expected for rliable"):
        rliable_arrays(tmp_path)


def test_marl_evals_own_pipeline_takes_the_file(ours, tmp_path):
    if importlib.util.find_spec("marl_eval") is None:
        pytest.skip("id-marl-eval is not installed")
    pytest.importorskip("colorama")
    import json

    from marl_eval.utils.data_processing_utils import data_process_pipeline

    main([str(ours), "--to", "marl-eval", "--out", str(tmp_path / "metrics.json")])
    content = json.loads((tmp_path / "metrics.json").read_text())
    processed = data_process_pipeline(content, [])
    assert set(processed["extra"]["environment_list"]["seedbed"]) == {"cartpole-v1", "acrobot-v1"}
    step = processed["seedbed"]["cartpole-v1"]["a2c"]["seed_0"]["step_1"]
    assert (
        step["mean_episodic_return"]
        == content["seedbed"]["CartPole-v1"]["a2c"]["seed_0"]["step_1"]["episodic_return"][0]
    )


def test_training_returns_stay_training_returns(ours, tmp_path):
    main([str(ours), "--to", "csv", "--out", str(tmp_path / "x")])
    (names,) = {tuple(run.info["series"]) for run in compare(tmp_path).dataset.runs.values()}
    assert [kind(name) for name in names] == ["training"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--out", "x"], "--to is missing"),
        (["--to", "csv"], "--out is missing"),
        (["--to", "csv", "--out", "/dev/null/x"], "--out FILE"),
    ],
)
def test_what_an_export_needs_is_said(ours, options, words, capsys):
    assert main([str(ours), *options]) == 2
    assert words in capsys.readouterr().err
