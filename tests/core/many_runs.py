"""Trains small runs of everything and prints their rows: ``python -m tests.core.many_runs THREADS``."""

import sys
import tempfile
from pathlib import Path

from sweeps.imports import collect_rarely
from tests.composing import VARIANTS, train_rows

SMALL = ("iterations=2", "num_envs=3", "num_steps=85", "num_seeds=2")
MINIBATCHED = ("algo.num_minibatches=5", "algo.target_kl=0.003", "algo.update_epochs=3", "critic.num_minibatches=5")
MULTIDISCRETE = ("env=cartpole", "env.module=tests.envs.user_tasks", "env.id=user/Echo-multi-dict-v0")
WHOLE = ("algo.num_minibatches=1", "algo.update_epochs=3", "critic.num_minibatches=1")


def runs() -> dict[str, tuple[str, ...]]:
    """Overrides by name: every variant with both kinds of actions, minibatched and not, and what is rarer once."""
    chosen = {}
    for algo in VARIANTS:
        for env in ("cartpole", "swingup"):
            epochs = algo.startswith("ppo")
            for name, parts in (("minibatched", MINIBATCHED), ("whole", WHOLE)) if epochs else (("", ()),):
                chosen[f"{algo} {env} {name}"] = (f"algo={algo}", f"env={env}", *parts)
    chosen |= {f"{algo} multidiscrete": (f"algo={algo}", *MULTIDISCRETE) for algo in ("a2c", "trpo")}
    small_ppo = ("algo=ppo", "algo.num_minibatches=5", "algo.update_epochs=2", "critic.num_minibatches=5")
    squashed = ("env=swingup", "policy.squash=tanh", "env.rescale_actions=true")
    return chosen | {
        "relu": (*small_ppo, "env=swingup", "network=post", "normalisation=running"),
        "wide": (
            *small_ppo,
            "env=cartpole",
            "policy.hidden=[100,37]",
            "value.hidden=[130,8]",
            "critic.num_minibatches=3",
        ),
        "ppo multidiscrete": (*small_ppo, *MULTIDISCRETE, "algo.ent_coef=0.01"),
        "joint": ("algo=ppo_sb3", "critic=joint", "env=pendulum", "algo.num_minibatches=5", "algo.update_epochs=2"),
        "compiled passes": ("algo=ppo_sb3", "env=cartpole", "algo.num_minibatches=5", "algo.update_epochs=2"),
        "squashed": (
            *small_ppo,
            "env=swingup",
            "policy.squash=tanh",
            "env.rescale_actions=true",
            "policy.spread=state_dependent",
        ),
        "squashed trpo": ("algo=trpo", *squashed),
        "double": (*small_ppo, "env=acrobot", "dtype=float64"),
        "post": ("algo=trpo", "env=swingup", "estimator=post", "critic=post", "network=post"),
    }


def rows(name: str, threads: int) -> list[str]:
    """The lines of ``progress.csv`` of one of the runs, each with its name."""
    separate = () if name == "joint" else ("critic.update_epochs=2", "critic.num_minibatches=1")
    with tempfile.TemporaryDirectory() as directory:
        lines = train_rows(Path(directory), [*SMALL, *separate, *runs()[name], f"threads={threads}"])
    return [f"{name}: {line}" for line in lines]


if __name__ == "__main__":
    collect_rarely()
    for run in runs():
        print(*rows(run, int(sys.argv[1])), sep="\n", flush=True)
