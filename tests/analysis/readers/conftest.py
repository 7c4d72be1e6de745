"""Logs that the real libraries write: made once, by trainings as short as can be."""

import importlib.util
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback, EvalCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import configure
from torch.utils.tensorboard import SummaryWriter

SEEDS = (3, 4)


@dataclass
class Source:
    """What a library said while it wrote its logs: `episodes`, (env steps, return) each in the order of their end;
    `evaluations`, (env steps, returns)."""

    root: Path
    episodes: dict[int, list[tuple[int, float]]] = field(default_factory=dict)
    evaluations: dict[int, list[tuple[int, list[float]]]] = field(default_factory=dict)

    def run(self, seed: int) -> Path:
        return self.root / "ppo" / f"CartPole-v1_{seed}"


class Listener(BaseCallback):
    """Hears of every episode when it ends."""

    def __init__(self, episodes: list[tuple[int, float]]) -> None:
        super().__init__()
        self.episodes = episodes

    def _on_step(self) -> bool:
        for info in self.locals["infos"]:
            if "episode" in info:
                self.episodes.append((self.num_timesteps, info["episode"]["r"]))
        return True


@pytest.fixture(scope="session")
def sb3(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """PPO of SB3: monitor files, evaluations, progress.csv and event files."""
    source = Source(tmp_path_factory.mktemp("sb3"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for seed in SEEDS:
        run = source.run(seed)
        envs = make_vec_env("CartPole-v1", n_envs=3, seed=seed, monitor_dir=str(run))
        episodes = source.episodes.setdefault(seed, [])
        evaluation = EvalCallback(
            make_vec_env("CartPole-v1", seed=seed), eval_freq=100, n_eval_episodes=2, log_path=str(run), verbose=0
        )
        model = PPO("MlpPolicy", envs, seed=seed, n_steps=64, batch_size=96, n_epochs=1, device="cpu")
        model.set_logger(configure(str(run), ["csv", "tensorboard"]))
        model.learn(1100, callback=[evaluation, Listener(episodes)])
        each = zip(evaluation.evaluations_timesteps, evaluation.evaluations_results, strict=True)
        source.evaluations[seed] = [(int(step), [float(value) for value in values]) for step, values in each]
    torch.set_num_threads(threads)
    return source


@pytest.fixture(scope="session")
def cleanrl(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A script in the manner of CleanRL, which writes its settings and every episode with PyTorch's own writer."""
    source = Source(tmp_path_factory.mktemp("runs"))
    rng = np.random.default_rng(1)
    for seed in SEEDS:
        args = {"exp_name": "ppo", "env_id": "CartPole-v1", "seed": seed, "learning_rate": 0.00025, "cuda": False}
        writer = SummaryWriter(str(source.root / f"CartPole-v1__ppo__{seed}__1700000000"))
        rows = "\n".join(f"|{key}|{value}|" for key, value in args.items())
        writer.add_text("hyperparameters", f"|param|value|\n|-|-|\n{rows}")
        episodes = source.episodes.setdefault(seed, [])
        for step in range(4, 2000, 4):
            for _ in range(int(rng.integers(0, 3))):  # several environments end at one step
                value = float(np.float32(rng.normal(step / 10, 20)))
                writer.add_scalar("charts/episodic_return", value, step)
                episodes.append((step, value))
            if step % 100 == 0:
                writer.add_scalar("losses/value_loss", rng.random(), step)
                writer.add_scalar("charts/SPS", rng.random(), step, new_style=True)
        writer.close()
    return source


@pytest.fixture(scope="session")
def marl_eval_logger() -> ModuleType:
    """marl-eval's own logger, without the rest of the package, which needs services and old versions of libraries."""
    spec = importlib.util.find_spec("marl_eval")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("id-marl-eval is not installed")
    path = Path(spec.submodule_search_locations[0]) / "json_tools" / "json_logger.py"
    module_spec = importlib.util.spec_from_file_location("marl_eval_json_logger", path)
    assert module_spec is not None
    assert module_spec.loader is not None
    module = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def marl_eval(tmp_path_factory: pytest.TempPathFactory, marl_eval_logger: ModuleType) -> Source:
    """A file of marl-eval's logger: two algorithms on one task."""
    source = Source(tmp_path_factory.mktemp("marl"))
    rng = np.random.default_rng(2)
    for seed in range(4):
        for algorithm, level in (("mappo", 0.0), ("ippo", 5.0)):
            logger = marl_eval_logger.JsonLogger(str(source.root), algorithm, "3s5z", "smax", seed)
            for number in range(5):
                value = float(rng.normal(level + number, 1))
                logger.write(1000 * (number + 1), "mean_episode_return", value, number)
                if algorithm == "ippo":
                    source.evaluations.setdefault(seed, []).append((1000 * (number + 1), [value]))
            logger.write(5000, "mean_episode_return", 7.0, is_absolute_metric=True)
    return source


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that rl-baselines3-zoo's training command fills."""
    train: Any = pytest.importorskip("rl_zoo3.train")
    root = tmp_path_factory.mktemp("zoo")
    patch = pytest.MonkeyPatch()
    threads = torch.get_num_threads()
    for seed in SEEDS:
        arguments = ["train", "--algo", "a2c", "--env", "CartPole-v1", "--seed", str(seed), "-n", "400"]
        arguments += ["-f", str(root), "--eval-freq", "200", "--eval-episodes", "2", "--num-threads", "1"]
        arguments += ["--verbose", "0", "-params", "normalize_advantage:True"]
        patch.setattr(sys, "argv", arguments)
        train.train()
    patch.undo()
    torch.set_num_threads(threads)
    return root
