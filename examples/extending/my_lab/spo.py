"""Simple Policy Optimization (Xie et al. 2024, arXiv 2401.16025): PPO with a quadratic penalty in place of the clip.

A variant is one class. It has a nested ``Settings``, whose fields are the keys of its YAML, and an ``update``. Nothing
else in seedbed needs to know of it: ``conf/algo/spo.yaml`` names it by ``_target_``.
"""

import torch
from torch import Tensor

from algos.config import Rate
from algos.core.policy import Policy
from algos.core.reductions import batch_mean
from algos.core.run import Run
from algos.core.transitions import Estimates, Stats, Transitions
from algos.epochs import Epochs, EpochSettings
from algos.per_row import PerRow


class SPO:
    """Ascend E[r·Â − |Â|/(2ε)·(r − 1)²], r = π/π_old, whose maximum in r is at 1 ± ε."""

    # Types and ranges are checked before the first job. EpochSettings brings those of every method with several passes
    # over a rollout: update_epochs, num_minibatches, advantage_normalisation, recompute_advantages, ent_coef and
    # optimiser. PerRow: jobs of a sweep may differ in it and still train side by side (hydra/launcher=lockstep).
    class Settings(EpochSettings):
        epsilon: PerRow[Rate]

    # ``run`` gives what the variant needs: its seeds' minibatches, and steps down a loss. It saves them as well. A
    # tensor of your own that lives from iteration to iteration needs state_dict and load_state_dict: see PPOPenalty.
    def __init__(self, settings: Settings, run: Run) -> None:
        self.settings = settings
        self.epochs = Epochs(settings, run)
        self.descent = run.descent(settings.optimiser)

    # Every tensor leads with the seeds: ratios are [S, M], losses [S]. Never reduce over S, and the seeds stay apart.
    def update(self, policy: Policy, transitions: Transitions, estimates: Estimates, active: Tensor) -> Stats:
        """All passes for the active seeds."""
        for batch in self.epochs.minibatches(transitions, estimates):
            new = policy.distribution(batch.obs, active=active)
            ratio = torch.exp(new.log_prob(batch.actions) - batch.log_probs)
            penalty = batch.advantages.abs() / (2 * self.settings.epsilon) * (ratio - 1) ** 2
            loss = batch_mean(penalty - ratio * batch.advantages)
            if self.settings.ent_coef:
                loss = loss - self.settings.ent_coef * batch_mean(new.entropy())
            self.descent.step(loss, batch, active)
        deviation = batch_mean((ratio.detach() - 1).abs())
        return {"policy_loss": loss.detach(), "ratio_deviation": deviation, **self.epochs.stats}
