"""What a variant is to the loop that trains it."""

from typing import Protocol

from torch import Tensor

from algos.core.policy import Policy
from algos.core.transitions import Estimates, Stats, Transitions


class Algorithm(Protocol):
    """A variant: how a policy moves after a rollout.

    Its class has ``Settings``, a nested subclass of :class:`algos.config.AlgorithmSettings`, and is made by
    ``Class(settings, run)`` with a :class:`algos.core.run.Run`. One that carries tensors of its own from iteration to
    iteration has ``state_dict`` and ``load_state_dict`` too; the run saves the random streams and optimisers that it
    gave.
    """

    def update(self, policy: Policy, transitions: Transitions, estimates: Estimates, active: Tensor) -> Stats:
        """Move the policies of the ``active [S]`` seeds and no others; reports numbers ``[S]`` by name."""
