"""PPO with a KL penalty, fixed or adaptive (Schulman et al. 2017, section 4)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from algos.core.checkpoint import State
from algos.core.policy import Policy
from algos.core.reductions import batch_mean
from algos.core.rollout import Rollout
from algos.core.surrogate import mean_surrogate
from algos.epochs import EpochMethod


@dataclass(kw_only=True)
class PPOPenalty(EpochMethod):
    """Ascend E[r·Â] − β·KL(old‖new) for several epochs; then each seed's β follows its KL (eq. 8 and below).

    ``kl_coef`` is β at first. ``target_kl`` is d_targ in nats; None leaves β as it is. KL is the exact mean over the
    samples, not an estimate from the actions.
    """

    kl_coef: float
    target_kl: float | None
    num_seeds: int

    def __post_init__(self) -> None:
        # float64: β may be halved for a thousand iterations before it vanishes, and then could not be doubled
        self.kl_coefs = torch.full((self.num_seeds,), self.kl_coef, dtype=torch.float64)

    def state_dict(self) -> State:
        """Each seed's β ``[S]`` and the minibatch streams."""
        return {"kl_coef": self.kl_coefs.numpy()} | super().state_dict()

    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        self.kl_coefs = torch.tensor(state["kl_coef"])
        super().load_state_dict(state)

    def update(self, policy: Policy, rollout: Rollout, active: Tensor) -> dict[str, Tensor]:
        """``update_epochs`` passes for the active seeds; reports figures ``[S]``, the loss that of the last step."""
        old_params, kl_coef = policy.params.detach().clone(), self.kl_coefs
        for batch in self.epochs(rollout):
            with torch.no_grad():
                old = policy.distribution(batch.obs, old_params, active)
            new = policy.distribution(batch.obs, active=active)
            loss = kl_coef.to(old_params) * batch_mean(old.kl(new)) - mean_surrogate(new, batch)
            if self.ent_coef:
                loss = loss - self.ent_coef * batch_mean(new.entropy())
            policy.descend(loss, batch, active)
        if self.target_kl is not None:
            with torch.no_grad():
                kl = batch_mean(rollout.old.kl(policy.distribution(rollout.flat(rollout.obs))))
            self.kl_coefs = torch.where(active.cpu(), adapted(kl_coef, kl.cpu(), self.target_kl), kl_coef)
        return {
            "policy_loss": loss.detach(),
            "policy_steps": active * (self.update_epochs * self.num_minibatches),
            "kl_coef": kl_coef,
        }


def adapted(kl_coef: Tensor, kl: Tensor, target_kl: float) -> Tensor:
    """β ``[S]`` for the next iteration: halved where KL < d_targ/1.5, doubled where KL > 1.5·d_targ."""
    smaller, larger = kl < target_kl / 1.5, kl > 1.5 * target_kl
    return torch.where(smaller, kl_coef / 2, torch.where(larger, 2 * kl_coef, kl_coef))
