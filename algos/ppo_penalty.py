"""PPO with a KL penalty, fixed or adaptive (Schulman et al. 2017, section 4)."""

from collections.abc import Callable

import torch
from torch import Tensor

from algos.core.checkpoint import State, collect_state, restore_state
from algos.core.policy import Policy
from algos.core.reductions import batch_mean
from algos.core.rollout import Rollout
from algos.core.streams import Streams
from algos.core.surrogate import mean_surrogate


class PPOPenalty:
    """Ascend E[r·Â] − β·KL(old‖new) for several epochs; then each seed's β follows its KL (eq. 8 and below).

    ``kl_coef`` is β at first. ``target_kl`` is d_targ in nats; None leaves β as it is. KL is the exact mean over the
    samples, not an estimate from the actions. ``recompute_advantages`` is as PPO's.
    """

    def __init__(
        self,
        kl_coef: float,
        target_kl: float | None,
        update_epochs: int,
        num_minibatches: int,
        advantage_normalisation: str,
        ent_coef: float,
        num_seeds: int,
        streams: Streams,
        recompute_advantages: Callable[[Rollout], None] | None,
    ) -> None:
        # float64: β may be halved for a thousand iterations before it vanishes, and then could not be doubled
        self.kl_coef = torch.full((num_seeds,), kl_coef, dtype=torch.float64)
        self.target_kl = target_kl
        self.update_epochs = update_epochs
        self.num_minibatches = num_minibatches
        self.advantage_normalisation = advantage_normalisation
        self.ent_coef = ent_coef
        self.streams = streams
        self.recompute_advantages = recompute_advantages

    def state_dict(self) -> State:
        """Each seed's β ``[S]`` and the minibatch streams."""
        return {"kl_coef": self.kl_coef.numpy()} | collect_state(streams=self.streams)

    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        self.kl_coef = torch.tensor(state["kl_coef"])
        restore_state(state, streams=self.streams)

    def update(self, policy: Policy, rollout: Rollout, active: Tensor) -> dict[str, Tensor]:
        """``update_epochs`` passes for the active seeds; reports figures ``[S]``, the loss that of the last step."""
        old_params, kl_coef = policy.params.detach().clone(), self.kl_coef
        for batch in rollout.epochs(
            self.update_epochs,
            self.num_minibatches,
            self.advantage_normalisation,
            self.streams,
            self.recompute_advantages,
        ):
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
            self.kl_coef = torch.where(active.cpu(), adapted(kl_coef, kl.cpu(), self.target_kl), kl_coef)
        return {
            "policy_loss": loss.detach(),
            "policy_steps": active * (self.update_epochs * self.num_minibatches),
            "kl_coef": kl_coef,
        }


def adapted(kl_coef: Tensor, kl: Tensor, target_kl: float) -> Tensor:
    """β ``[S]`` for the next iteration: halved where KL < d_targ/1.5, doubled where KL > 1.5·d_targ."""
    smaller, larger = kl < target_kl / 1.5, kl > 1.5 * target_kl
    return torch.where(smaller, kl_coef / 2, torch.where(larger, 2 * kl_coef, kl_coef))
