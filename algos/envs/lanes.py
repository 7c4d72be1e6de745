"""Environments in a few lanes, none of which waits for another.

Stepped as one batch, the environments' threads rest while the policy acts, and half of them while the last ones step:
a step ends when its slowest environment has ended. Here one lane acts while another's environments step.
"""

from abc import abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from algos.envs.vector import Actor, EnvSteps, SameStepVectorEnv, joined, seeds_of, shares_of


class Lane(SameStepVectorEnv):
    """Environments that other threads step, without holding Python's lock."""

    def step_arrays(self) -> None:
        self.send()
        self.receive()

    @abstractmethod
    def send(self) -> None:
        """Begin a step with ``arrays["actions"]``."""

    @abstractmethod
    def receive(self) -> None:
        """Wait for the step to end; fill the other arrays."""


class LaneVectorEnv(SameStepVectorEnv):
    """The environments of all ``lanes``: of L lanes, lane l has every L-th from l on."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        one, num_envs = lanes[0], sum(lane.num_envs for lane in lanes)
        super().__init__(one.single_observation_space, one.single_action_space, num_envs, one.max_episode_steps)
        self._lanes = lanes
        self._shares = shares_of(num_envs, len(lanes))
        for lane, share in zip(lanes, self._shares, strict=True):
            lane.arrays = {name: array[share] for name, array in self.arrays.items()}
        self._threads = ThreadPoolExecutor(len(lanes))

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode everywhere; an int seeds sub-environment e with seed + e. Returns obs ``[num_envs, D]``."""
        seeds = seeds_of(seed, self.num_envs)
        for lane, share in zip(self._lanes, self._shares, strict=True):
            lane.reset(seed=seeds[share], options=options)  # type: ignore[arg-type]
        return self.arrays["obs"].copy(), {}

    def step_arrays(self) -> None:
        for lane in self._lanes:
            lane.send()
        for lane in self._lanes:
            lane.receive()

    def roll(self, actor: Actor, noise: np.ndarray) -> EnvSteps:
        actors = [actor.of(share) for share in self._shares]
        if None in actors:
            return super().roll(actor, noise)
        own_noise = [np.ascontiguousarray(noise[:, share]) for share in self._shares]
        return joined(list(self._threads.map(SameStepVectorEnv.roll, self._lanes, actors, own_noise)))

    def close_extras(self, **kwargs: Any) -> None:
        self._threads.shutdown()
        for lane in self._lanes:
            lane.close()
