"""Times Stable-Baselines3's PPO and A2C and sb3-contrib's TRPO in one process with one thread. Prints one JSON line.

Sizes are the post's: 8 environments × 4,052 steps, 5→64→1 ReLU networks for policy and critic, whole-batch updates.
What their interfaces do not allow, and so differs:

- PPO: policy and critic share each of the 80 steps (one sum of losses, one Adam, gradients clipped to norm 0.5).
- A2C: one shared step per iteration, so one critic step where the post takes 80. RMSprop.
- TRPO: 10 conjugate-gradient iterations, up to 10 backtracks of 0.8, then 80 critic steps. KL differentiated twice.
- All: float32; the buffer is shuffled and converted anew for each epoch; the textbook's advantages.

`cartpole` is PureJaxRL's setting: 4 environments × 128 steps, 4 epochs × 4 minibatches, 64×64 tanh. `halfcheetah` has
the settings of `experiment=mujoco/ppo`, observations and rewards normalised, but for advantages recomputed each epoch;
`halfcheetah_defaults` and `cartpole_defaults` SB3's own, one environment; `lunar_lander` those of
`experiment=lunar_lander/ppo`.
"""

import argparse
import json
from collections.abc import Callable
from time import perf_counter
from typing import Any

import gymnasium as gym
import torch
from sb3_contrib import TRPO
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecNormalize

from tests.speed import swingup

NUM_ENVS, NUM_STEPS = 8, 4052
DEFAULTS = {"halfcheetah_defaults": "HalfCheetah-v5", "cartpole_defaults": "CartPole-v1"}
SWINGUP: dict[str, Any] = {
    "n_steps": NUM_STEPS,
    "gamma": 0.999,
    "gae_lambda": 0.99,
    "learning_rate": 1e-2,
    "normalize_advantage": True,
    "policy_kwargs": {"net_arch": [64], "activation_fn": torch.nn.ReLU},
}


class IterationTimes(BaseCallback):
    """Seconds of each iteration, from the start of its rollout to the start of the next."""

    def __init__(self) -> None:
        super().__init__()
        self.starts: list[float] = []
        self.rollout_ends: list[float] = []

    def _on_rollout_start(self) -> None:
        self.starts.append(perf_counter())

    def _on_rollout_end(self) -> None:
        self.rollout_ends.append(perf_counter())

    def _on_training_end(self) -> None:
        self.starts.append(perf_counter())

    def _on_step(self) -> bool:
        return True


def envs(make: Callable[[], gym.Env], num_envs: int) -> VecEnv:
    return DummyVecEnv([make] * num_envs)


def build(algo: str, seed: int) -> OnPolicyAlgorithm:
    common: dict[str, Any] = {"policy": "MlpPolicy", "seed": seed, "device": "cpu"}
    if algo == "cartpole":
        return PPO(
            env=envs(lambda: gym.make("CartPole-v1"), 4),
            n_steps=128,
            batch_size=128,
            n_epochs=4,
            learning_rate=lambda remaining: 2.5e-4 * remaining,
            ent_coef=0.01,
            policy_kwargs={"net_arch": [64, 64], "activation_fn": torch.nn.Tanh},
            **common,
        )
    if algo in DEFAULTS:
        return PPO(env=envs(lambda: gym.make(DEFAULTS[algo]), 1), **common)
    if algo == "lunar_lander":
        return PPO(
            env=envs(lambda: gym.make("LunarLander-v3"), 16),
            n_steps=1024,
            batch_size=64,
            n_epochs=4,
            gamma=0.999,
            gae_lambda=0.98,
            ent_coef=0.01,
            **common,
        )
    if algo == "halfcheetah":
        return PPO(
            env=VecNormalize(envs(lambda: gym.make("HalfCheetah-v5"), 8), gamma=0.99),
            n_steps=256,
            batch_size=64,
            n_epochs=10,
            learning_rate=lambda remaining: 3e-4 * remaining,
            vf_coef=0.25,
            clip_range_vf=0.2,
            normalize_advantage=False,
            policy_kwargs={"net_arch": [64, 64], "activation_fn": torch.nn.Tanh, "log_std_init": -0.5},
            **common,
        )
    common["env"] = envs(swingup.make, NUM_ENVS)
    batch = NUM_ENVS * NUM_STEPS
    if algo == "ppo":
        return PPO(batch_size=batch, n_epochs=80, clip_range=0.1, **SWINGUP, **common)
    if algo == "trpo":
        return TRPO(batch_size=batch, cg_max_steps=10, n_critic_updates=80, **SWINGUP, **common)
    return A2C(**SWINGUP, **common)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ["a2c", "ppo", "trpo", "cartpole", "halfcheetah", "lunar_lander", *DEFAULTS]
    parser.add_argument("--algo", choices=names, required=True)
    parser.add_argument("--iterations", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    args = parser.parse_args()

    torch.set_num_threads(1)
    model = build(args.algo, args.seed)
    steps = model.n_steps * model.n_envs
    times = IterationTimes()
    model.learn(args.iterations * steps, callback=times)
    iteration_seconds = [end - start for start, end in zip(times.starts[:-1], times.starts[1:], strict=True)]
    rollout_seconds = [end - start for start, end in zip(times.starts[:-1], times.rollout_ends, strict=True)]
    print(
        json.dumps(
            {
                "iteration_seconds": iteration_seconds,
                "rollout_seconds": rollout_seconds,
                "steps_per_iteration": steps,
            }
        )
    )


if __name__ == "__main__":
    main()
