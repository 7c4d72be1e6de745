"""Trains Stable-Baselines3's PPO on two tasks and keeps its own logs: `python figures/sb3/train.py OUT [TASK ...]`.

README.md beside this file has the same settings for seedbed's PPO, and the command that compares both.
"""

import sys
from pathlib import Path

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import configure

SEEDS = range(10)
SETTINGS = {
    "CartPole-v1": {
        "iterations": 195, "n_envs": 8, "n_steps": 32, "batch_size": 256, "n_epochs": 20, "gamma": 0.98,
        "gae_lambda": 0.8, "learning_rate": 1e-3, "clip_range": 0.2,
    },
    "Acrobot-v1": {
        "iterations": 98, "n_envs": 8, "n_steps": 64, "batch_size": 128, "n_epochs": 10, "gamma": 0.99,
        "gae_lambda": 0.94, "learning_rate": 1e-3, "clip_range": 0.2,
    },
}  # fmt: skip


def train(out: Path, task: str, seed: int) -> None:
    settings = dict(SETTINGS[task])
    iterations, n_envs = int(settings.pop("iterations")), int(settings.pop("n_envs"))
    directory = out / "ppo" / f"{task}_{seed}"
    envs = make_vec_env(task, n_envs=n_envs, seed=seed, monitor_dir=str(directory))
    model = PPO("MlpPolicy", envs, seed=seed, device="cpu", **settings)
    model.set_logger(configure(str(directory), ["csv"]))
    model.learn(iterations * n_envs * int(settings["n_steps"]))


if __name__ == "__main__":
    torch.set_num_threads(1)
    for task in sys.argv[2:] or SETTINGS:
        for seed in SEEDS:
            train(Path(sys.argv[1]), task, seed)
            print(task, seed, flush=True)
