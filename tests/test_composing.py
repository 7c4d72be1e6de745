"""The tests compose quickly what the command line composes."""

import pytest

from analysis.run_format import InputError
from sweeps.compose import CONF, composed_config
from tests.composing import plain

OUTSIDE = f"hydra.searchpath=[file://{CONF.parent / 'examples' / 'extending' / 'conf'}]"


@pytest.mark.parametrize(
    "overrides",
    [
        ("gamma=0.5", "experiment=mujoco/ppo", "policy.hidden=[8,4]", "env.id=Hopper-v5"),
        ("algo=ppo", "~algo.ent_coef", "+algo.bonus=1", "++algo.other={a: 1}", "+env.kwargs.x=1"),
        ("logger=wandb", "logger.mode=offline", "resume=true", "threads=null"),
        (OUTSIDE, "algo=spo", "network=conv", "env=catch", "policy.channels=3"),
    ],
)
def test_plain_is_the_composed_config(overrides):
    expected = composed_config(overrides)
    assert plain(*overrides, "gamma=0.25") == expected | {"gamma": 0.25}
    assert plain(*overrides) == expected


@pytest.mark.parametrize("wrong", ["algo=pppo", "algo.clip_koef=1", "+gamma=1"])
def test_what_does_not_compose_is_told_in_the_same_words(wrong):
    with pytest.raises(InputError) as expected:
        composed_config([wrong])
    with pytest.raises(InputError) as told:
        plain(wrong)
    assert str(told.value) == str(expected.value)
