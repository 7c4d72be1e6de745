"""Several passes over a rollout in minibatches, common to the variants that make them."""

from collections.abc import Iterator
from typing import Literal

from algos.config import Config, GradientSettings, NonNegative, Positive, check_minibatches
from algos.core.batches import Batch
from algos.core.estimators import explained_variance
from algos.core.run import Run
from algos.core.transitions import Estimates, Stats, Transitions
from algos.per_row import PerRow


class EpochSettings(GradientSettings):
    """Of a variant that makes ``update_epochs`` passes of ``num_minibatches`` steps over a rollout.

    ``advantage_normalisation`` is over the ``rollout``, each ``minibatch``, or ``none``. ``recompute_advantages``
    estimates anew before every epoch but the first (Andrychowicz et al. 2021, section 3.5).
    """

    update_epochs: Positive
    num_minibatches: Positive
    advantage_normalisation: Literal["none", "rollout", "minibatch"]
    recompute_advantages: bool
    ent_coef: PerRow[NonNegative]

    def check(self, config: Config) -> None:
        """See the base; only a joint critic moves between epochs."""
        check_minibatches("algo", self.num_minibatches, config)
        if self.recompute_advantages and not config.critic.joint:
            raise ValueError(
                "algo.recompute_advantages=True: this critic does not move between epochs; expected: critic=joint"
            )


class Epochs:
    """The minibatches of all passes over a rollout."""

    def __init__(self, settings: EpochSettings, run: Run) -> None:
        self.settings = settings
        self.critic = run.critic
        self.estimator = run.estimator
        self.streams = run.streams("policy_minibatches")
        self.stats: Stats = {}

    def minibatches(self, transitions: Transitions, estimates: Estimates) -> Iterator[Batch]:
        """Batch after batch; where there are several to a pass, each pass is shuffled anew.

        Where estimates are made anew, ``stats`` says how well the critic fits the latest.
        """
        self.stats = {}
        settings, whole = self.settings, self._whole(transitions, estimates)
        num_samples = whole.log_probs.shape[1]
        shuffled = settings.num_minibatches > 1
        permutations = self.streams.permutations(settings.update_epochs, num_samples) if shuffled else None
        for epoch in range(settings.update_epochs):
            if epoch > 0 and settings.recompute_advantages:
                estimates = self.estimator.estimate(transitions, self.critic)
                whole = self._whole(transitions, estimates)
                self.stats = {"explained_variance": explained_variance(transitions, estimates)}
            permutation = None if permutations is None else permutations[:, epoch]
            normalised = settings.advantage_normalisation == "minibatch"
            yield from whole.minibatches(permutation, settings.num_minibatches, normalised)

    def _whole(self, transitions: Transitions, estimates: Estimates) -> Batch:
        batch = Batch.of(transitions, estimates)
        return batch.normalised() if self.settings.advantage_normalisation == "rollout" else batch
