"""Evaluation of policies in environments that training does not use."""

from collections.abc import Sequence

import numpy as np
from gymnasium import spaces
from gymnasium.vector import VectorEnv

from algos.core.policy import Policy
from algos.core.stepping import action_transform
from algos.streams import evaluation_seeds, stream

MODES = ("deterministic", "stochastic")
"""Play the most probable action, or one that is drawn from the policy as in training."""


class Evaluator:
    """Plays ``num_episodes`` episodes for each seed and mode, each in an environment of its own.

    The environments' seeds and the noise of the actions depend on the seed alone. So all variants, and all evaluations
    of a run, start from the same states. No environment has the seed of one of the ``num_envs`` training environments.
    """

    def __init__(self, envs: VectorEnv, seeds: Sequence[int], num_episodes: int, num_envs: int) -> None:
        self.envs = envs
        self.seeds = seeds
        self.env_seeds = evaluation_seeds(seeds, num_episodes, num_envs)

    def play(self, policy: Policy, mode: str) -> tuple[np.ndarray, np.ndarray]:
        """Play one episode in each environment. Returns true returns and lengths, both ``[S, num_episodes]``.

        ``mode`` is one of ``MODES``.
        """
        policy = policy.on_cpu()
        shape = (len(self.seeds), len(self.env_seeds) // len(self.seeds))
        streams = [stream(seed, "evaluation_actions") for seed in self.seeds]
        space = self.envs.single_action_space
        to_env = action_transform(space, policy.head)
        num_actions = int(np.prod(space.shape or (1,)))
        dtype = policy.params.detach().cpu().numpy().dtype
        returns, lengths, running = np.zeros(shape), np.zeros(shape, np.int64), np.ones(shape, bool)
        obs, _ = self.envs.reset(seed=self.env_seeds)  # type: ignore[arg-type]
        while running.any():
            noise = None
            if mode == "stochastic":
                draws = (g.standard_normal if isinstance(space, spaces.Box) else g.random for g in streams)
                noise = np.stack([draw((shape[1], num_actions)) for draw in draws]).astype(dtype)
            actions = policy.act(obs.reshape(*shape, -1).astype(dtype), noise)
            obs, rewards, terminated, truncated, _ = self.envs.step(to_env(actions.reshape(-1, num_actions)))
            returns += np.where(running, rewards.reshape(shape), 0.0)
            lengths += running
            running &= ~(terminated | truncated).reshape(shape)
        return returns, lengths


class PeriodicEvaluation:
    """Evaluates every ``interval`` iterations and after the last of ``iterations``."""

    def __init__(self, evaluator: Evaluator, interval: int, iterations: int) -> None:
        self.evaluator = evaluator
        self.interval = interval
        self.iterations = iterations

    def columns(self, policy: Policy, iteration: int, running: np.ndarray) -> dict[str, np.ndarray]:
        """Mean returns and lengths ``[S]`` by column of ``progress.csv``.

        NaN in iterations without evaluation, and for seeds that are not ``running [S]``: their policies are lost.
        """
        due = (iteration + 1) % self.interval == 0 or iteration + 1 == self.iterations
        missing = np.full(len(self.evaluator.seeds), np.nan)
        columns: dict[str, np.ndarray] = {}
        for mode in MODES:
            returns, lengths = (x.mean(1) for x in self.evaluator.play(policy, mode)) if due else (missing, missing)
            columns |= {
                f"eval_return_{mode}": np.where(running, returns, np.nan),
                f"eval_length_{mode}": np.where(running, lengths, np.nan),
            }
        return columns
