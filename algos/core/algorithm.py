"""The interface of a variant."""

from typing import Protocol

from torch import Tensor

from algos.core.policy import Policy
from algos.core.transitions import Estimates, Stats, Transitions


class Algorithm(Protocol):
    """A variant: how policies are updated after a rollout.

    Its class has ``Settings``, a nested subclass of :class:`algos.config.AlgorithmSettings`. The call ``Class(settings,
    run)`` makes it, with a :class:`algos.core.run.Run`. A variant that keeps tensors from one iteration to the next has
    ``state_dict`` and ``load_state_dict`` too. The run itself saves the random streams and optimisers that it gave out.
    """

    def update(self, policy: Policy, transitions: Transitions, estimates: Estimates, active: Tensor) -> Stats:
        """Update the policies of the ``active [S]`` seeds only. Returns the numbers ``[S]`` to report, by name."""
