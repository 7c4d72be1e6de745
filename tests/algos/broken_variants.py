"""A variant that keeps every promise, and six that break one each on purpose."""

import torch
from torch import Tensor

from algos.config import GradientSettings, NonNegative
from algos.core.batches import Batch
from algos.core.policy import Policy
from algos.core.reductions import batch_mean
from algos.core.run import Run
from algos.core.transitions import Estimates, Stats, Transitions


class Faithful:
    """Advantage actor-critic with advantages that are weighed by 1 + ``bonus``."""

    class Settings(GradientSettings):
        bonus: NonNegative

    def __init__(self, settings: Settings, run: Run) -> None:
        self.settings = settings
        self.descent = run.descent(settings.optimiser)

    def update(self, policy: Policy, transitions: Transitions, estimates: Estimates, active: Tensor) -> Stats:
        batch = Batch.of(transitions, estimates)
        weights = self.weights(batch, active)
        loss = -batch_mean(policy.distribution(batch.obs, active=active).log_prob(batch.actions) * weights)
        self.descent.step(loss, batch, self.moving(active))
        return {"policy_loss": loss.detach()}

    def weights(self, batch: Batch, active: Tensor) -> Tensor:
        return (1 + self.settings.bonus) * batch.advantages

    def moving(self, active: Tensor) -> Tensor:
        return active


class MixesSeeds(Faithful):
    """Centres advantages over all seeds together."""

    def weights(self, batch: Batch, active: Tensor) -> Tensor:
        return super().weights(batch, active) - batch.advantages.mean()


class DrawsGlobally(Faithful):
    """Adds noise from PyTorch's own generator."""

    def weights(self, batch: Batch, active: Tensor) -> Tensor:
        return super().weights(batch, active) + 0.1 * torch.randn_like(batch.advantages)


class MovesStopped(Faithful):
    """Makes the step for every seed."""

    def moving(self, active: Tensor) -> Tensor:
        return torch.ones_like(active)


class Forgets(Faithful):
    """Centres advantages by a mean over the iterations, which it does not save."""

    def __init__(self, settings: Faithful.Settings, run: Run) -> None:
        super().__init__(settings, run)
        self.mean = torch.zeros(run.config.num_seeds)

    def weights(self, batch: Batch, active: Tensor) -> Tensor:
        self.mean = torch.where(active, 0.9 * self.mean + 0.1 * batch_mean(batch.advantages), self.mean)
        return super().weights(batch, active) - self.mean[:, None]


class IgnoresSetting(Faithful):
    """Has a setting that it never reads."""

    def weights(self, batch: Batch, active: Tensor) -> Tensor:
        return batch.advantages


class ClimbsDown(Faithful):
    """Has the sign of its loss wrong."""

    def weights(self, batch: Batch, active: Tensor) -> Tensor:
        return -super().weights(batch, active)
