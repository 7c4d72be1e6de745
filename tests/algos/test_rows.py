"""Numbers per row: in one process every run has the bytes that it has alone."""

import math
import operator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from algos.build import make_trainer
from algos.conformance import Broken, same, settings_may_differ_from_row_to_row, train
from algos.per_row import Rows, per_seed
from algos.rows import common, numbers_per_row, together
from tests.composing import composed, plain

SMALL = ("policy.hidden=[8]", "value.hidden=[8]", "critic.update_epochs=2")

RUNS = {
    "a2c": ("algo=a2c", "algo.ent_coef=0.01", *SMALL),
    "a2c of SB3": ("algo=a2c_sb3", "critic=joint", "normalisation=running", "normalisation.reward=true", *SMALL[:2]),
    "ppo": ("algo=ppo", "algo.clip_schedule=linear", "algo.optimiser.schedule=linear", "critic.clip_coef=0.2", *SMALL),
    "ppo of SB3": (
        *("algo=ppo_sb3", "critic=joint", "network=shared64x64"),
        *("algo.ent_coef=0.01", "algo.update_epochs=2", "algo.num_minibatches=4"),
    ),
    "ppo, any activation": (
        *("algo=ppo", "algo.update_epochs=2", "policy.activation=gelu", "value.activation=gelu"),
        *SMALL,
    ),
    "ppo_penalty": ("algo=ppo_penalty", "algo.num_minibatches=2", "algo.update_epochs=3", *SMALL),
    "reinforce by the post": ("algo=reinforce", "network=post", "estimator=post"),
    "npg": ("algo=npg", "algo.max_kl=null", "algo.kl_coef=10", *SMALL),
    "trpo": ("algo=trpo", *SMALL),
    "trpo in float64": ("algo=trpo", "dtype=float64", "estimator=post", "network=post", "critic=post"),
}


SLOW = ("ppo, any activation", "trpo in float64")
"""What a run of another name and other tests show, with other numbers."""


@pytest.mark.parametrize("run", [pytest.param(run, marks=[pytest.mark.slow] * (run in SLOW)) for run in RUNS])
def test_runs_have_the_bytes_beside_others_that_they_have_alone(run):
    settings_may_differ_from_row_to_row(plain(*RUNS[run]))


@pytest.mark.parametrize(
    ("task", "own"),
    [
        (("env=lunar_lander", "env.vectorization=sync", "normalisation=running"), "normalisation.reward_clip=3.0"),
        (("env=swingup", "policy.squash=tanh", "env.rescale_actions=true"), "policy.spread_init=-0.3"),
        (("policy.activation=silu", "evaluation.interval=2", "evaluation.episodes=2"), "policy.last_layer_scale=0.5"),
    ],
)
def test_rows_on_other_tasks_and_in_evaluations(task, own):
    if "env=lunar_lander" in task:
        pytest.importorskip("Box2D")
    sizes = ("num_envs=2", "num_steps=32", "iterations=3", "algo.update_epochs=3", *SMALL)
    one, other = composed(*sizes, *task, "seed=3"), composed(*sizes, *task, own, "gamma=0.9", "num_seeds=2")
    rows = train(make_trainer(together([one, other])))
    same(train(make_trainer(one)), 0, rows, 0, "alone and beside others", "")
    alone = train(make_trainer(other))
    for seed in range(2):
        same(alone, seed, rows, seed + 1, "alone and beside others", "")


def test_a_setting_that_is_read_as_one_number_is_found(monkeypatch):
    from algos.a2c import A2C

    def first_row_for_all(self, run_settings, run):
        self.settings = run_settings.model_copy(
            update={"ent_coef": per_seed(run_settings.ent_coef, len(run.config.seeds))[0].item()}
        )
        self.descent = run.descent(run_settings.optimiser)

    monkeypatch.setattr(A2C, "__init__", first_row_for_all)
    with pytest.raises(Broken, match=r"alone and beside a run with other settings.*ent_coef"):
        settings_may_differ_from_row_to_row(plain(*RUNS["a2c"]))


NUMBERS = st.floats(0.001, 1000.0)
OPERATORS = (operator.add, operator.sub, operator.mul, operator.truediv)


@given(values=st.lists(NUMBERS, min_size=1, max_size=4), seed=st.integers(0, 1000))
def test_rows_calculate_as_each_number_alone(values, seed):
    rows = Rows(values)
    x = np.random.default_rng(seed).standard_normal((len(values), 3, 2)).astype(np.float32)
    tensor = torch.from_numpy(x)
    for operate in OPERATORS:
        for other in (x, tensor, 0.3):
            for left, right in ((rows, other), (other, rows)):
                found = operate(left, right)
                found = found.values if isinstance(found, Rows) else np.asarray(found)
                for s, value in enumerate(values):
                    alone = other if isinstance(other, float) else other[s]
                    expected = operate(value, alone) if left is rows else operate(alone, value)
                    assert found[s].tobytes() == np.asarray(expected, found.dtype).tobytes()
    clamped = torch.clamp(tensor, -rows, rows)
    for s, value in enumerate(values):
        assert torch.equal(clamped[s], tensor[s].clamp(-value, value))
        assert (np.clip(x, -rows, rows)[s] == np.clip(x[s], -value, value)).all()
        assert torch.equal((tensor > rows)[s], tensor[s] > value)
        assert (rows**3).values[s] == value**3


def test_a_number_that_some_rows_lack_is_branched_on_by_none():
    assert not Rows([0.0, 0.0])
    assert Rows([0.1, 0.2])
    with pytest.raises(ValueError, match="zero in some rows only"):
        bool(Rows([0.0, 0.1]))
    with pytest.raises(TypeError):
        float(Rows([1.0]))
    with pytest.raises(ValueError, match="ambiguous"):
        max(Rows([1.0, 2.0]), 1.5)


def test_runs_share_a_process_where_numbers_per_row_alone_differ():
    base = composed("algo=ppo")
    for alike in ("algo.clip_coef=0.3", "seed=7", "num_seeds=3", "gamma=0.9", "checkpoint_interval=3"):
        assert common(composed("algo=ppo", alike)) == common(base)
    for other in ("algo.clip_coef=null", "algo.ent_coef=0.1", "algo.update_epochs=3", "num_envs=2", "algo=a2c"):
        assert common(composed("algo=ppo", other)) != common(base)


def test_the_config_of_several_runs_has_a_number_in_every_row():
    runs = [composed("algo=ppo", "num_seeds=2"), composed("algo=ppo", "algo.clip_coef=0.3", "seed=5")]
    config = together(runs)
    assert list(config.seeds) == [0, 1, 5]
    assert config.algo.clip_coef.values.tolist() == [0.1, 0.1, 0.3]
    assert config.gamma == runs[0].gamma
    keys = dict(numbers_per_row(runs[0]))
    assert keys["algo.optimiser.learning_rate"] == 0.01
    assert "algo.update_epochs" not in keys
    assert math.isclose(keys["gamma"], runs[0].gamma)
