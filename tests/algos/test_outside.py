"""A variant from outside trains like ours; whatever is wrong with it is one line before the first job."""

from pathlib import Path

import pytest

from algos.core.resources import Resources
from algos.parts import PartError
from algos.rehearsal import Rehearsals
from algos.streams import PURPOSES, purpose_number, stream
from sweeps.compose import composed_config
from sweeps.errors import InputError
from sweeps.run_config import validate
from tests.composing import composed as composed_run

GOOD = """
import torch
from algos.config import GradientSettings, Rate
from algos.core.batches import Batch
from algos.core.reductions import batch_mean

class Mine:
    class Settings(GradientSettings):
        temperature: Rate

    def __init__(self, settings, run):
        self.settings = settings
        self.descent = run.descent(settings.optimiser)

    def update(self, policy, transitions, estimates, active):
        batch = Batch.of(transitions, estimates)
        log_probs = policy.distribution(batch.obs, active=active).log_prob(batch.actions)
        loss = -batch_mean(log_probs * torch.exp(batch.normalised().advantages / self.settings.temperature))
        self.descent.step(loss, batch, active)
        return {"policy_loss": loss.detach()}

def function(settings, run):
    return Mine(settings, run)
"""

YAML = """
_target_: mine_NUMBER.Mine
name: mine
temperature: 1.0
optimiser:
  _target_: algos.core.optimiser.Adam
  learning_rate: 0.01
  schedule: constant
  max_grad_norm: null
  eps: 1.0e-8
  beta1: 0.9
  beta2: 0.999
"""
SMALL = ["algo=mine", "num_seeds=1", "num_envs=2", "num_steps=8", "critic.num_minibatches=1", "critic.update_epochs=1"]

CHECK = """temperature: Rate

        def check(self, config):
            raise ValueError("too hot")
"""

# What is changed of the file, of the YAML or on the command line, and the words that tell.
WRONG: dict[str, tuple[dict[str, str], dict[str, str], list[str], str]] = {
    "unknown key": ({}, {}, ["+algo.temprature=2"], r"^algo\.temprature=2: unknown key"),
    "missing key": ({}, {"temperature: 1.0\n": ""}, [], r"^algo\.temperature: missing"),
    "wrong type": ({}, {}, ["algo.temperature=hot"], r"^algo\.temperature='hot': expected: .*valid number"),
    "out of range": ({}, {}, ["algo.temperature=0"], r"^algo\.temperature=0: expected: greater than 0"),
    "of the optimiser": ({}, {}, ["algo.optimiser.beta1=2"], r"^algo\.optimiser\.beta1=2: expected: less than 1"),
    "no target": ({}, {"_target_: mine_NUMBER.Mine\n": ""}, [], r"^algo\._target_: missing"),
    "no module": ({}, {"mine_NUMBER.": "no_such_module."}, [], r"^algo\._target_='no_such_module.Mine': cannot be imp"),
    "no class": ({}, {".Mine": ".Yours"}, [], r"^algo\._target_='mine_\d+\.Yours': mine_\d+ has no Yours"),
    "a function": ({}, {".Mine": ".function"}, [], r"^algo\._target_=.*holds no class"),
    "import fails": ({"import torch": "import torch\n1 / 0"}, {}, [], r"cannot be imported \(ZeroDivisionError"),
    "no settings class": (
        {"class Settings(GradientSettings)": "class Options(GradientSettings)"},
        {},
        [],
        "has no settings",
    ),
    "other settings": ({"Settings(GradientSettings)": "Settings"}, {}, [], r"nested Settings\(AlgorithmSettings\)"),
    "no update": ({"def update": "def improve"}, {}, [], "has no method update"),
    "other arguments": (
        {"transitions, estimates, active)": "batch)"},
        {},
        [],
        r"update\(self, policy, batch\) does not",
    ),
    "name taken by ours": ({}, {}, ["algo.name=ppo"], r"^algo\.name='ppo': taken by algos\.ppo"),
    "name that is none": ({}, {}, ["algo.name=a/b"], r"^algo\.name='a/b'"),
    "constructor fails": ({"self.settings = settings": "self.settings = setings"}, {}, [], "rehearsal .NameError"),
    "update fails": ({"normalised()": "standardised()"}, {}, [], "rehearsal .AttributeError"),
    "scalar reported": (
        {"loss.detach()": "loss.detach().sum()"},
        {},
        [],
        r"reports policy_loss of shape \[\]; expected",
    ),
    "nothing reported": ({"return {": "{"}, {}, [], "update returns NoneType"),
    "column taken": ({'"policy_loss"': '"episodic_return"'}, {}, [], "reports episodic_return, which the run"),
    "stream taken": ({"self.descent": 'run.streams("actions"); self.descent'}, {}, [], "streams.actions is in use"),
    "check fails": ({"temperature: Rate": CHECK}, {}, [], "^too hot$"),
}
numbers = iter(range(10**6))


@pytest.fixture(scope="module")
def conf(tmp_path_factory) -> Path:
    """The user's conf/, which names a module that is not there."""
    return written(tmp_path_factory.mktemp("user") / "conf", YAML)


def written(conf: Path, config: str) -> Path:
    (conf / "algo").mkdir(parents=True)
    (conf / "algo" / "mine.yaml").write_text(config)
    return conf


def prepared(directory: Path, monkeypatch, file: dict[str, str]) -> str:
    """The name of a module in a directory of a user's own, to work in."""
    module = f"mine_{next(numbers)}"
    source = GOOD
    for old, new in file.items():
        assert old in source
        source = source.replace(old, new)
    (directory / f"{module}.py").write_text(source)
    monkeypatch.chdir(directory)
    monkeypatch.syspath_prepend(str(directory))
    return module


def searched(conf: Path) -> str:
    return f"hydra.searchpath=[file://{conf}]"


@pytest.mark.parametrize("way", WRONG)
def test_a_variant_that_is_wrong_is_refused_in_one_line(way, conf, tmp_path, monkeypatch):
    file, yaml, overrides, words = WRONG[way]
    module = prepared(tmp_path, monkeypatch, file)
    if yaml:
        changed = YAML
        for old, new in yaml.items():
            assert old in changed
            changed = changed.replace(old, new)
        conf = written(tmp_path / "conf", changed.replace("mine_NUMBER", module))
    else:
        overrides = [f"algo._target_={module}.Mine", *overrides]
    with pytest.raises((InputError, PartError), match=words) as refused:
        Rehearsals().check(composed_run(searched(conf), *SMALL, *overrides))
    assert "\n" not in str(refused.value)


def test_a_variant_that_is_right_passes_its_rehearsal(tmp_path, monkeypatch):
    """As ``--config-dir`` composes it."""
    module = prepared(tmp_path, monkeypatch, {})
    conf = written(tmp_path / "conf", YAML.replace("mine_NUMBER", module))
    config = validate(composed_config(SMALL, conf))
    Rehearsals().check(config)
    assert config.algo.temperature == 1.0


def test_two_variants_of_one_command_have_two_names():
    rehearsals = Rehearsals()
    rehearsals.check(composed_run("algo=ppo"))
    rehearsals.check(composed_run("algo=a2c"))
    mine = composed_run("algo=ppo")
    object.__setattr__(mine.algo, "target", "my_lab.ppo.PPO")
    with pytest.raises(PartError, match=r"algo\.name='ppo': taken by algos\.ppo\.PPO in this sweep"):
        rehearsals.check(mine)


def test_a_purpose_of_ones_own_has_a_number_for_ever():
    """Far from ours, and not to be changed: bytes of users' runs depend on it."""
    assert purpose_number("spo.noise") == 0x94622F3D
    assert max(PURPOSES.values()) < 1 << 31 <= purpose_number("anything")
    draws = {purpose: stream(0, purpose).random() for purpose in (*PURPOSES, "spo.noise", "spo.other")}
    assert len(set(draws.values())) == len(draws)


def test_streams_have_one_owner():
    resources = Resources(composed_run("algo=ppo"))
    resources.streams("spo.noise")
    with pytest.raises(ValueError, match=r"spo\.noise is in use"):
        resources.streams("spo.noise")
