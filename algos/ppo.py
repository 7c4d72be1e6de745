"""Proximal policy optimisation with the clipped objective (Schulman et al. 2017, eq. 7)."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from algos.core.checkpoint import State, collect_state, restore_state
from algos.core.policy import Policy
from algos.core.reductions import batch_mean
from algos.core.rollout import Batch, Rollout
from algos.core.streams import Streams
from algos.core.surrogate import mean_clipped_surrogate


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
        self.clip_coef = math.inf if clip_coef is None else clip_coef
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
            loss, latest = self._loss(policy, batch, active)
            over = torch.zeros_like(active) if self.target_kl is None else latest["approx_kl"] > self.target_kl
            stepping = active if self.stop_after_step else active & ~over
            policy.descend(loss, batch, stepping)
            stats = {name: torch.where(active, value, stats.get(name, value)) for name, value in latest.items()}
            steps = steps + stepping
            active = active & ~over
        return {**stats, "policy_steps": steps}

    def _loss(self, policy: Policy, batch: Batch, active: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        distribution = policy.distribution(batch.obs, active=active)
        log_probs = distribution.log_prob(batch.actions)
        surrogate = mean_clipped_surrogate(log_probs, batch.log_probs, batch.advantages, self.clip_coef, active)
        loss = -surrogate.objective
        if self.ent_coef:
            loss = loss - self.ent_coef * batch_mean(distribution.entropy())
        return loss, {
            "policy_loss": loss.detach(),
            "approx_kl": getattr(surrogate, self.kl_estimator),
            "clip_fraction": surrogate.clip_fraction,
        }
