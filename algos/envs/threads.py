"""A vector environment whose parts are stepped by threads of their own.

A part's own steps must run outside Python, as EnvPool's do. Then a thread acts for one part while another part is
stepped, and no part waits for another within a rollout.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from algos.envs.vector import Actor, EnvSteps, SameStepVectorEnv, joined


class ThreadedVectorEnv(SameStepVectorEnv):
    """The environments of several parts, one part after the other.

    Args:
        parts: one vector environment or more, of the same spaces and time limit. Their arrays become views of this
            environment's.
    """

    def __init__(self, parts: Sequence[SameStepVectorEnv]) -> None:
        first = parts[0]
        self.metadata = first.metadata
        spaces = first.single_observation_space, first.single_action_space
        super().__init__(*spaces, sum(part.num_envs for part in parts), first.max_episode_steps)
        self._parts = list(parts)
        ends = accumulate((part.num_envs for part in parts), initial=0)
        self._shares = [slice(*both) for both in pairwise(ends)]
        for part, share in zip(self._parts, self._shares, strict=True):
            part.arrays = {name: array[share] for name, array in self.arrays.items()}
        self._threads = ThreadPoolExecutor(len(parts), thread_name_prefix="envs")

    def reset_arrays(self, seeds: list[int | None], options: dict[str, Any] | None) -> None:
        self._in_threads(lambda part, share: part.reset_arrays(seeds[share], options))

    def step_arrays(self) -> None:
        self._in_threads(lambda part, _: part.step_arrays())

    def roll(self, actor: Actor, noise: np.ndarray) -> EnvSteps:
        if actor.of(self._shares[0]) is None:
            return super().roll(actor, noise)

        def own(part: SameStepVectorEnv, share: slice) -> EnvSteps:
            own_actor = actor.of(share)
            assert own_actor is not None
            return part.roll(own_actor, np.ascontiguousarray(noise[:, share]))

        return joined(self._in_threads(own), self._shares, self.num_envs)

    def close_extras(self, **kwargs: Any) -> None:
        self._threads.shutdown()
        for part in self._parts:
            part.close()

    def _in_threads(self, function: Callable[[SameStepVectorEnv, slice], Any]) -> list[Any]:
        """The results of a function of each part and its share of the environments."""
        return list(self._threads.map(function, self._parts, self._shares))
