"""Several passes over a rollout in minibatches, common to the variants that make them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from algos.core.checkpoint import State, collect_state, restore_state
from algos.core.rollout import Batch, Rollout
from algos.streams import Streams


@dataclass(kw_only=True)
class EpochMethod:
    """Base of the variants that make ``update_epochs`` passes of ``num_minibatches`` steps over a rollout.

    ``advantage_normalisation`` is over the ``rollout``, each ``minibatch``, or ``none``. ``recompute_advantages``,
    where given, estimates anew before every epoch but the first (Andrychowicz et al. 2021, section 3.5).
    """

    update_epochs: int
    num_minibatches: int
    advantage_normalisation: str
    ent_coef: float
    streams: Streams
    recompute_advantages: Callable[[Rollout], None] | None

    def state_dict(self) -> State:
        """The minibatch streams."""
        return collect_state(streams=self.streams)

    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        restore_state(state, streams=self.streams)

    def epochs(self, rollout: Rollout) -> Iterator[Batch]:
        """The minibatches of all passes; where there are several to a pass, each pass is shuffled anew."""
        whole = self._whole(rollout)
        num_samples = whole.log_probs.shape[1]
        shuffled = self.num_minibatches > 1
        permutations = self.streams.permutations(self.update_epochs, num_samples) if shuffled else None
        for epoch in range(self.update_epochs):
            if epoch > 0 and self.recompute_advantages is not None:
                self.recompute_advantages(rollout)
                whole = self._whole(rollout)
            permutation = None if permutations is None else permutations[:, epoch]
            for batch in whole.minibatches(permutation, self.num_minibatches):
                yield batch.normalised() if self.advantage_normalisation == "minibatch" else batch

    def _whole(self, rollout: Rollout) -> Batch:
        batch = rollout.batch()
        return batch.normalised() if self.advantage_normalisation == "rollout" else batch
