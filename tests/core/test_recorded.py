"""Recorded steps against the same steps made one by one; where there is no CUDA device, a recording is played."""

from types import SimpleNamespace

import pytest
import torch

from algos.build import make_trainer
from algos.core import recorded
from algos.core.passes import one_by_one
from algos.core.recorded import RecordedSteps
from algos.epochs import Epochs
from algos.rows import together
from tests.composing import composed, trainer

SMALL = ("algo=ppo", "num_seeds=3", "num_envs=2", "num_steps=32", "iterations=3", "algo.update_epochs=3")
RUNS = {
    "minibatched": ("env=cartpole", "algo.num_minibatches=4", "algo.target_kl=null", "critic.clip_coef=0.2"),
    "stopping": ("env=swingup", "algo.num_minibatches=4", "algo.target_kl=0.002"),
    "whole": ("env=swingup", "algo.num_minibatches=1", "algo.target_kl=0.002"),
}


class Played:
    """Stands for a graph: a replay calls ``work`` and fills the tensors of the first call, which counts as a replay."""

    def __init__(self, work) -> None:
        self.work, self.fresh = work, True
        self.said, self.figures = work()

    def replay(self) -> None:
        if not self.fresh:
            said, figures = self.work()
            self.figures.copy_(figures)
            for own, other in ((self.said.active, said.active), (self.said.stepping, said.stepping)):
                own.copy_(other)
        self.fresh = False


@pytest.mark.parametrize("name", RUNS)
def test_a_recorded_update_is_the_update(monkeypatch, name):
    overrides = (*SMALL, *RUNS[name], *(("critic=joint",) if name == "minibatched" else ()))
    expected = trainer(*overrides)
    rows = [iteration.stats for iteration in expected]
    plays = []

    def record(work):
        plays.append(Played(work))
        return plays[-1], (plays[-1].said, plays[-1].figures)

    monkeypatch.setattr(recorded, "_record", record)
    monkeypatch.setattr(Epochs, "maker", lambda self, step, *rest: one_by_one(RecordedSteps(step)))
    run = trainer(*overrides)
    for row, iteration in zip(rows, run, strict=True):
        for column, values in row.items():
            assert values.tolist() == pytest.approx(iteration.stats[column].tolist(), rel=0, abs=0, nan_ok=True), column
    assert len(plays) == 3
    assert torch.equal(run.policy.params, expected.policy.params)


def test_runs_whose_settings_differ_are_not_recorded():
    one, other = (composed(*SMALL, *RUNS["stopping"], f"algo.clip_coef={coef}") for coef in (0.1, 0.2))
    on_cuda = SimpleNamespace(is_cpu=False, is_cuda=True)
    for config, is_recorded in ((together([one, other]), False), (one, True)):
        epochs = make_trainer(config).algorithm.epochs
        epochs.maker(None, on_cuda, stops=False, records=True)
        assert (epochs._steps is not None) == is_recorded
