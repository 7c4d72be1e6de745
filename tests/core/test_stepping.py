"""However environments are stepped, a seed's rows are the same."""

from pathlib import Path

import pytest

from tests.composing import train_rows

SMALL = ("num_envs=3", "num_steps=40", "iterations=3", "policy.hidden=[8]", "value.hidden=[8]", "threads=1")
TASKS = {
    "choices": ("env=cartpole", "env.max_episode_steps=15"),
    "numbers": ("env=pendulum", "env.max_episode_steps=15", "normalisation.obs=true", "normalisation.obs_clip=2.0"),
}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.slow
def test_compiled_in_this_process_and_in_workers(task: str, tmp_path: Path) -> None:
    def rows(vectorization: str, *overrides: str) -> list[str]:
        directory = tmp_path / "-".join([vectorization, *overrides]).replace("=", "")
        directory.mkdir()
        return train_rows(directory, [*TASKS[task], *SMALL, f"env.vectorization={vectorization}", *overrides])

    compiled = rows("auto", "num_seeds=2")
    assert len(compiled) == 7
    assert rows("sync", "num_seeds=2") == compiled
    assert rows("async", "num_seeds=2") == compiled
    assert rows("async", "seed=1")[1:] == compiled[2::2]


@pytest.mark.slow
def test_a_policy_without_a_compiled_form_acts_for_workers_too(tmp_path: Path) -> None:
    squashed = ("env=pendulum", "env.max_episode_steps=15", "env.rescale_actions=true", "policy.squash=tanh")
    rows = []
    for kind in ("sync", "async"):
        (tmp_path / kind).mkdir()
        rows.append(train_rows(tmp_path / kind, [*squashed, *SMALL, "num_seeds=2", f"env.vectorization={kind}"]))
    assert rows[0] == rows[1]
