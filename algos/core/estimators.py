"""Estimators: advantages and critic targets of a rollout."""

from torch import Tensor, nan, where

from algos.config import EstimatorSettings
from algos.core.advantages import generalised_advantages
from algos.core.critic import Critic
from algos.core.reductions import batch_mean
from algos.core.resources import Resources
from algos.core.transitions import Estimates, Transitions


class Estimator:
    """Base of the estimators; ``Class(settings, resources)`` makes one."""

    def estimate(self, transitions: Transitions, critic: Critic) -> Estimates:
        """The estimates with the critic as it is before the fit."""
        raise NotImplementedError

    def revise(self, transitions: Transitions, estimates: Estimates, critic: Critic) -> Estimates:
        """The estimates for the policy's update, after the critic was fitted. By default they are the same."""
        return estimates


class TextbookEstimator(Estimator):
    """GAE(γ, λ) advantages, and λ-returns as the critic's targets (Schulman et al. 2016, eq. 16).

    The end of an episode cuts the trace. Values bootstrap at truncations and at the end of the rollout, but not at
    terminations (Pardo et al. 2018).
    """

    class Settings(EstimatorSettings):
        pass

    def __init__(self, settings: Settings, resources: Resources) -> None:
        self.gamma = resources.config.gamma
        self.gae_lambda = resources.config.gae_lambda

    def estimate(self, transitions: Transitions, critic: Critic) -> Estimates:
        values, next_values = critic.values(transitions)
        advantages = generalised_advantages(
            transitions.rewards,
            values,
            next_values,
            transitions.terminated,
            transitions.ended,
            self.gamma,
            self.gae_lambda,
        )
        return Estimates(values, next_values, advantages, returns=advantages + values)


def explained_variance(transitions: Transitions, estimates: Estimates) -> Tensor:
    """Share ``[S]`` of the variance of the critic's targets that its values explain; NaN if that variance is 0."""
    returns, values = transitions.flat(estimates.returns), transitions.flat(estimates.values)
    residual = returns - values
    total = returns - batch_mean(returns)[:, None]
    variance = batch_mean(total * total)
    centred = residual - batch_mean(residual)[:, None]
    return where(variance > 0, 1 - batch_mean(centred * centred) / variance, nan)
