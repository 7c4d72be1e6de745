"""Several passes over a rollout in minibatches, for the variants that make them."""

from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor

from algos.config import Config, GradientSettings, NonNegative, Positive, check_minibatches
from algos.core.batches import Batch
from algos.core.estimators import explained_variance
from algos.core.passes import CompiledPasses, MakeSteps, one_by_one
from algos.core.recorded import MakeStep, RecordedSteps, Step
from algos.core.run import Run
from algos.core.transitions import Estimates, Stats, Transitions
from algos.per_row import PerRow
from algos.rows import RowsConfig


class EpochSettings(GradientSettings):
    """Settings of a variant that makes ``update_epochs`` passes of ``num_minibatches`` steps over a rollout.

    ``advantage_normalisation`` is over the ``rollout``, each ``minibatch``, or ``none``. ``recompute_advantages``
    estimates advantages anew before every epoch but the first (Andrychowicz et al. 2021, section 3.5).
    """

    update_epochs: Positive
    num_minibatches: Positive
    advantage_normalisation: Literal["none", "rollout", "minibatch"]
    recompute_advantages: bool
    ent_coef: PerRow[NonNegative]

    def check(self, config: Config) -> None:
        """Check the size of minibatches, and that ``recompute_advantages`` has a joint critic."""
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
        self._one_run = not isinstance(run.config, RowsConfig)
        self._steps: RecordedSteps | None = None

    def run(
        self,
        step: MakeStep,
        transitions: Transitions,
        estimates: Estimates,
        active: Tensor,
        stops: bool,
        records: bool,
    ) -> Stats:
        """Call ``step(batch, active)`` for every minibatch. If steps can stop seeds, end when no seed is active.

        Args:
            step: makes one gradient step.
            transitions: the rollout.
            estimates: its first estimates.
            active: the seeds to update ``[S]``.
            stops: whether ``step`` can stop a seed.
            records: whether steps can be recorded; see :func:`algos.core.recorded.can_record`. Then later steps repeat
                the kernels that an early one called: in one compiled loop on the CPU
                (:class:`algos.core.passes.CompiledPasses`), as a graph on a CUDA device.

        Returns:
            The figures ``[S]`` of each seed's last step, and ``policy_steps``, the number of its steps.
        """
        reports = Reports()
        make = self.maker(step, active, stops, records)
        for minibatches in self.passes(transitions, estimates):
            for made in make(minibatches, active):
                reports.add(active, made)
                active = made.active
                if stops and not active.any():
                    return {**reports.stats(), **self.stats}
        return {**reports.stats(), **self.stats}

    def maker(self, step: MakeStep, active: Tensor, stops: bool, records: bool) -> MakeSteps:
        """What makes the steps of all minibatches of a pass; the arguments are those of :meth:`run`."""
        if records and active.is_cpu and not stops:
            return CompiledPasses(step)
        # A recording on a CUDA device cannot repeat the copy of settings that differ between rows from the CPU.
        if records and active.is_cuda and self._one_run:
            # It is kept until the next update, because its last replay may still run.
            self._steps = RecordedSteps(step)
            return one_by_one(self._steps)
        return one_by_one(step)

    def minibatches(self, transitions: Transitions, estimates: Estimates) -> Iterator[Batch]:
        """Yield the minibatches of all passes, one after the other."""
        for minibatches in self.passes(transitions, estimates):
            yield from minibatches

    def passes(self, transitions: Transitions, estimates: Estimates) -> Iterator[Sequence[Batch]]:
        """Yield the minibatches of each pass. Each pass has its own permutation, unless it is one batch.

        If advantages are recomputed, ``stats`` has the explained variance of the latest estimates.
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
            yield whole.minibatches(permutation, settings.num_minibatches, normalised)

    def _whole(self, transitions: Transitions, estimates: Estimates) -> Batch:
        batch = Batch.of(transitions, estimates)
        return batch.normalised() if self.settings.advantage_normalisation == "rollout" else batch


class Reports:
    """Collects each seed's figures of its last step, and the number of its steps."""

    def __init__(self) -> None:
        self.active: list[Tensor] = []
        self.stepping: list[Tensor] = []
        self.num_steps: list[int] = []
        self.figures: list[Stats] = []

    def add(self, active: Tensor, made: Step) -> None:
        """Add a step that the ``active [S]`` seeds evaluated."""
        self.active.append(active)
        self.stepping.append(made.stepping)
        self.num_steps.append(made.num_steps)
        self.figures.append({name: figure.detach() for name, figure in made.figures.items()})

    def stats(self) -> Stats:
        """Figures ``[S]`` of the last step that each seed evaluated, and its ``policy_steps``."""
        last = (torch.stack(self.active).sum(0) - 1).clamp(min=0)
        named = {name: torch.stack([step[name] for step in self.figures]) for name in self.figures[0]}
        num_steps = torch.tensor(self.num_steps, device=last.device)
        chosen = {name: every.gather(0, last[None])[0] for name, every in named.items()}
        return {**chosen, "policy_steps": (torch.stack(self.stepping) * num_steps[:, None]).sum(0)}
