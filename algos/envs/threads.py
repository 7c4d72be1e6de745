"""A vector environment whose parts are stepped by threads of their own.

A part's own steps must run outside Python, as EnvPool's do. Then a thread acts for one part while another part is
stepped, and no part waits for another within a rollout.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from algos.envs.vector import Actor, EnvSteps, SameStepVectorEnv, divided, joined


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

    # list() waits for all parts, and raises what one of them raised.

    def reset_arrays(self, seeds: list[int | None], options: dict[str, Any] | None) -> None:
        list(self._threads.map(lambda part, share: part.reset_arrays(seeds[share], options), self._parts, self._shares))

    def step_arrays(self) -> None:
        list(self._threads.map(lambda part: part.step_arrays(), self._parts))

    def roll(self, actor: Actor, noise: np.ndarray) -> EnvSteps:
        own = divided(actor, noise, self._shares)
        if own is None:
            return super().roll(actor, noise)
        steps = list(self._threads.map(lambda part, arguments: part.roll(*arguments), self._parts, own))
        return joined(steps, self._shares, self.num_envs)

    def close_extras(self, **kwargs: Any) -> None:
        self._threads.shutdown()
        for part in self._parts:
            part.close()
