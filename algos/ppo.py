"""Proximal policy optimisation with the clipped objective (Schulman et al. 2017, eq. 7)."""

from collections.abc import Callable

import torch
from torch import Tensor

from algos.core.checkpoint import State, collect_state, restore_state
from algos.core.policy import Policy
from algos.core.rollout import Rollout
from algos.core.streams import Streams
from algos.core.surrogate import clipped_surrogate_loss


class PPO:
    """Ascend the clipped surrogate for several epochs; a seed stops when its KL exceeds ``target_kl``.

    ``clip_coef`` None is the unclipped objective E[r·Â] (eq. 6). ``kl_estimator`` is what ``target_kl`` is
    compared with, from the same forward pass as the step: ``log_ratio``, mean(log π_old − log π), or ``k3``,
    mean(r − 1 − log r) (Schulman 2020), whose variance is lower and which cannot be negative. A seed over the threshold
    skips the step, or makes it as its last where ``stop_after_step``. ``recompute_advantages``, where given, estimates
    anew before every epoch but the first (Andrychowicz et al. 2021, section 3.5).
    """

    def __init__(
        self,
        clip_coef: float | None,
        update_epochs: int,
        num_minibatches: int,
        advantage_normalisation: str,
        target_kl: float | None,
        kl_estimator: str,
        stop_after_step: bool,
        ent_coef: float,
        streams: Streams,
        recompute_advantages: Callable[[Rollout], None] | None,
    ) -> None:
        self.clip_coef = clip_coef
        self.update_epochs = update_epochs
        self.num_minibatches = num_minibatches
        self.advantage_normalisation = advantage_normalisation
        self.target_kl = target_kl
        self.kl_estimator = kl_estimator
        self.stop_after_step = stop_after_step
        self.ent_coef = ent_coef
        self.streams = streams
        self.recompute_advantages = recompute_advantages

    def state_dict(self) -> State:
        """The minibatch streams."""
        return collect_state(streams=self.streams)

    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        restore_state(state, streams=self.streams)

    def update(self, policy: Policy, rollout: Rollout, active: Tensor) -> dict[str, Tensor]:
        """Up to ``update_epochs`` passes for the active seeds; reports figures ``[S]`` of each seed's last step."""
        stats: dict[str, Tensor] = {}
        steps = torch.zeros_like(active, dtype=torch.int64)
        for batch in rollout.epochs(
            self.update_epochs,
            self.num_minibatches,
            self.advantage_normalisation,
            self.streams,
            self.recompute_advantages,
        ):
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
