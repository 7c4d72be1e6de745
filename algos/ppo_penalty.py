"""PPO with a KL penalty, fixed or adaptive (Schulman et al. 2017, section 4)."""

import torch
from torch import Tensor

from algos.config import Rate
from algos.core.checkpoint import State
from algos.core.policy import Policy
from algos.core.reductions import batch_mean
from algos.core.run import Run
from algos.core.surrogate import mean_surrogate
from algos.core.transitions import Estimates, Stats, Transitions
from algos.epochs import Epochs, EpochSettings
from algos.per_row import PerRow, per_seed


class PPOPenalty:
    """Ascends E[r·Â] − β·KL(old‖new) for several epochs; then each seed's β follows its KL (eq. 8 and below).

    ``kl_coef`` is the initial β. ``target_kl`` is d_targ in nats; None keeps β fixed. KL is the exact mean over the
    samples, not an estimate from the actions.
    """

    class Settings(EpochSettings):
        kl_coef: PerRow[Rate]
        target_kl: PerRow[Rate | None]

    def __init__(self, settings: Settings, run: Run) -> None:
        self.settings = settings
        self.epochs = Epochs(settings, run)
        self.descent = run.descent(settings.optimiser)
        # float64: β may be halved for a thousand iterations before it vanishes, and then could not be doubled
        self.kl_coefs = torch.from_numpy(per_seed(settings.kl_coef, len(run.config.seeds)).copy())

    def state_dict(self) -> State:
        """Each seed's β ``[S]``."""
        return {"kl_coef": self.kl_coefs.numpy()}

    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        self.kl_coefs = torch.tensor(state["kl_coef"])

    def update(self, policy: Policy, transitions: Transitions, estimates: Estimates, active: Tensor) -> Stats:
        """``update_epochs`` passes for the active seeds; reports numbers ``[S]``, the loss that of the last step."""
        settings, kl_coef = self.settings, self.kl_coefs
        old_params = policy.params.detach().clone()
        penalties = kl_coef.to(old_params)
        for batch in self.epochs.minibatches(transitions, estimates):
            with torch.no_grad():
                old = policy.distribution(batch.obs, old_params, active)
            new = policy.distribution(batch.obs, active=active)
            loss = penalties * batch_mean(old.kl(new)) - mean_surrogate(new, batch)
            if settings.ent_coef:
                loss = loss - settings.ent_coef * batch_mean(new.entropy())
            self.descent.step(loss, batch, active)
        if settings.target_kl is not None:
            with torch.no_grad():
                kl = batch_mean(transitions.old.kl(policy.distribution(transitions.flat(transitions.obs))))
            self.kl_coefs = torch.where(active.cpu(), adapted(kl_coef, kl.cpu(), settings.target_kl), kl_coef)
        return {
            "policy_loss": loss.detach(),
            "policy_steps": active * (settings.update_epochs * settings.num_minibatches),
            "kl_coef": kl_coef,
            **self.epochs.stats,
        }


def adapted(kl_coef: Tensor, kl: Tensor, target_kl: float) -> Tensor:
    """β ``[S]`` for the next iteration: halved where KL < d_targ/1.5, doubled where KL > 1.5·d_targ."""
    smaller, larger = kl < target_kl / 1.5, kl > 1.5 * target_kl
    return torch.where(smaller, kl_coef / 2, torch.where(larger, 2 * kl_coef, kl_coef))
