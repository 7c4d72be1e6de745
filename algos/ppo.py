"""Proximal policy optimisation with the clipped objective (Schulman et al. 2017, eq. 7)."""

from typing import Literal

from torch import Tensor

from algos.config import Config, Rate, Schedule
from algos.core.batches import Batch
from algos.core.policy import Policy
from algos.core.recorded import Step
from algos.core.run import Run
from algos.core.surrogate import clipped_surrogate_loss
from algos.core.transitions import Estimates, Stats, Transitions
from algos.epochs import Epochs, EpochSettings
from algos.per_row import PerRow


class PPO:
    """Ascends the clipped surrogate for several epochs. A seed stops when its KL exceeds ``target_kl``.

    With ``clip_coef`` None, the objective is the unclipped E[r·Â] (eq. 6). ``kl_estimator`` is compared with
    ``target_kl``; it comes from the same forward pass as the step. It is ``log_ratio``, mean(log π_old − log π), or
    ``k3``, mean(r − 1 − log r) (Schulman 2020), which has a lower variance and cannot be negative. A seed above the
    threshold skips the step; with ``stop_after_step`` it makes the step, as its last.
    """

    class Settings(EpochSettings):
        clip_coef: PerRow[Rate | None]
        clip_schedule: Schedule
        target_kl: PerRow[Rate | None]
        kl_estimator: Literal["k3", "log_ratio"]
        stop_after_step: bool

        def check(self, config: Config) -> None:
            super().check(config)
            if self.clip_schedule == "linear" and self.clip_coef is None:
                raise ValueError("algo.clip_schedule=linear: algo.clip_coef=None does not clip; expected: constant")

    def __init__(self, settings: Settings, run: Run) -> None:
        self.settings = settings
        self.epochs = Epochs(settings, run)
        self.descent = run.descent(settings.optimiser)
        self.clip_coef = settings.clip_coef
        if settings.clip_schedule == "linear":
            run.anneal(self, "clip_coef")

    def update(self, policy: Policy, transitions: Transitions, estimates: Estimates, active: Tensor) -> Stats:
        """Up to ``update_epochs`` passes for the active seeds; reports numbers ``[S]`` of each seed's last step."""
        target_kl, ent_coef = self.settings.target_kl, self.settings.ent_coef

        def step(batch: Batch, active: Tensor) -> Step:
            loss, ratio = clipped_surrogate_loss(policy, batch, self.clip_coef, ent_coef, active)
            kl = getattr(ratio, self.settings.kl_estimator)
            within = active if target_kl is None else active & ~(kl > target_kl)
            stepping = active if self.settings.stop_after_step else within
            self.descent.step(loss, batch, stepping)
            return Step(within, stepping, {"policy_loss": loss, "approx_kl": kl, "clip_fraction": ratio.clip_fraction})

        records = self.descent.can_record(policy)
        return self.epochs.run(step, transitions, estimates, active, stops=target_kl is not None, records=records)
