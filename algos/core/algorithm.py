"""The interface of a variant for the loop that trains it."""

from typing import Protocol

from torch import Tensor

from algos.core.policy import Policy
from algos.core.transitions import Estimates, Stats, Transitions


class Algorithm(Protocol):
    """A variant: how a policy moves after a rollout.

    Its class has ``Settings``, a nested subclass of :class:`algos.config.AlgorithmSettings`. ``Class(settings, run)``
    makes it, with a :class:`algos.core.run.Run`. A variant that keeps tensors from iteration to iteration also has
    ``state_dict`` and ``load_state_dict``. The run saves the random streams and optimisers that it handed out.
    """

    def update(self, policy: Policy, transitions: Transitions, estimates: Estimates, active: Tensor) -> Stats:
        """Move the policies of the ``active [S]`` seeds and of no others. Reports numbers ``[S]`` by name."""
