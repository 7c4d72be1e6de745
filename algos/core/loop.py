"""The loop that all variants share: collect, estimate, fit the critic, update the policy."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from algos.core.algorithm import Algorithm
from algos.core.checkpoint import State, check_fits, collect_state, restore_state
from algos.core.collector import Collector
from algos.core.estimators import explained_variance
from algos.core.evaluation import PeriodicEvaluation
from algos.core.reductions import batch_mean
from algos.core.run import Run
from algos.core.transitions import Estimates, Transitions

RESERVED = (
    "algo",
    "env_id",
    "seed",
    "iteration",
    "status",
    "env_steps",
    "episodes",
    "episodic_return",
    "episodic_length",
)
"""Columns of ``progress.csv`` that a variant must not report."""


@dataclass
class Failure:
    """A seed that was stopped, and the quantity that was no longer finite."""

    row: int
    seed: int
    iteration: int
    quantity: str


@dataclass
class Iteration:
    """The report of one iteration."""

    number: int
    stats: dict[str, np.ndarray]  # [S] by name; NaN where a value does not exist
    running: np.ndarray  # [S] bool, the seeds that took part
    failures: list[Failure]  # seeds that were stopped in this iteration
    seconds: dict[str, float]  # by part of the iteration

    def of(self, rows: slice) -> "Iteration":
        """The report of a slice of the rows, which then count from 0."""
        stats = {name: values[rows] for name, values in self.stats.items()}
        own = [replace(each, row=each.row - rows.start) for each in self.failures if rows.start <= each.row < rows.stop]
        return Iteration(self.number, stats, self.running[rows], own, self.seconds)


class Trainer:
    """Trains all seeds of one variant on one task in lock-step."""

    def __init__(
        self,
        run: Run,
        collector: Collector,
        algorithm: Algorithm,
        evaluation: PeriodicEvaluation | None,
    ) -> None:
        self.resources = run.resources
        self.seeds = run.config.seeds
        self.iterations = run.config.iterations
        self.policy = run.policy
        self.critic = run.critic
        self.estimator = run.estimator
        self.collector = collector
        self.algorithm = algorithm
        self.evaluation = evaluation
        self.next_iteration = 0
        self.running = torch.ones(len(self.seeds), dtype=torch.bool, device=self.policy.params.device)

    def __iter__(self) -> Iterator[Iteration]:
        while not self.finished:
            yield self._iterate(self.next_iteration)

    @property
    def finished(self) -> bool:
        """Whether all iterations are done or all seeds were stopped."""
        return self.next_iteration >= self.iterations or not bool(self.running.any())

    def state_dict(self) -> State:
        """Everything that later iterations depend on. Call it between iterations.

        Some environments cannot be saved; a resumed run begins new episodes in them.
        """
        own = {"next_iteration": np.array(self.next_iteration), "running": self.running.cpu().numpy()}
        return own | collect_state(**self._parts())

    def load_state_dict(self, state: State) -> None:
        """Continue from a state of :meth:`state_dict`.

        Raises:
            CheckpointError: The state is of another kind of run. The trainer is unchanged.
        """
        check_fits(state, self.state_dict())
        self.next_iteration = int(state["next_iteration"])
        self.running.copy_(torch.from_numpy(state["running"]))
        restore_state(state, **self._parts())

    def _parts(self) -> dict[str, Any]:
        return {
            "collector": self.collector,
            "policy": self.policy,
            "critic": self.critic,
            "estimator": self.estimator,
            "algorithm": self.algorithm,
            "run": self.resources,
        }

    def _iterate(self, number: int) -> Iteration:
        self.resources.begin(number)
        running = self.running.clone()
        clock = [time.perf_counter()]
        transitions = self.collector.collect(self.policy)
        self.policy.obs_normaliser.update(transitions.steps.obs)
        clock.append(time.perf_counter())
        estimates, fit_stats = self.fit(transitions)
        clock.append(time.perf_counter())
        stats = self.algorithm.update(self.policy, transitions, estimates, running)
        clock.append(time.perf_counter())
        common = self._common_stats(transitions, estimates)
        own = {
            name: stats.pop(name) for name in common.keys() & stats.keys()
        }  # a variant that re-estimates reports its own
        columns = self._episode_stats(transitions, number) | stats | fit_stats | common | own
        failures = self._stop_broken_seeds(number, transitions, columns)
        self.next_iteration = number + 1
        parts = ["rollout_seconds", "critic_seconds", "policy_seconds"]
        if self.evaluation is not None:
            clock.append(time.perf_counter())
            columns |= self.evaluation.columns(self.policy, number, self.running.cpu().numpy())
            clock.append(time.perf_counter())
            parts += ["other_seconds", "evaluation_seconds"]
        seconds = dict(zip(parts, np.diff(clock).tolist(), strict=True))
        values: dict[str, np.ndarray] = {
            name: value.cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
            for name, value in columns.items()
        }
        return Iteration(number, values, running.cpu().numpy(), failures, seconds)

    def fit(self, transitions: Transitions) -> tuple[Estimates, dict[str, Any]]:
        """Estimate advantages and fit the critic.

        Returns:
            The estimates for the policy's update, and numbers ``[S]`` to report.
        """
        estimates = self.estimator.estimate(transitions, self.critic)
        stats = self.critic.fit(transitions, estimates, self.running)
        return self.estimator.revise(transitions, estimates, self.critic), {**stats, **estimates.stats}

    def _episode_stats(self, transitions: Transitions, number: int) -> dict[str, Any]:
        episodes = transitions.steps.episodes
        some = np.maximum(episodes.count, 1)
        return {
            "env_steps": np.full(len(self.seeds), (number + 1) * transitions.rewards[0].size),
            "episodes": episodes.count,
            "episodic_return": np.where(episodes.count > 0, episodes.return_sum / some, np.nan),
            "episodic_length": np.where(episodes.count > 0, episodes.length_sum / some, np.nan),
        }

    @torch.no_grad()
    def _common_stats(self, transitions: Transitions, estimates: Estimates) -> dict[str, Any]:
        """The numbers ``[S]`` that are reported for every variant."""
        new = self.policy.distribution(transitions.flat(transitions.obs))
        return {
            "entropy": batch_mean(transitions.old.entropy()),
            "kl_old_new": batch_mean(transitions.old.kl(new)),
            "explained_variance": explained_variance(transitions, estimates),
        }

    def _stop_broken_seeds(self, number: int, transitions: Transitions, stats: dict[str, Any]) -> list[Failure]:
        """Stop the seeds whose observations, rewards, losses or parameters are no longer finite."""
        num_seeds = len(self.seeds)
        finite = {
            "observation": np.isfinite(transitions.obs.reshape(num_seeds, -1)).all(1),
            "reward": np.isfinite(transitions.rewards.reshape(num_seeds, -1)).all(1),
        }
        checked: dict[str, Tensor] = {
            name: stats[name][:, None] for name in ("value_loss", "policy_loss") if name in stats
        }
        checked |= {"critic parameter": self.critic.params, "policy parameter": self.policy.params}
        finite |= {name: _all_finite(values.detach()) for name, values in checked.items()}
        failures = []
        broken = self.running.cpu().numpy() & ~np.all(list(finite.values()), axis=0)
        for index in np.flatnonzero(broken).tolist():
            quantity = next(name for name, good in finite.items() if not good[index])
            failures.append(Failure(index, self.seeds[index], number, quantity))
            self.running[index] = False
            with torch.no_grad():  # its environments are still stepped, so its policy must be finite
                self.policy.params[index] = 0.0
                self.critic.params[index] = 0.0
        return failures


def _all_finite(values: Tensor) -> np.ndarray:
    """Whether all numbers of each row of ``values [S, P]`` are finite."""
    if values.is_cpu:  # NumPy takes a tenth of the time
        finite: np.ndarray = np.isfinite(values.numpy()).all(1)
        return finite
    return torch.isfinite(values).all(1).cpu().numpy()
