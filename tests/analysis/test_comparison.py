"""What is compared with what, and what is said of it: nothing pooled, dropped, filled or moved without a word."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.choices import Choices
from analysis.command import main
from analysis.comparison import Comparison
from analysis.references import Reference, read, shipped
from analysis.run_format import InputError
from analysis.runs.dataset import load
from analysis.runs.variants import naming
from analysis.summary import ALL_TASKS
from tests.analysis.synthetic import ppo_curves, write_run

CARTPOLE, ACROBOT, PENDULUM = "CartPole-v1", "Acrobot-v1", "Pendulum-v1"


def level(value: float, seeds: int = 5, iterations: int = 20, spread: float = 1.0) -> np.ndarray:
    """[seeds, iterations] flat curves around `value`, each seed a little apart from the next."""
    return np.tile(value + spread * np.arange(seeds)[:, None], (1, iterations)).astype(float)


def compared(root: Path, *named: str, **choices: object) -> Comparison:
    settings = Choices(**choices)
    return Comparison.of(load(root, [settings.metric], [naming(each) for each in named]), settings)


def mean_of(comparison: Comparison, variant: str, env_id: str = CARTPOLE) -> float:
    return float(comparison.summary.set_index(["env_id", "variant"]).loc[(env_id, variant), "mean"])


# A variant is one set of settings


def two_tasks(root: Path, rates: dict[str, tuple[float, ...]]) -> None:
    number = 0
    for env_id, values in rates.items():
        for rate in values:
            config = {"algo.learning_rate": rate}
            write_run(root / f"{number}-ppo", "ppo", env_id, range(5), level(50 + number), config=config)
            number += 1
        write_run(root / f"{number}-trpo", "trpo", env_id, range(5), level(40 + number))
        number += 1


def test_a_label_stands_for_the_same_settings_on_every_task(tmp_path):
    """ppo has two learning rates on one task and two others, of which one is shared, on the next."""
    two_tasks(tmp_path, {CARTPOLE: (0.001, 0.01), ACROBOT: (0.01, 0.1)})
    comparison = compared(tmp_path)
    settings = {
        comparison.dataset.variants[name]: run.config["algo.learning_rate"]
        for name, run in comparison.dataset.runs.items()
        if run.algo == "ppo"
    }
    assert settings == {f"ppo learning_rate={rate:g}": rate for rate in (0.001, 0.01, 0.1)}
    assert set(comparison.overall["variant"]) == {"ppo learning_rate=0.01", "trpo"}
    assert any("ppo learning_rate=0.001 is not in “all tasks”" in note for note in comparison.warnings)


def test_settings_that_differ_between_tasks_are_pooled_only_when_named(tmp_path):
    two_tasks(tmp_path, {CARTPOLE: (0.001,), ACROBOT: (0.01,)})
    apart = compared(tmp_path)
    assert set(apart.overall["variant"]) == {"trpo"}
    assert any("No variant of ppo has the same settings on every task" in note for note in apart.warnings)
    named = compared(tmp_path, "ppo=algo.name=ppo")
    assert set(named.overall["variant"]) == {"ppo", "trpo"}
    assert any(
        "ppo differs between tasks in algo.learning_rate: that is how it was named." in note for note in named.warnings
    )
    assert compared(tmp_path, "algo.name").summary["variant"].tolist() == named.summary["variant"].tolist()
    by_path = compared(tmp_path, "mine=*-ppo")
    assert set(by_path.overall["variant"]) == {"mine", "trpo"}


def test_names_that_cannot_be_are_refused(tmp_path):
    two_tasks(tmp_path, {CARTPOLE: (0.001,), ACROBOT: (0.01,)})
    with pytest.raises(InputError, match="no run matches"):
        compared(tmp_path, "ppo=algo.name=sac")
    with pytest.raises(InputError, match="matches a and b; expected: one name per run"):
        compared(tmp_path, "a=algo.name=ppo", "b=*-ppo")
    with pytest.raises(InputError, match="other runs are called trpo too"):
        compared(tmp_path, "trpo=algo.name=ppo")
    with pytest.raises(InputError, match=r"--variant algo\.nmae: no run matches"):
        compared(tmp_path, "algo.nmae")
    for text in ("", "=x", "ppo="):
        with pytest.raises(InputError, match=r"expected: KEY, as in algo\.name, or NAME=PATTERN"):
            naming(text)


def test_runs_that_differ_in_evaluation_or_in_length_are_one_variant(tmp_path, rng):
    curves = ppo_curves(rng, 4, 40)
    config = {"evaluation": {"interval": 1}}
    write_run(tmp_path / "evaluated", "ppo", CARTPOLE, range(4), curves[:, :20], config=config)
    write_run(tmp_path / "long", "ppo", CARTPOLE, range(4), curves, config={"evaluation": {"interval": 2}})
    comparison = compared(tmp_path)
    assert set(comparison.summary["variant"]) == {"ppo"}
    assert comparison.summary["seeds"].tolist() == [4]
    assert comparison.tasks[CARTPOLE].horizon == 40 * 4096


# Horizon


def test_an_unfinished_run_moves_nobodys_horizon(tmp_path):
    """TRPO stands at iteration 4 of 100; a2c is ahead of ppo early on and behind it in the end."""
    rising = np.linspace(0, 300, 100)[None] + np.arange(5.0)[:, None]
    write_run(tmp_path / "ppo", "ppo", CARTPOLE, range(5), rising)
    write_run(tmp_path / "a2c", "a2c", CARTPOLE, range(5), level(100, iterations=100))
    write_run(tmp_path / "trpo", "trpo", CARTPOLE, range(5), level(5, iterations=4), iterations=100, status="running")
    comparison = compared(tmp_path)
    assert comparison.tasks[CARTPOLE].horizon == 100 * 4096
    assert comparison.verdicts[0].startswith("ppo ends 18")
    assert "Compared at" not in comparison.verdicts[0]
    assert any("5 of 5 seeds of trpo on CartPole-v1 are not scored" in note for note in comparison.warnings)
    included = compared(tmp_path, include_unfinished=True)
    assert included.tasks[CARTPOLE].horizon == 4 * 4096
    assert all("Compared at 16.4k of 410k env steps." in sentence for sentence in included.verdicts)


def test_half_of_the_seeds_are_enough_for_the_horizon_as_the_rule_says(tmp_path):
    """Three of six seeds have 20 iterations, three have 9: all are finished."""
    write_run(tmp_path / "long", "ppo", CARTPOLE, range(3), level(5, 3, 20))
    write_run(tmp_path / "short", "ppo", CARTPOLE, range(3, 6), level(5, 3, 9))
    comparison = compared(tmp_path)
    assert comparison.tasks[CARTPOLE].horizon == 20 * 4096
    assert any("3 of 6 seeds of ppo on CartPole-v1 are not scored" in note for note in comparison.warnings)


def test_a_variant_whose_seeds_all_failed_at_once_moves_nobodys_horizon(tmp_path):
    write_run(tmp_path / "ppo", "ppo", CARTPOLE, range(5), level(100))
    failed = dict.fromkeys(range(5), 0)
    write_run(tmp_path / "a2c", "a2c", CARTPOLE, range(5), level(20), failed=failed, status="failed")
    assert compared(tmp_path).tasks[CARTPOLE].horizon == 20 * 4096


# Scores


def test_final_is_a_share_of_training(tmp_path):
    """Six grid points: the last tenth is the last one, and a verdict says so in env steps."""
    write_run(tmp_path / "ppo", "ppo", CARTPOLE, range(3), np.tile(np.arange(6.0), (3, 1)))
    comparison = compared(tmp_path)
    assert mean_of(comparison, "ppo") == 5
    text = comparison.choices.scored.describe(comparison.tasks[CARTPOLE], comparison.choices.last)
    assert text == "mean over the last 4.1k env steps (1 of 6 grid points)"
    assert mean_of(compared(tmp_path, last=0.5), "ppo") == 4


def test_nothing_is_filled_backwards(tmp_path):
    """The metric is known only at the end: that says nothing of training, nor of what an untrained policy gets."""
    late = np.full((4, 20), np.nan)
    late[:, -1] = [1.0, 2.0, 3.0, 4.0]
    write_run(tmp_path / "ppo", "ppo", "Own-v0", range(4), late)
    task = compared(tmp_path).tasks["Own-v0"]
    assert np.isnan(task.variants["ppo"].values[:, :-1]).all()
    assert np.isnan(task.untrained)
    assert compared(tmp_path, score="auc").scores["auc"].tolist() == [1, 2, 3, 4]
    assert compared(tmp_path).scales == {}


# Failed seeds


def with_a_failure(root: Path, bad: float) -> None:
    write_run(root / "ppo", "ppo", CARTPOLE, range(5), level(400), failed={2: 7}, status="failed")
    write_run(root / "trpo", "trpo", CARTPOLE, range(5), level(300))
    write_run(root / "a2c", "a2c", CARTPOLE, range(5), level(bad))


@pytest.mark.slow
def test_what_a_failed_seed_scores_does_not_depend_on_other_variants(tmp_path):
    with_a_failure(tmp_path / "good", 200)
    with_a_failure(tmp_path / "bad", -5000)
    good, bad = compared(tmp_path / "good"), compared(tmp_path / "bad")
    assert mean_of(good, "ppo") == mean_of(bad, "ppo") == pytest.approx((4 * 402 + shipped()[CARTPOLE].low) / 5)


def test_the_verdict_says_how_many_failed_and_what_it_is_without_them(tmp_path):
    with_a_failure(tmp_path, 200)
    verdict = next(text for text in compared(tmp_path).verdicts if "ppo" in text and "trpo" in text)
    assert "1 of 5 seeds of ppo failed; without them ppo ends 100 higher than trpo (better" in verdict


def test_without_a_reference_a_failed_seed_scores_its_own_first_value(tmp_path):
    curves = level(400)
    curves[2, 0] = 17
    write_run(tmp_path / "ppo", "ppo", "Own-v0", range(5), curves, failed={2: 7}, status="failed")
    assert compared(tmp_path).scores.set_index("seed").loc[2, "final"] == 17


def test_lower_is_better(tmp_path):
    write_run(tmp_path / "low", "ppo", CARTPOLE, range(6), level(10, 6), failed={0: 3}, status="failed")
    write_run(tmp_path / "high", "trpo", CARTPOLE, range(6), level(100, 6))
    cost = Reference(500.0, 0.0)
    comparison = compared(tmp_path, lower_is_better=True, references={CARTPOLE: cost}, score="best")
    pair = comparison.pairs.iloc[0]
    assert (pair["a"], pair["difference"] < 0) == ("ppo", True)
    final = compared(tmp_path, lower_is_better=True, references={CARTPOLE: cost}).scores.set_index(["variant", "seed"])
    assert final.loc[("ppo", 0), "final"] == 500
    assert final.loc[("ppo", 1), "normalised"] == pytest.approx((500 - 11) / 500)
    worst = comparison.summary.set_index("variant").loc["trpo"]
    assert worst["lower_tail"] == pytest.approx(np.average([105, 104], weights=[1, 0.5]))


def test_references_of_ones_own_are_about_any_metric_and_point_the_right_way(tmp_path):
    write_run(tmp_path / "ppo", "ppo", CARTPOLE, range(6), level(10, 6))
    own = {CARTPOLE: Reference(10.0, 30.0)}
    assert compared(tmp_path, metric="policy_steps", references=own).scores["normalised"].tolist() == [3.5] * 6
    assert compared(tmp_path, metric="policy_steps").scales == {}
    assert compared(tmp_path, lower_is_better=True).scales == {}
    with pytest.raises(InputError, match="low=10, high=30; expected: high, the better end, below low"):
        compared(tmp_path, references=own, lower_is_better=True)


# All tasks


def test_the_table_and_the_verdict_estimate_the_same(tmp_path):
    """Unequal numbers of seeds: every task counts the same, in the table and in the sentence."""
    for env_id, ppo, trpo, seeds in ((CARTPOLE, 400, 100, 12), (ACROBOT, -300, -100, 3)):
        write_run(tmp_path / f"ppo-{env_id}", "ppo", env_id, range(seeds), level(ppo, seeds))
        write_run(tmp_path / f"trpo-{env_id}", "trpo", env_id, range(3), level(trpo, 3))
    comparison = compared(tmp_path)
    table = comparison.overall.set_index("variant")
    pair = comparison.pairs.set_index("env_id").loc[ALL_TASKS]
    assert pair["difference"] == pytest.approx(table.loc[pair["a"], "mean"] - table.loc[pair["b"], "mean"])
    by_task = comparison.scores.groupby(["variant", "env_id"])["normalised"].mean().groupby("variant").mean()
    assert table.loc["ppo", "mean"] == pytest.approx(by_task["ppo"])


def test_normalised_scores_do_not_depend_on_what_else_is_loaded(tmp_path):
    for env_id, value in ((CARTPOLE, 200), (ACROBOT, -200)):
        write_run(tmp_path / "two" / f"ppo-{env_id}", "ppo", env_id, range(5), level(value))
        write_run(tmp_path / "two" / f"trpo-{env_id}", "trpo", env_id, range(5), level(value + 20))
        write_run(tmp_path / "best" / env_id, "npg", env_id, range(5), level(value + 150))
    alone, beside = compared(tmp_path / "two"), Comparison.of(load([tmp_path / "two", tmp_path / "best"]), Choices())
    for variant in ("ppo", "trpo"):
        before, after = (each.overall.set_index("variant").loc[variant, "mean"] for each in (alone, beside))
        assert before == after
    ends = shipped()[CARTPOLE]
    first = alone.scores[alone.scores["env_id"] == CARTPOLE].iloc[0]
    assert first["normalised"] == pytest.approx((first["final"] - ends.low) / ends.width)


def test_an_observed_scale_is_named_and_makes_intervals_wider(tmp_path, rng):
    for env_id in ("Own-v0", "Own-v1"):
        for algo, value in (("ppo", 100), ("trpo", 60)):
            start = np.linspace(0, 1, 20)[None] * (value + rng.normal(0, 30, (5, 1))) + rng.normal(0, 5, (5, 1))
            write_run(tmp_path / f"{algo}-{env_id}", algo, env_id, range(5), start)
    observed = compared(tmp_path)
    assert any(
        "Own-v0, Own-v1: no reference, so scores are normalised by what was observed" in w for w in observed.warnings
    )
    ends = {name: Reference(scale.low, scale.high) for name, scale in observed.scales.items()}
    fixed = compared(tmp_path, references=ends)
    assert not any("no reference" in note for note in fixed.warnings)
    rows = [each.pairs.set_index("env_id").loc[ALL_TASKS] for each in (observed, fixed)]
    assert rows[0]["difference"] == pytest.approx(rows[1]["difference"])
    width, fixed_width = (row["difference_high"] - row["difference_low"] for row in rows)
    assert width >= fixed_width
    own, fixed_own = (each.overall.set_index("variant").loc["trpo"] for each in (observed, fixed))
    assert own["mean_high"] - own["mean_low"] > fixed_own["mean_high"] - fixed_own["mean_low"]


def test_a_task_that_cannot_be_normalised_is_named(tmp_path):
    for env_id, value in ((CARTPOLE, 200), (ACROBOT, -200), ("Own-v0", 3)):
        for algo in ("ppo", "trpo"):
            write_run(tmp_path / f"{algo}-{env_id}", algo, env_id, range(5), level(value))
    comparison = compared(tmp_path)
    assert any("Own-v0 has no reference and no variant got better than untrained" in n for n in comparison.warnings)
    assert set(comparison.normalised["env_id"]) == {CARTPOLE, ACROBOT}


@pytest.mark.parametrize(
    ("content", "say"),
    [
        ("[1]", "holds no mapping"),
        ("a: 1", "a=1 has no low and high"),
        ("a: {low: 0, high: x}", "a.high='x'; expected: a finite number"),
        ("a: {low: 1, high: 1}", "low and high are both 1"),
        ("a: {low: 0, high: 1, hihg: 2}", "a.hihg is unknown"),
        ("a: {low: .nan, high: 1}", "a.low=nan"),
        ("a: [", "not YAML"),
    ],
)
def test_references_that_cannot_be_are_refused(tmp_path, content, say):
    file = tmp_path / "references.yaml"
    file.write_text(content)
    with pytest.raises(InputError, match=say.replace("[", r"\[")) as refused:
        read(file)
    assert "\n" not in str(refused.value)


def test_every_task_with_a_preset_has_a_reference():
    for env_id, reference in shipped().items():
        assert reference.high > reference.low, env_id
    assert {CARTPOLE, ACROBOT, PENDULUM, "CartPoleSwingUp-v1", "LunarLander-v3", "Hopper-v5"} <= shipped().keys()


# What is said


@pytest.mark.slow
def test_choices_that_are_not_the_defaults_stand_beside_the_verdict(tmp_path):
    write_run(tmp_path / "ppo", "ppo", CARTPOLE, range(5), level(50))
    write_run(tmp_path / "trpo", "trpo", CARTPOLE, range(5), level(60))
    assert compared(tmp_path).choices.not_default == []
    out = tmp_path / "out"
    arguments = ["--metric", "post_return", "--score", "auc", "--threshold", "55", "--out", str(out)]
    assert main([str(tmp_path / "ppo"), str(tmp_path / "trpo"), *arguments]) == 0
    page = (out / "report.html").read_text()
    assert "Not the defaults: metric post_return; score auc; threshold 55.0." in page
    assert page.index("Not the defaults") < page.index('class="verdicts"')


def test_a_reference_variant_is_the_only_one_that_others_are_compared_with(tmp_path):
    for number, algo in enumerate(("a2c", "npg", "ppo", "trpo")):
        write_run(tmp_path / algo, algo, CARTPOLE, range(5), level(50 + 30 * number))
    pairs = compared(tmp_path, reference="ppo").pairs
    assert len(pairs) == 3
    assert all("ppo" in (row["a"], row["b"]) for _, row in pairs.iterrows())
    with pytest.raises(InputError, match="reference='sac' is no variant here"):
        compared(tmp_path, reference="sac")


@pytest.mark.slow
def test_the_table_has_the_confidence_of_the_limits_and_the_appendix_everything(tmp_path, no_figures):
    write_run(tmp_path / "ppo", "ppo", CARTPOLE, range(5), level(50), failed={3: 4}, status="failed")
    write_run(tmp_path / "trpo", "trpo", CARTPOLE, range(5), level(60))
    out = tmp_path / "out"
    assert main([str(tmp_path / "ppo"), str(tmp_path / "trpo"), "--out", str(out), "--latex"]) == 0
    assert "(26.3%)" in (out / "summary.md").read_text()  # 1 - .8^5 - 5 * .2 * .8^4: min to max of 5 seeds
    text = (out / "appendix.md").read_text()
    for part in ("5 (seeds 0-4)", "1 seed failed", "permutation test", "Hedges' g", "seedbed 0.1.0", "0123abc"):
        assert part in text
    assert r"\toprule" in (out / "pairs.tex").read_text()
    columns = pd.read_csv(out / "pairs.csv").columns
    assert [name for name in columns if name.endswith("_p") and "adjusted" not in name] == []


# One call


@pytest.mark.slow
def test_one_call_in_a_notebook(tmp_path, monkeypatch):
    write_run(tmp_path / "runs" / "ppo", "ppo", CARTPOLE, range(5), level(50))
    write_run(tmp_path / "runs" / "trpo", "trpo", CARTPOLE, range(5), level(60))
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    comparison = analysis.compare("runs", margin=0.1)
    page = comparison._repr_html_()
    assert sorted(tmp_path.rglob("*")) == before
    assert "<svg" in page
    assert page.count("<html") == 0
    assert comparison.verdicts[0] in str(comparison)
    assert {"summary", "pairs", "overall", "scores", "verdicts", "figures"} <= set(dir(comparison))
    assert comparison.figures[CARTPOLE][0].name == f"seeds-{CARTPOLE}"
    monkeypatch.setattr("analysis.plots.figures.draw", lambda comparison: {})
    assert (analysis.compare("runs", out="here").write("there")).exists()
    assert (tmp_path / "here" / "report.html").exists()


# A user's own


OWN = """
import numpy as np
from matplotlib.figure import Figure

def worst_points(values, env_steps):
    "Mean of each curve's worst quarter of grid points."
    ordered = np.sort(values, axis=1)
    return ordered[:, : max(1, values.shape[1] // 4)].mean(axis=1)

def best(values, env_steps):
    return values[:, 0]

def median(scores, axis=-1):
    return scores[..., 0]

def shape(values, env_steps):
    return values

def missing(values, env_steps):
    return np.full(len(values), np.nan)

def broken(*arguments, **more):
    raise RuntimeError("no,\\nnot today")

def half_range(scores, axis=-1):
    return np.ptp(scores, axis=axis) / 2

def no_axis(scores, axis=-1):
    return 3.0 * np.ones(7)

def drawn(comparison):
    "Seeds, by hand."
    figure = Figure(figsize=(3, 2))
    figure.subplots().plot(comparison.scores["final"])
    return figure

def nothing(comparison):
    return 3

number = 3
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_things.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    write_run(tmp_path / "runs" / "ppo", "ppo", CARTPOLE, range(5), level(50))
    write_run(tmp_path / "runs" / "trpo", "trpo", CARTPOLE, range(5), level(60))
    return tmp_path


@pytest.mark.slow
def test_scores_statistics_and_figures_of_ones_own(own, own_figures_only):
    arguments = ["--score", "own_things:worst_points", "--statistic", "own_things:half_range"]
    arguments += ["--figure", "own_things:drawn", "--out", str(own / "out")]
    assert main([str(own / "runs"), *arguments]) == 0
    summary = pd.read_csv(own / "out" / "summary.csv").set_index("variant")
    assert summary.loc["ppo", "mean"] == 52
    assert summary.loc["ppo", "half range"] == 2
    assert (own / "out" / "own-drawn.png").exists()
    page = (own / "out" / "report.html").read_text()
    assert "trpo scores 10.0 higher than ppo" in page
    assert "Seeds, by hand." in page


@pytest.mark.slow
def test_the_examples_of_ones_own_work(own, own_figures_only, monkeypatch):
    monkeypatch.syspath_prepend(Path(analysis.__file__).parents[1] / "examples" / "extending")
    arguments = ["--score", "my_lab.scores:worst_quarter", "--statistic", "my_lab.scores:stuck"]
    arguments += ["--figure", "my_lab.scores:first_against_last", "--out", str(own / "out")]
    assert main([str(own / "runs"), *arguments]) == 0
    summary = pd.read_csv(own / "out" / "summary.csv").set_index("variant")
    assert summary.loc["trpo", "stuck"] == 1
    assert (own / "out" / "own-first_against_last.svg").exists()


@pytest.mark.parametrize(
    ("option", "name", "say"),
    [
        ("--score", "finale", "score 'finale' is unknown; expected: final, auc, best or MODULE:FUNCTION"),
        ("--score", "own_things:", "is not a function's name"),
        ("--score", "own_things:best", "is called best, as one of seedbed's"),
        ("--statistic", "own_things:median", "is called median, as one of seedbed's"),
        ("--score", "nowhere_at_all:f", "nowhere_at_all cannot be imported (ModuleNotFoundError"),
        ("--score", "own_things:absent", "own_things has no absent"),
        ("--score", "own_things:number", "is int; expected: a function"),
        ("--score", "own_things:shape", "gave shape (5, 20) for 5 seeds; expected: (5,)"),
        ("--score", "own_things:missing", "gave a number that is not finite"),
        ("--score", "own_things:broken", "RuntimeError: no, not today"),
        ("--statistic", "own_things:broken", "RuntimeError: no, not today"),
        ("--statistic", "own_things:no_axis", "gave shape (7,)"),
        ("--figure", "own_things:broken", "RuntimeError: no, not today"),
        ("--figure", "own_things:nothing", "gave int; expected: a matplotlib Figure"),
    ],
)
def test_what_does_not_work_of_ones_own_is_one_line(own, capsys, option, name, say):
    assert main([str(own / "runs"), option, name, "--out", str(own / "out")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert say in error
    assert not list((own / "out").glob("*"))
