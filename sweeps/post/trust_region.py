"""The post's sketches of a trust region, computed along the natural gradient of a half-trained policy."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from algos.build import DTYPES, make_environments
from algos.config import Config
from algos.core.advantages import generalised_advantages
from algos.core.collector import Collector
from algos.core.critic import Critic
from algos.core.normalisation import RewardNormaliser
from algos.core.policy import Policy
from algos.core.reductions import batch_sum
from algos.core.stepping import make_stepping
from algos.core.transitions import Transitions
from algos.envs.batched import BatchedEnv
from algos.streams import Streams, environment_seeds
from algos.trust_region import conjugate_gradient, dot

MAX_KL, CG_ITERS, CG_DAMPING = 0.01, 10, 0.1
"""As in ``conf/algo/trpo.yaml``."""

BATCH_EPISODES = 64  # of 500 steps: about as many samples as the post's iteration


@dataclass(frozen=True)
class Episodes:
    """Whole episodes from their start: a rollout whose steps after each environment's first episode do not count."""

    rollout: Transitions
    discounts: np.ndarray  # γ^t where a step counts, else 0; [1, T, N]

    @property
    def returns(self) -> np.ndarray:
        """The discounted return of each episode ``[N]``."""
        return (self.discounts * self.rollout.rewards).sum(axis=1)[0]


def play(policy: Policy, config: Config, number: int, num_episodes: int) -> Episodes:
    """Episodes of ``policy``, one seed's; ``number`` makes them independent of others."""
    dtype = DTYPES[config.dtype][0]
    envs = make_environments(config.env, num_episodes)
    assert isinstance(envs, BatchedEnv)
    seeds = environment_seeds([number], num_episodes, "evaluation_environment")
    stepping = make_stepping(envs, seeds, 1, dtype, policy)
    streams = Streams([number], "evaluation_actions")
    true_rewards = RewardNormaliser(1, num_episodes, config.gamma, normalise=False, clip=None)
    rollout = Collector(stepping, envs.max_episode_steps, streams, dtype, true_rewards).collect(policy)
    over = np.cumsum(rollout.ended, axis=1) - rollout.ended > 0
    steps = np.arange(rollout.rewards.shape[1])[None, :, None]
    return Episodes(rollout, np.where(over, 0.0, config.gamma**steps))


def advantages_of(episodes: Episodes, critic: Critic, config: Config) -> np.ndarray:
    """Advantages ``[1, T, N]`` of a return that ends with the episode, whatever ends it."""
    rollout = episodes.rollout
    values, next_values = critic.values(rollout)
    ended = rollout.ended
    return generalised_advantages(rollout.rewards, values, next_values, ended, ended, config.gamma, config.gae_lambda)


class Surrogate:
    """L^IS − η(θ_old) and KL(old‖new) as functions of the parameters, from one batch of episodes.

    L^IS(θ) − η(θ_old) = E[Σ_t γ^t·(π_θ/π_old)·Â_t] over episodes of the old policy (Schulman et al. 2015, eqs. 3, 14);
    the advantages are centred, as their expectation under the old policy is zero.
    """

    def __init__(self, policy: Policy, critic: Critic, config: Config, number: int) -> None:
        episodes = play(policy, config, number, BATCH_EPISODES)
        self.policy, self.rollout = policy, episodes.rollout
        advantages = advantages_of(episodes, critic, config)
        counts = episodes.discounts > 0
        self.max_advantage = float(np.abs(advantages[counts]).max())
        mean = (episodes.discounts * advantages).sum() / episodes.discounts.sum()
        weights = episodes.discounts * (advantages - mean) / BATCH_EPISODES
        self.weights = self.rollout.flat(weights.astype(advantages.dtype))
        self.counts = self.rollout.flat(counts)
        self.obs = self.rollout.flat(self.rollout.obs)
        self.actions = self.rollout.flat(self.rollout.actions)

    def gain(self, params: Tensor) -> Tensor:
        """L^IS(params) − η(θ_old), ``[1]``; differentiable."""
        ratio = torch.exp(self.policy.distribution(self.obs, params).log_prob(self.actions) - self.rollout.log_probs)
        return batch_sum(ratio * self.weights)

    def kl(self, params: Tensor) -> np.ndarray:
        """KL(old‖params) in each state that was visited."""
        divergence = self.rollout.old.kl(self.policy.distribution(self.obs, params))
        return divergence[self.counts].numpy()

    def natural_step(self) -> Tensor:
        """√(2δ/xᵀFx)·x with x ≈ F⁻¹g: the step of TRPO before its line search, ``[1, P]``."""
        active = torch.ones(1, dtype=torch.bool)
        (gradient,) = torch.autograd.grad(self.gain(self.policy.params).sum(), self.policy.params)

        def product(vector: Tensor, active: Tensor) -> Tensor:
            fisher = self.policy.fisher_vector_product(self.obs, self.rollout.old, vector, active)
            return fisher + CG_DAMPING * vector

        with torch.no_grad():
            direction = conjugate_gradient(product, gradient, CG_ITERS, 0.0, active)
            curvature = dot(direction, product(direction, active))
            return torch.sqrt(2 * MAX_KL / curvature)[:, None] * direction


def along_natural_gradient(
    policy: Policy, critic: Critic, config: Config, multiples: np.ndarray, num_episodes: int
) -> pd.DataFrame:
    """At θ_old + multiple·step: performance with fresh episodes, surrogate, KL; one row per multiple.

    The step comes from one batch and the surrogate from another, so that the surrogate's slope is not flattered by
    having chosen the direction. Columns: multiple, eta, eta_error (standard error), surrogate_gain, mean_kl, max_kl,
    max_advantage, gamma.
    """
    old = policy.params.detach().clone()
    step = Surrogate(policy, critic, config, len(multiples)).natural_step()
    surrogate = Surrogate(policy, critic, config, len(multiples) + 1)
    rows = []
    with torch.no_grad():
        for number, multiple in enumerate(multiples):
            new = old + float(multiple) * step
            policy.params.copy_(new)
            returns = play(policy, config, number, num_episodes).returns
            kl = surrogate.kl(new)
            rows.append(
                {
                    "multiple": multiple,
                    "eta": returns.mean(),
                    "eta_error": returns.std(ddof=1) / np.sqrt(num_episodes),
                    "surrogate_gain": float(surrogate.gain(new)),
                    "mean_kl": kl.mean(),
                    "max_kl": kl.max(),
                    "max_advantage": surrogate.max_advantage,
                    "gamma": config.gamma,
                }
            )
        policy.params.copy_(old)
    return pd.DataFrame(rows)
