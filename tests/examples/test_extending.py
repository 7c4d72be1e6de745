"""The parts in ``examples/extending`` work from a directory of a user's own, which has a ``conf/`` too."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import algos
from algos.build import make_trainer
from algos.conformance import CHECKS
from sweeps.compose import composed_config
from sweeps.run_config import validate
from tests.algos.plain import action_distribution

EXAMPLES = Path(algos.__file__).parents[1] / "examples" / "extending"
SMALL = ["algo=spo", "env=cartpole", "num_envs=2", "num_steps=16", "algo.num_minibatches=2", "critic.num_minibatches=1"]


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Path:
    """A copy of the examples, to work in."""
    for name in ("conf", "my_lab"):
        shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.slow
def test_a_variant_trains_beside_ours_and_is_resumed(lab):
    """As commands: one job of each, and both again, with more iterations to go where that is possible."""
    command = [sys.executable, "-m", "sweeps.train", "--config-dir", "conf", *SMALL, "iterations=3", "threads=1"]
    ended = subprocess.run([*command, "hydra.run.dir=run"], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert json.loads((lab / "run" / "run.json").read_text())["algo"] == "spo"
    whole = (lab / "run" / "progress.csv").read_bytes()
    header = whole.decode().splitlines()[0].split(",")
    assert {"policy_loss", "ratio_deviation"} <= set(header)
    again = subprocess.run([*command, "hydra.run.dir=run", "resume=true"], capture_output=True, text=True, check=False)
    assert (again.returncode, "complete already" in again.stdout) == (0, True), again
    assert (lab / "run" / "progress.csv").read_bytes() == whole


@pytest.mark.slow
@pytest.mark.parametrize("promise", [name for name in CHECKS if "probe" not in name])
def test_spo_keeps_the_promises(promise, lab):
    """The probe tasks take longest, and are the command's part."""
    CHECKS[promise](composed_config(["algo=spo", "policy.hidden=[8]", "value.hidden=[8]"], lab / "conf"))


def test_each_loss_of_spo_is_its_formula(lab):
    """By PyTorch's own distributions, at the parameters of each of four steps."""
    settings = ["dtype=float64", "num_seeds=2", "policy.hidden=[8]", "algo.advantage_normalisation=none"]
    content = composed_config([*SMALL, *settings, "algo.num_minibatches=1", "algo.update_epochs=4"], lab / "conf")
    run = make_trainer(validate(content))
    transitions = run.collector.collect(run.policy)
    estimates, _ = run.fit(transitions)
    steps, step = [], run.algorithm.descent.step

    def kept(loss, batch, active):
        steps.append((run.policy.params.detach().clone(), loss.detach()))
        step(loss, batch, active)

    run.algorithm.descent.step = kept
    run.algorithm.update(run.policy, transitions, estimates, run.running)
    obs, actions = (torch.from_numpy(array).flatten(1, 2) for array in (transitions.obs, transitions.actions))
    advantages = torch.from_numpy(estimates.advantages).flatten(1, 2)
    assert len(steps) == 4
    for params, losses in steps:
        for seed in range(2):
            old, new = (
                action_distribution(theta[seed], obs[seed], run.policy.network.sizes, discrete=True)
                for theta in (steps[0][0], params)
            )
            taken = actions[seed, :, 0]
            ratio = torch.exp(new.log_prob(taken) - old.log_prob(taken))
            penalty = advantages[seed].abs() / (2 * 0.2) * (ratio - 1) ** 2
            torch.testing.assert_close(losses[seed], (penalty - ratio * advantages[seed]).mean())
    assert not torch.allclose(steps[0][1], steps[-1][1])
