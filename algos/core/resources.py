"""Random streams, optimisers and schedules of a run."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from algos.config import Config, OptimiserSettings
from algos.core.checkpoint import State, collect_state, restore_state
from algos.core.optimiser import Optimiser
from algos.parts import find_class
from algos.streams import Streams


class Resources:
    """Makes the random streams, optimisers and schedules of all parts of a run. It saves and restores them."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._kept: dict[str, Any] = {}
        self._schedules: list[tuple[Any, str, float]] = []

    def streams(self, purpose: str) -> Streams:
        """One random stream for each seed, for one ``purpose``.

        Raises:
            ValueError: The purpose is in use. Two parts would draw the same numbers.
        """
        return self._keep(f"streams.{purpose}", Streams(self.config.seeds, purpose))

    def optimiser(self, owner: str, settings: OptimiserSettings, params: Sequence[Tensor]) -> Optimiser:
        """The optimiser of the part ``owner`` for ``params``, with its schedule.

        Raises:
            ValueError: The owner has an optimiser.
        """
        found: Any = find_class(settings.target)
        optimiser = self._keep(f"optimiser.{owner}", found(settings, params))
        if settings.schedule == "linear":
            self.anneal(optimiser, "learning_rate")
        return optimiser

    def anneal(self, owner: Any, name: str) -> None:
        """Decrease the attribute ``name`` of ``owner`` linearly from its present value to 0 over the iterations."""
        self._schedules.append((owner, name, getattr(owner, name)))

    def begin(self, iteration: int) -> None:
        """Set every number that has a schedule to its value in this iteration."""
        for owner, name, initial in self._schedules:
            setattr(owner, name, initial * (1 - iteration / self.config.iterations))

    def state_dict(self) -> State:
        """The state of all streams and optimisers."""
        return collect_state(**self._kept)

    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        restore_state(state, **self._kept)

    def _keep(self, name: str, part: Any) -> Any:
        if name in self._kept:
            raise ValueError(f"{name} is in use; expected: a name that no other part of the run has")
        self._kept[name] = part
        return part
