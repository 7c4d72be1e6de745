"""Every option of ``conf/`` composes into a valid config and trains."""

import itertools
from pathlib import Path

import numpy as np
import pytest

import conf
from tests.composing import composed, trainer

ROOT = Path(conf.__file__).parent
EXPERIMENTS = sorted(
    str(path.relative_to(ROOT / "experiment").with_suffix("")) for path in ROOT.rglob("experiment/**/*.yaml")
)
GROUPS = ("algo", "critic", "env", "estimator", "network", "normalisation")
OPTIONS = sorted((path.parent.name, path.stem) for group in GROUPS for path in (ROOT / group).glob("*.yaml"))
TASKS = sorted({name.split("/")[0] for name in EXPERIMENTS if "/" in name} - {"post"})
NEEDED = {"shared64x64": ("critic=joint",)}
"""What an option trains with only."""

VARIANTS = ("a2c", "npg", "ppo", "ppo_penalty", "reinforce", "trpo")


def sizes(name: str) -> tuple[str, ...]:
    """One seed and two iterations; short rollouts of the tasks that take long to step, many minibatches or not. Worker
    processes, which take long to start, with one variant only; few epochs where steps are made one by one."""
    steps = ("num_steps=64",) if name.startswith(("lunar_lander", "post/swingup")) else ()
    workers = ("env.vectorization=sync",) if name.startswith("mujoco/") and name != "mujoco/ppo" else ()
    epochs = ("algo.update_epochs=3",) if name.endswith("/ppo_penalty") else ()
    return ("num_seeds=1", "iterations=2", "threads=1", *steps, *workers, *epochs)


def trains(*overrides: str) -> None:
    """Whether two iterations leave everything finite."""
    if composed(*overrides).env.id.startswith("LunarLander"):
        pytest.importorskip("Box2D")
    for iteration in (run := trainer(*overrides)):
        assert not iteration.failures
    assert run.next_iteration == 2
    assert np.isfinite(run.policy.params.detach().numpy()).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_trains(name):
    trains(f"experiment={name}", *sizes(name))
    task, _, variant = name.partition("/")
    if task in TASKS:
        assert is_preset(task, variant)


@pytest.mark.slow
@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_option_trains(group, option):
    steps = ("num_steps=64", "num_envs=8") if group == "env" else ("num_steps=512",)
    trains(f"{group}={option}", "num_seeds=1", "iterations=2", "threads=1", *steps, *NEEDED.get(option, ()))


def is_preset(task: str, variant: str) -> bool:
    """Whether the experiment of this name is of this variant on this task."""
    config = composed(f"experiment={task}/{variant}")
    return (config.algo.name, config.env.id) == (variant, composed(f"env={task}").env.id)


@pytest.mark.slow
def test_every_variant_has_a_preset_for_every_task():
    """Each task is composed with one of the variants; with the others where they train."""
    assert {f"{task}/{variant}" for task in TASKS for variant in VARIANTS} <= set(EXPERIMENTS)
    for task, variant in zip(TASKS, itertools.cycle(VARIANTS), strict=False):
        assert is_preset(task, variant)
