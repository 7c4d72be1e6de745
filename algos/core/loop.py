"""The loop that all variants share: collect, estimate, fit the critic, update the policy."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from algos.core.checkpoint import State, check_fits, collect_state, restore_state
from algos.core.collector import Collector
from algos.core.critic import Critic
from algos.core.evaluation import PeriodicEvaluation
from algos.core.networks import batch_mean
from algos.core.normalisation import RewardNormaliser
from algos.core.policy import Policy
from algos.core.rollout import Rollout


@dataclass
class Failure:
    """A seed that was stopped: when, and which quantity was no longer finite."""

    seed: int
    iteration: int
    quantity: str


@dataclass
class Iteration:
    """What one iteration reports."""

    number: int
    stats: dict[str, np.ndarray]  # name -> [S]; NaN where a value does not exist
    running: np.ndarray  # [S] bool: the seeds that took part
    failures: list[Failure]  # of this iteration
    seconds: dict[str, float]  # of each part


class Trainer:
    """Trains all seeds of one variant on one task in lock-step.

    ``rewards`` makes what is learned from of the rewards; the returns that are reported are the true ones.
    ``schedules`` are pairs of an object and the name of its number that falls linearly to zero.
    """

    def __init__(
        self,
        seeds: range,
        iterations: int,
        collector: Collector,
        rewards: RewardNormaliser,
        policy: Policy,
        critic: Critic,
        estimator: Any,
        algorithm: Any,
        schedules: list[tuple[Any, str]],
        evaluation: PeriodicEvaluation | None,
    ) -> None:
        self.seeds = seeds
        self.iterations = iterations
        self.collector = collector
        self.rewards = rewards
        self.policy = policy
        self.critic = critic
        self.estimator = estimator
        self.algorithm = algorithm
        self.schedules = [(owner, name, getattr(owner, name)) for owner, name in schedules]
        self.evaluation = evaluation
        self.next_iteration = 0
        self.running = torch.ones(len(seeds), dtype=torch.bool, device=policy.params.device)

    def __iter__(self) -> Iterator[Iteration]:
        while not self.finished:
            yield self._iterate(self.next_iteration)

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do: all iterations are made, or all seeds have stopped."""
        return self.next_iteration >= self.iterations or not bool(self.running.any())

    def state_dict(self) -> State:
        """All that the iterations to come depend on, bit for bit; to be taken between iterations.

        Of environments that cannot be saved there is nothing (see :class:`Collector`).
        """
        own = {"next_iteration": np.array(self.next_iteration), "running": self.running.cpu().numpy()}
        return own | collect_state(**self._parts())

    def load_state_dict(self, state: State) -> None:
        """Go on where :meth:`state_dict` was taken.

        Raises:
            CheckpointError: the state is not that of such a run; nothing was changed.
        """
        check_fits(state, self.state_dict())
        self.next_iteration = int(state["next_iteration"])
        self.running.copy_(torch.from_numpy(state["running"]))
        restore_state(state, **self._parts())
        if not self.collector.stepping.resumes_episodes:
            self.rewards.begin_episodes()

    def _parts(self) -> dict[str, Any]:
        return {
            "collector": self.collector,
            "rewards": self.rewards,
            "policy": self.policy,
            "critic": self.critic,
            "estimator": self.estimator,
            "algorithm": self.algorithm,
        }

    def _iterate(self, number: int) -> Iteration:
        for owner, name, initial in self.schedules:
            setattr(owner, name, initial * (1 - number / self.iterations))
        running = self.running.clone()
        clock = [time.perf_counter()]
        rollout = self.collector.collect(self.policy)
        self.policy.observations.update(rollout.raw_obs)
        rollout.rewards = self.rewards(rollout.rewards, rollout.ended)
        clock.append(time.perf_counter())
        stats: dict[str, Any] = self.estimator(rollout, self.critic, running)
        clock.append(time.perf_counter())
        stats = self.algorithm.update(self.policy, rollout, running) | stats
        clock.append(time.perf_counter())
        stats = self._episode_stats(rollout, number) | stats | self._common_stats(rollout)
        failures = self._stop_broken_seeds(number, rollout, stats)
        self.next_iteration = number + 1
        parts = ["rollout_seconds", "critic_seconds", "policy_seconds"]
        if self.evaluation is not None:
            clock.append(time.perf_counter())
            stats |= self.evaluation.columns(self.policy, number)
            clock.append(time.perf_counter())
            parts += ["other_seconds", "evaluation_seconds"]
        seconds = dict(zip(parts, np.diff(clock).tolist(), strict=True))
        values: dict[str, np.ndarray] = {
            name: value.cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
            for name, value in stats.items()
        }
        return Iteration(number, values, running.cpu().numpy(), failures, seconds)

    def _episode_stats(self, rollout: Rollout, number: int) -> dict[str, Any]:
        steps_per_iteration = rollout.rewards.shape[1] * rollout.rewards.shape[2]
        episodes = rollout.episodes
        some = np.maximum(episodes.count, 1)
        return {
            "env_steps": np.full(len(self.seeds), (number + 1) * steps_per_iteration),
            "episodes": episodes.count,
            "episodic_return": np.where(episodes.count > 0, episodes.return_sum / some, np.nan),
            "episodic_length": np.where(episodes.count > 0, episodes.length_sum / some, np.nan),
        }

    @torch.no_grad()
    def _common_stats(self, rollout: Rollout) -> dict[str, Any]:
        """Figures that every variant reports alike: the policy's entropy and step, how well the critic fitted."""
        new = self.policy.distribution(rollout.flat(rollout.obs))
        returns, values = rollout.flat(rollout.returns), rollout.flat(rollout.values)
        residual = returns - values
        total = returns - batch_mean(returns)[:, None]
        variance = batch_mean(total * total)
        centred = residual - batch_mean(residual)[:, None]
        explained = 1 - batch_mean(centred * centred) / variance
        return {
            "entropy": batch_mean(rollout.old.entropy()),
            "kl_old_new": batch_mean(rollout.old.kl(new)),
            "explained_variance": torch.where(variance > 0, explained, torch.nan),
        }

    def _stop_broken_seeds(self, number: int, rollout: Rollout, stats: dict[str, Any]) -> list[Failure]:
        """Stop the seeds whose observations, rewards, losses or parameters are no longer finite."""
        num_seeds = len(self.seeds)
        checks: dict[str, Tensor] = {
            "observation": torch.from_numpy(np.isfinite(rollout.obs.reshape(num_seeds, -1)).all(1)),
            "reward": torch.from_numpy(np.isfinite(rollout.rewards.reshape(num_seeds, -1)).all(1)),
        }
        checks |= {name: torch.isfinite(stats[name]).cpu() for name in ("value_loss", "policy_loss") if name in stats}
        checks |= {
            "critic parameter": torch.isfinite(self.critic.params).all(1).cpu(),
            "policy parameter": torch.isfinite(self.policy.params).all(1).cpu(),
        }
        failures = []
        for index in torch.nonzero(self.running.cpu()).flatten().tolist():
            broken = next((name for name, finite in checks.items() if not finite[index]), None)
            if broken is not None:
                failures.append(Failure(self.seeds[index], number, broken))
                self.running[index] = False
                with torch.no_grad():  # its environments are still stepped: let them be with a policy that can act
                    self.policy.params[index] = 0.0
                    self.critic.params[index] = 0.0
        return failures
