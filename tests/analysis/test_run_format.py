"""What makes two runs the same variant, and what makes them the same run."""

import subprocess
import sys

import pytest

from analysis.run_format import flatten, run_differences, run_hash, schedules, variant_settings
from tests.composing import plain


def same_variant(*overrides: str) -> bool:
    base, other = (variant_settings(dict(flatten(plain(*each)))) for each in ([], overrides))
    return base == other


def differences(*overrides: str, base: tuple[str, ...] = ()) -> list[str]:
    return run_differences(plain(*base), plain(*base, *overrides))


@pytest.mark.parametrize(
    ("override", "variant", "run"),
    [
        ("gamma=0.9", False, False),
        ("algo.clip_coef=0.3", False, False),
        ("policy.hidden=[8]", False, False),
        ("dtype=float64", False, False),
        ("env.max_episode_steps=7", False, False),
        ("seed=7", True, False),
        ("num_seeds=3", True, False),
        ("env.id=CartPole-v0", True, False),
        ("device=cuda", True, False),
        ("env.vectorization=async", True, False),
        ("env.vectorization=envpool", False, False),
        ("evaluation.interval=1", True, False),
        ("evaluation.episodes=3", True, False),
        ("iterations=150", True, True),
        ("threads=1", True, True),
        ("checkpoint_interval=3", True, True),
        ("logger=tensorboard", True, True),
        ("resume=true", True, True),
    ],
)
def test_what_makes_another_variant_and_what_another_run(override, variant, run):
    assert same_variant(override) == variant
    assert (not differences(override)) == run
    assert (run_hash(plain()) == run_hash(plain(override))) == run


@pytest.mark.parametrize(
    "schedule",
    [
        ("algo.optimiser.schedule=linear",),
        ("critic.optimiser.schedule=linear",),
        ("algo.clip_schedule=linear",),
    ],
)
def test_iterations_are_a_setting_where_a_schedule_depends_on_them(schedule):
    config = plain(*schedule)
    assert schedules(dict(flatten(config))) == [schedule[0].split("=")[0]]
    assert differences("iterations=150", base=schedule) == ["iterations=100, now 150"]
    longer = plain(*schedule, "iterations=150")
    assert variant_settings(dict(flatten(config))) != variant_settings(dict(flatten(longer)))


def test_sync_and_async_are_one_run_and_the_others_are_not():
    sync, other = ("env.vectorization=sync",), ("env.vectorization=async",)
    assert not differences(*other, base=sync)
    assert not differences(*sync, base=other)
    assert run_hash(plain(*sync)) == run_hash(plain(*other))
    assert differences("env.vectorization=envpool", base=other) == ["env.vectorization='async', now 'envpool'"]
    assert differences(*other) == ["env.vectorization='auto', now 'async'"]


def test_iterations_only_grow_and_every_difference_is_told():
    assert differences("iterations=99") == ["iterations=100, now 99, which may only grow"]
    found = differences("gamma=0.9", "iterations=300", "critic=joint")
    assert "gamma=0.99, now 0.9" in found
    assert "critic.vf_coef='absent', now 0.5" in found
    assert not any(difference.startswith("iterations") for difference in found)


def test_the_format_needs_no_torch():
    program = "import sys, analysis.run_format, sweeps.lock, sweeps.status; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
