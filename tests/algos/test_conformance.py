"""The conformance kit passes who keeps the promises, and names the promise that a broken variant breaks."""

import pytest

from algos import conformance
from algos.conformance import CHECKS, Broken
from sweeps import check_variant
from tests.algos import broken_variants
from tests.composing import plain

OVERRIDES = [
    *(
        "algo=a2c",
        "algo.optimiser.learning_rate=0.05",
        "policy.hidden=[8]",
        "value.hidden=[8]",
        "policy.spread_init=-0.7",
    ),
    *("critic.optimiser.learning_rate=0.03", "critic.num_minibatches=1"),
]


def content(variant: type) -> dict:
    """The composed config of a variant beside A2C's settings."""
    result = plain(*OVERRIDES)
    own = {name: value for name, value in result["algo"].items() if name in ("optimiser",)}
    target = f"{variant.__module__}.{variant.__qualname__}"
    return result | {"algo": {"_target_": target, "name": "tested", "bonus": 0.5, **own}}


@pytest.mark.parametrize("promise", CHECKS)
def test_a_variant_that_keeps_the_promises_passes(promise):
    CHECKS[promise](content(broken_variants.Faithful))


@pytest.mark.parametrize(
    ("variant", "check", "words"),
    [
        (
            "MixesSeeds",
            "a_seed_alone_has_the_bytes_that_it_has_among_others",
            "alone and among three seeds.*policy_loss",
        ),
        ("DrawsGlobally", "draws_only_from_its_streams", "global generator of torch"),
        ("MovesStopped", "a_stopped_seed_stays_as_it_is", "policy.params of a seed that has stopped moves"),
        ("Forgets", "a_run_that_is_killed_goes_on_with_the_same_bytes", "state that state_dict leaves out"),
        ("IgnoresSetting", "every_setting_is_read", "nothing reads algo.bonus"),
        ("ClimbsDown", "the_probe_tasks_are_solved", "look at the sign of the loss"),
    ],
)
def test_a_broken_variant_is_told_what_it_breaks(variant, check, words, monkeypatch):
    monkeypatch.setattr(conformance, "MOST_ITERATIONS", 30)
    with pytest.raises(Broken, match=words):
        getattr(conformance, check)(content(getattr(broken_variants, variant)))


def test_the_command_reports_what_holds_and_what_is_broken(monkeypatch, capsys):
    chosen = {name: CHECKS[name] for name in ("draws only from its streams", "every setting is read")}
    monkeypatch.setattr(conformance, "CHECKS", chosen)
    overrides = [*OVERRIDES, "algo._target_=tests.algos.broken_variants.IgnoresSetting", "algo.name=tested"]
    overrides += ["+algo.bonus=1", "~algo.normalise_advantages", "~algo.ent_coef"]
    with pytest.raises(SystemExit) as ended:
        check_variant.main(overrides)
    assert ended.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "tested (tests.algos.broken_variants.IgnoresSetting)"
    assert lines[1].split(maxsplit=1) == ["holds", "draws only from its streams"]
    assert lines[2].split(maxsplit=1) == ["broken", "every setting is read"]
    assert "algo.bonus" in lines[3]
    assert lines[-1] == "1 of 2 promises hold"


def test_a_wrong_value_ends_the_command_with_one_line(capsys):
    with pytest.raises(SystemExit) as ended:
        check_variant.main(["algo=a2c", "gamma=2"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: gamma=2: expected: less than or equal to 1\n"
