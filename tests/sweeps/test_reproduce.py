"""``sweeps.reproduce`` from its command line, and the numbers that its page states."""

import gzip
import json
import re
import shutil
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from algos.build import make_trainer
from analysis.run_format import run_differences
from sweeps.post import scores
from sweeps.post.data import Data
from sweeps.post.plots import Z95, lower_bound, penalty
from sweeps.post.runs import DEPARTURES, DEPARTURES_OF, HALF_TRAINED, RUNS, TEXTBOOK
from sweeps.post.summary import summary
from sweeps.post.trust_region import MAX_KL, Surrogate, along_natural_gradient, play
from sweeps.reproduce import main
from sweeps.trained import load_agents
from tests.composing import composed, plain, trainer
from tests.sweeps import command

ONLY = ("--only", "cartpole-a2c", "--only", "ppo-plot", "--only", "trust-region", "--only", "max-kl")


def reproduce(*arguments: object) -> int:
    """The exit status of ``python -m sweeps.reproduce --quick ARGUMENTS``, in this process."""
    with pytest.raises(SystemExit) as ended:
        main(["--quick", *map(str, arguments)])
    return ended.value.code


@pytest.fixture(scope="module")
def quick(tmp_path_factory) -> Path:
    """Quick runs, with figures below them."""
    directory = tmp_path_factory.mktemp("post")
    assert reproduce("--runs", directory, *ONLY) == 0
    return directory


def test_figures_data_and_page_are_there(quick):
    out = quick / "figures"
    page = (out / "README.md").read_text()
    for name in ("cartpole-a2c", "ppo-plot", "trust-region", "max-kl"):
        width, height = Image.open(out / f"{name}.png").size
        assert min(width, height) > 300
        assert "</svg>" in (out / f"{name}.svg").read_text()
        assert f"![{name}]({name}.png)" in page
    assert "Quick version" in page
    assert "| post's own number at the end | 209.97 |" in page
    assert "`swingup-36-ppo`" in page.split("## Not drawn yet")[1]


def test_data_are_the_numbers_of_the_run(quick):
    rows = pd.read_csv(quick / "cartpole-a2c" / "progress.csv")
    data = Data(quick / "figures" / "data").frame("cartpole-a2c")
    assert len(data) == len(rows) == 12
    np.testing.assert_allclose(data["post_return"], rows["post_return"], rtol=1e-5)
    np.testing.assert_allclose(data["episodic_return"], rows["episodic_return"], rtol=1e-5)
    page = (quick / "figures" / "README.md").read_text()
    stated = re.search(r"post's own number at the end \| 209.97 \| ([\d.]+)", page)
    assert float(stated[1]) == pytest.approx(rows["post_return"].iloc[-1], abs=0.006)


@pytest.mark.slow
def test_from_data_draws_the_same_bytes_without_runs(quick, tmp_path):
    shutil.copytree(quick / "figures" / "data", tmp_path / "data")
    assert reproduce("--from-data", "--out", tmp_path, "--runs", tmp_path / "none", *ONLY) == 0
    for path in (quick / "figures").glob("*.*"):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_complete_runs_are_reused_and_data_stay_the_same_bytes(quick):
    before = command.files_below(quick)
    assert reproduce("--runs", quick, *ONLY) == 0
    assert command.files_below(quick) == before


def test_what_has_no_runs_is_named(tmp_path, capsys):
    assert reproduce("--draw-only", "--runs", tmp_path, "--only", "comparison", "--only", "swingup.gif") == 1
    assert "not drawn, as their runs have not ended: swingup.gif, comparison" in capsys.readouterr().err


def test_an_unknown_figure_is_refused(tmp_path, capsys):
    assert reproduce("--runs", tmp_path, "--only", "cartpole-dqn") == 2
    line = capsys.readouterr().err
    assert line.startswith("error: --only cartpole-dqn")
    assert "cartpole-a2c" in line
    assert line.count("\n") == 1


@pytest.mark.slow
def test_interrupted_it_goes_on_to_the_same_bytes(quick, tmp_path):
    arguments = ("--quick", "--train-only", "--runs", tmp_path, "--only", "cartpole-a2c")
    running = command.Command("sweeps.reproduce", *arguments)
    command.wait_until(lambda: command.num_rows(tmp_path / "cartpole-a2c") > 2)
    running.signal(signal.SIGINT)
    ended = running.wait()
    assert ended.status == 130
    assert "the same command" in ended.out
    assert command.num_rows(tmp_path / "cartpole-a2c") < 13
    assert command.run("sweeps.reproduce", *arguments).status == 0
    theirs = (quick / "cartpole-a2c" / "progress.csv").read_bytes()
    assert (tmp_path / "cartpole-a2c" / "progress.csv").read_bytes() == theirs


# What is trained


@pytest.mark.parametrize("algo", ["ppo", "a2c", "trpo"])
@pytest.mark.parametrize("way", ["swingup-36", "textbook"])
def test_every_policy_starts_with_the_posts_covariance(algo, way):
    run = next(run for run in RUNS if run.name == f"{way}-{algo}")
    policy = trainer(*run.command_line, "num_seeds=1").policy
    np.testing.assert_allclose(policy.standard_deviation() ** 2, np.e, rtol=1e-6)


@pytest.mark.slow
def test_each_ablation_changes_its_own_keys_alone():
    runs = {run.name: run for run in RUNS}
    for algo, departures in DEPARTURES_OF.items():
        base = plain(*runs[f"swingup-36-{algo}"].command_line)
        for departure, overrides in departures.items():
            own = plain(*runs[f"ablation-{algo}-{departure}"].command_line)
            keys = {line.split("=")[0] for line in run_differences(base, own)}
            changed = {override.split("=")[0] for override in overrides}
            assert keys - {"num_seeds"} == changed


def test_all_departures_switched_one_by_one_are_the_textbook():
    size = ("experiment=post/swingup_ppo", "num_seeds=2", "num_steps=520", "iterations=2", "critic.update_epochs=5")
    each = [override for overrides in DEPARTURES_OF["ppo"].values() for override in overrides]
    together, textbook = trainer(*size, *each), trainer(*size, *TEXTBOOK["ppo"])
    for ours, theirs in zip(together, textbook, strict=True):
        np.testing.assert_array_equal(ours.stats["episodic_return"], theirs.stats["episodic_return"])
    assert torch.equal(together.policy.params, textbook.policy.params)
    assert torch.equal(together.critic.params, textbook.critic.params)
    assert "post_return" in ours.stats
    assert "post_return" not in theirs.stats


# Numbers over seeds


def curves(values: np.ndarray) -> pd.DataFrame:
    """Rows of a run with these returns [seeds, iterations]."""
    seed, iteration = np.indices(values.shape)
    columns = {"seed": seed.ravel(), "iteration": iteration.ravel(), "status": "ok"}
    return pd.DataFrame(columns | {"episodic_return": values.ravel(), "post_return": values.ravel()})


def test_quantiles_and_groups():
    values = np.repeat(np.arange(0.0, 500.0, 100.0)[:, None] - 50.0, 40, axis=1)  # −50, 50, 150, 250, 350
    values[:, 5] += 1000.0
    table = scores.quantile_table(curves(values), "post_return")
    assert list(table.index) == [0, 5, 10, 20, 30]
    assert list(table.loc[5]) == [950.0, 990.0, 1150.0, 1310.0, 1350.0]
    assert list(scores.group_shares(curves(values)).values()) == [1, 2, 2]


def test_ablation_measures_the_change(tmp_path):
    data, rng = Data(tmp_path), np.random.default_rng(0)
    shifts = {run: 100.0 * (number == 1) for number, run in enumerate(scores.ablation_runs("a2c").values())}
    data.write("swingup-36-a2c", curves(rng.normal(0.0, 10.0, (36, 20)) + np.arange(36)[:, None] * 0.1))
    for run, shift in shifts.items():
        data.write(run, curves(rng.normal(shift, 10.0, (36, 20))))
    table = scores.ablation_table(data, "a2c")
    assert list(table["departure"].unique()) == [*DEPARTURES, scores.ALL_TOGETHER]
    assert set(table["n"]) == {36}
    assert table["paired"].all()
    found = table[table["outcome"] == "better"]
    assert list(found["departure"]) == ["values-after-fit"] * 2
    assert (found["adjusted_p"] <= 0.05).all()
    assert (found["low"] < 100.0).all()
    assert (found["high"] > 98.0).all()
    others = table[table["outcome"] != "better"]
    assert (others["outcome"] == "practically the same").all()
    assert table["margin"].to_numpy() == pytest.approx(0.05 * (356 + 370))
    assert (found["improvement"] == 1.0).all()


def test_the_summary_says_what_holds(tmp_path):
    data, rng = Data(tmp_path), np.random.default_rng(0)

    def write(run: str, levels: np.ndarray) -> None:
        data.write(run, curves(levels[:, None] + rng.normal(0.0, 5.0, (len(levels), 20))))

    levels = {"ppo": np.full(36, 340.0), "a2c": np.linspace(-50.0, 330.0, 36), "trpo": np.full(36, 341.0)}
    for algo, values in levels.items():
        write(f"swingup-36-{algo}", values)
    for algo in ("ppo", "a2c"):
        for name, run in scores.ablation_runs(algo).items():
            write(run, levels[algo] - 100.0 * (name == "time-limits"))
    write("cartpole-ppo", np.array([201.0]))
    every, some, faster, trpo, arithmetic = summary(data)
    assert "every seed: **holds** (36 of 36 seeds end above 250)" in every
    assert "**holds** (8 of 36 seeds)" in some
    assert "**holds** (PPO ahead by 20" in faster
    assert trpo.count("**does not hold** ") == trpo.count("practically the same, TRPO ahead by") == 2
    for algo in ("PPO", "A2C"):
        assert f"`time-limits` for {algo} (-100 at the end, -100 over training)" in arithmetic
    (tmp_path / "textbook-a2c.csv.gz").unlink()
    assert summary(data) == []


def test_tables_are_deterministic_gzip(tmp_path):
    data = Data(tmp_path)
    data.write("x", curves(np.ones((2, 3))))
    content = (tmp_path / "x.csv.gz").read_bytes()
    assert content[4:8] == bytes(4)  # no time
    assert gzip.decompress(content).decode().startswith("seed,iteration,status,")


# The trust region


@pytest.fixture(scope="module")
def half_trained(quick):
    return load_agents(quick / HALF_TRAINED.name, range(1))


def test_returns_are_those_of_first_episodes(half_trained):
    config, policy, _ = half_trained
    episodes = play(policy, config, 7, 5)
    rollout, expected = episodes.rollout, []
    for n in range(5):
        total = 0.0
        for t in range(rollout.rewards.shape[1]):
            total += config.gamma**t * rollout.rewards[0, t, n]
            if rollout.ended[0, t, n]:
                break
        expected.append(total)
    np.testing.assert_allclose(episodes.returns, expected, rtol=1e-9)


def test_the_surrogate_touches_at_the_old_policy_and_steps_have_their_kl(half_trained):
    config, policy, critic = half_trained
    surrogate = Surrogate(policy, critic, config, 3)
    old, step = policy.params.detach(), surrogate.natural_step()
    scale = float(surrogate.weights.abs().sum())
    assert abs(float(surrogate.gain(old))) < 1e-5 * scale
    assert surrogate.kl(old).max() < 1e-6
    assert 0.3 * MAX_KL < surrogate.kl(old + step).mean() <= 1.5 * MAX_KL
    (gradient,) = torch.autograd.grad(surrogate.gain(policy.params).sum(), policy.params)
    slope = float((gradient * step).sum())
    difference = float(surrogate.gain(old + 0.02 * step) - surrogate.gain(old - 0.02 * step)) / 0.04
    assert slope > 0
    assert difference == pytest.approx(slope, rel=0.05)


def test_the_policy_is_left_as_it_was_and_the_bound_touches_the_band(half_trained):
    config, policy, critic = half_trained
    before = policy.params.detach().clone()
    table = along_natural_gradient(policy, critic, config, np.array([-2.0, 0.0, 2.0, 6.0]), 8)
    assert torch.equal(policy.params, before)
    above = lower_bound(table) - (table["eta"] + Z95 * table["eta_error"])
    rounding = 1e-5 * table["surrogate_gain"].abs().max()
    assert above.max() <= rounding
    if penalty(table) > 0:
        assert above[table["multiple"] != 0].max() == pytest.approx(0.0, abs=rounding)


def test_facts_tell_how_to_repeat_a_run(quick):
    facts = json.loads((quick / "figures" / "data" / "runs.json").read_text())
    run = facts["cartpole-a2c"]
    overrides = run["command"].removeprefix("seedbed train ").split()
    assert make_trainer(composed(*overrides)).iterations == run["iterations"] == 12
    assert run["seconds"] > 0
    assert run["quick"]
