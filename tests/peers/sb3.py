"""The same PPO and A2C settings in Stable-Baselines3 and here: do trained policies return the same?

`python -m tests.peers.sb3` trains both and writes sb3.csv and sb3.png beside this file.
"""

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure as Canvas
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.env_util import make_vec_env

from algos.config import Config
from algos.core.evaluation import MODES
from algos.machine import usable_cores
from algos.streams import evaluation_seeds
from analysis import statistics as st
from analysis.numbers import p_value
from analysis.plots.canvas import Figure, encode
from analysis.plots.style import COLORS, use_style
from tests.composing import composed, trainer

HERE = Path(__file__).parent
SEEDS = 10
EPISODES = 50
PEERS = ("seedbed", "Stable-Baselines3")

CONSTANT = ("algo.optimiser.schedule=constant",)
SETTINGS = {
    "PPO on CartPole-v1": ("experiment=cartpole/ppo", *CONSTANT, "algo.clip_schedule=constant", "iterations=200"),
    "PPO on Pendulum-v1": ("experiment=pendulum/ppo", *CONSTANT),
    "A2C on CartPole-v1": ("experiment=cartpole/a2c", "iterations=1500"),
    "A2C on Acrobot-v1": ("experiment=acrobot/a2c", "normalisation=none", "iterations=1500"),
}
"""Overrides of the presets: what both peers have, and half-way through training, where policies differ the most."""


def ours(overrides: tuple[str, ...]) -> np.ndarray:
    """Mean return of each seed's policy ``[SEEDS]``, with stochastic actions, at the end of training."""
    evaluation = (f"evaluation.episodes={EPISODES}", "evaluation.interval=1000000")
    *_, last = trainer(*overrides, *evaluation, f"num_seeds={SEEDS}", "threads=1")
    return last.stats[f"eval_return_{MODES[1]}"]


def theirs(overrides: tuple[str, ...], seed: int) -> float:
    """The same of one seed of Stable-Baselines3, in the same evaluation environments."""
    torch.set_num_threads(1)
    config = composed(*overrides)
    envs = make_vec_env(config.env.id, n_envs=config.num_envs, seed=seed)
    model = _model(config, envs, seed)
    model.learn(config.iterations * config.num_envs * config.num_steps)
    env, total = gym.make(config.env.id), 0.0
    for start in evaluation_seeds([seed], EPISODES, config.num_envs):
        obs, _ = env.reset(seed=start)
        over = False
        while not over:
            action, _ = model.predict(obs, deterministic=False)
            obs, reward, terminated, truncated, _ = env.step(action)
            total, over = total + float(reward), terminated or truncated
    return total / EPISODES


def _model(config: Config, envs: Any, seed: int) -> A2C | PPO:
    algo, critic = config.algo, config.critic
    common: dict[str, Any] = {
        "n_steps": config.num_steps, "gamma": config.gamma, "gae_lambda": config.gae_lambda, "vf_coef": critic.vf_coef,
        "ent_coef": algo.ent_coef, "learning_rate": algo.optimiser.learning_rate, "seed": seed, "device": "cpu",
        "max_grad_norm": algo.optimiser.max_grad_norm,
    }  # fmt: skip
    if algo.name == "a2c":
        return A2C("MlpPolicy", envs, normalize_advantage=algo.normalise_advantages, **common)
    samples = config.num_envs * config.num_steps
    return PPO(
        "MlpPolicy", envs, batch_size=samples // algo.num_minibatches, n_epochs=algo.update_epochs,
        clip_range=algo.clip_coef, **common,
    )  # fmt: skip


def study(progress: Callable[[str], None] = print) -> pd.DataFrame:
    """Train everything: one row per setting, peer and seed, with its mean return."""
    tables = []
    with multiprocessing.get_context("spawn").Pool(usable_cores(), maxtasksperchild=5) as pool:
        pending = {
            name: pool.starmap_async(theirs, [(overrides, seed) for seed in range(SEEDS)])
            for name, overrides in SETTINGS.items()
        }
        for name, overrides in SETTINGS.items():
            for peer, returns in zip(PEERS, (ours(overrides), np.array(pending[name].get())), strict=True):
                tables.append(pd.DataFrame({"setting": name, "peer": peer, "seed": range(SEEDS), "return": returns}))
            progress(f"{name}: {told(tables[-2]['return'], tables[-1]['return'])}")
    return pd.concat(tables, ignore_index=True)


def p_of(one: pd.Series, other: pd.Series) -> float:
    """Studentised permutation test of equal means."""
    return st.permutation_test([one.to_numpy()], [other.to_numpy()], np.random.default_rng(0))


def told(one: pd.Series, other: pd.Series) -> str:
    """Both means and the test in words."""
    return f"{one.mean():.1f} and {other.mean():.1f}, {p_value(p_of(one, other))}"


def draw(table: pd.DataFrame) -> bytes:
    """Every seed of both peers, one panel a setting, as a PNG."""
    with use_style():
        canvas = Canvas(figsize=(7.0, 2.2), layout="constrained")
        panels = np.ravel(canvas.subplots(1, len(SETTINGS)))
        for ax, (name, rows) in zip(panels, table.groupby("setting", sort=False), strict=True):
            samples = [rows.loc[rows["peer"] == peer, "return"] for peer in PEERS]
            for place, (sample, colour) in enumerate(zip(samples, COLORS, strict=False)):
                spread = np.linspace(-0.15, 0.15, len(sample))
                ax.plot(place + spread, sample, "o", color=colour, markersize=3, alpha=0.7)
                ax.plot([place - 0.25, place + 0.25], [sample.mean()] * 2, color=colour, linewidth=1.5)
            ax.set_title(f"{name}\n{p_value(p_of(*samples))}")
            ax.set_xticks([0, 1], ["seedbed", "SB3"])
            ax.set_xlim(-0.6, 1.6)
        canvas.axes[0].set_ylabel("return")
        caption = (
            f"Mean return over {EPISODES} episodes with stochastic actions of each of {SEEDS} seeds at the end of "
            "training with the same settings, and the mean over seeds. p: studentised permutation test of equal means."
        )
        return encode(Figure("sb3", "Stable-Baselines3 and seedbed", caption, canvas), "png")


def main() -> None:
    """Run the study and keep it."""
    table = study()
    table.to_csv(HERE / "sb3.csv", index=False, float_format="%.6g", lineterminator="\n")
    (HERE / "sb3.png").write_bytes(draw(table))


if __name__ == "__main__":
    main()
