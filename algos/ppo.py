"""Proximal policy optimisation with the clipped objective (Schulman et al. 2017, eq. 7)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from algos.core.policy import Policy
from algos.core.rollout import Rollout
from algos.core.surrogate import clipped_surrogate_loss
from algos.epochs import EpochMethod


@dataclass(kw_only=True)
class PPO(EpochMethod):
    """Ascend the clipped surrogate for several epochs; a seed stops when its KL exceeds ``target_kl``.

    ``clip_coef`` None is the unclipped objective E[r·Â] (eq. 6). ``kl_estimator`` is what ``target_kl`` is
    compared with, from the same forward pass as the step: ``log_ratio``, mean(log π_old − log π), or ``k3``,
    mean(r − 1 − log r) (Schulman 2020), whose variance is lower and which cannot be negative. A seed over the threshold
    skips the step, or makes it as its last where ``stop_after_step``.
    """

    clip_coef: float | None
    target_kl: float | None
    kl_estimator: str
    stop_after_step: bool

    def update(self, policy: Policy, rollout: Rollout, active: Tensor) -> dict[str, Tensor]:
        """Up to ``update_epochs`` passes for the active seeds; reports figures ``[S]`` of each seed's last step."""
        stats: dict[str, Tensor] = {}
        steps = torch.zeros_like(active, dtype=torch.int64)
        for batch in self.epochs(rollout):
            if not active.any():
                break
            loss, figures = clipped_surrogate_loss(policy, batch, self.clip_coef, self.ent_coef, active)
            kl = getattr(figures, self.kl_estimator)
            over = torch.zeros_like(active) if self.target_kl is None else kl > self.target_kl
            stepping = active if self.stop_after_step else active & ~over
            policy.descend(loss, batch, stepping)
            latest = {"policy_loss": loss.detach(), "approx_kl": kl, "clip_fraction": figures.clip_fraction}
            stats = {name: torch.where(active, value, stats.get(name, value)) for name, value in latest.items()}
            steps = steps + stepping
            active = active & ~over
        return {**stats, "policy_steps": steps}
