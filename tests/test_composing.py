"""The tests compose quickly what the command line composes."""

import pytest

from analysis.run_format import InputError
from sweeps.compose import CONF, composed_config
from tests.composing import plain

OUTSIDE = f"hydra.searchpath=[file://{CONF.parent / 'examples' / 'extending' / 'conf'}]"


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("algo=trpo", "network=post", "gamma=0.9", "policy.hidden=[8,4]"),
        ("experiment=mujoco/ppo", "num_seeds=3", "env.id=Hopper-v5", "gamma=0.5"),
        ("gamma=0.5", "experiment=cartpole/a2c", "dtype=float64"),
        ("algo=ppo", "~algo.ent_coef", "+algo.bonus=1", "++algo.other={a: 1}", "+env.kwargs.x=1"),
        ("logger=wandb", "logger.mode=offline", "resume=true", "threads=null"),
        (OUTSIDE, "algo=spo", "network=conv", "env=catch", "policy.channels=3"),
    ],
)
def test_plain_is_the_composed_config(overrides):
    assert plain(*overrides) == composed_config(overrides)
    assert plain(*overrides, "gamma=0.25") == composed_config([*overrides, "gamma=0.25"])
    assert plain(*overrides) == composed_config(overrides)  # which the other one left as it was


@pytest.mark.parametrize("wrong", ["algo=pppo", "algo.clip_koef=1", "+gamma=1", "nosuch=1"])
def test_what_does_not_compose_is_told_in_the_same_words(wrong):
    with pytest.raises(InputError) as expected:
        composed_config([wrong])
    with pytest.raises(InputError) as told:
        plain(wrong)
    assert str(told.value) == str(expected.value)
