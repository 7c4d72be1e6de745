"""Resources of the parts of a run: random streams, optimisers and schedules. The run keeps and saves them."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from algos.config import Config, OptimiserSettings
from algos.core.checkpoint import State, collect_state, restore_state
from algos.core.optimiser import Optimiser
from algos.parts import find_class
from algos.streams import Streams


class Resources:
    """Hands out what every part of a run would otherwise have to save, restore and set itself."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._kept: dict[str, Any] = {}
        self._schedules: list[tuple[Any, str, float]] = []

    def streams(self, purpose: str) -> Streams:
        """One random stream per seed, all for one ``purpose`` and for one owner.

        Raises:
            ValueError: The streams were handed out before; two owners would draw the same numbers.
        """
        return self._keep(f"streams.{purpose}", Streams(self.config.seeds, purpose))

    def optimiser(self, owner: str, settings: OptimiserSettings, params: Sequence[Tensor]) -> Optimiser:
        """The optimiser of ``owner`` for its ``params``, with its schedule."""
        found: Any = find_class(settings.target)
        optimiser = self._keep(f"optimiser.{owner}", found(settings, params))
        if settings.schedule == "linear":
            self.anneal(optimiser, "learning_rate")
        return optimiser

    def anneal(self, owner: Any, name: str) -> None:
        """Lets a number of ``owner`` fall linearly from its present value to zero over the iterations."""
        self._schedules.append((owner, name, getattr(owner, name)))

    def begin(self, iteration: int) -> None:
        """Sets every number that follows a schedule."""
        for owner, name, initial in self._schedules:
            setattr(owner, name, initial * (1 - iteration / self.config.iterations))

    def state_dict(self) -> State:
        """The state of all that was handed out."""
        return collect_state(**self._kept)

    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        restore_state(state, **self._kept)

    def _keep(self, name: str, part: Any) -> Any:
        if name in self._kept:
            raise ValueError(f"{name} is in use; expected: a name that no other part of the run has")
        self._kept[name] = part
        return part
