"""Advantages and returns by compiled backward recursion over a rollout. Arrays are ``[S, T, N]``."""

import numpy as np
from numba import njit

from algos.per_row import PerRow, per_seed


def generalised_advantages(
    rewards: np.ndarray,
    values: np.ndarray,
    next_values: np.ndarray,
    terminated: np.ndarray,
    ended: np.ndarray,
    gamma: PerRow[float],
    gae_lambda: PerRow[float],
) -> np.ndarray:
    """GAE(γ, λ) (Schulman et al. 2016, eq. 16).

    δ_t = r_t + γ·(1 − terminated_t)·next_values_t − values_t and A_t = δ_t + γλ·(1 − ended_t)·A_{t+1}.

    ``next_values[t]`` is the value of the state that step t led to. At the end of an episode this is the state of its
    final observation, not of the first one of the next episode. ``ended`` cuts the trace; in textbooks it is
    ``terminated | truncated``.
    """
    factors = (per_seed(factor, len(rewards)) for factor in (gamma, gae_lambda))
    advantages: np.ndarray = _advantages(rewards, values, next_values, terminated, ended, *factors)
    return advantages


@njit(cache=True)
def _advantages(  # type: ignore[no-untyped-def]
    rewards, values, next_values, terminated, ended, gamma, gae_lambda
):
    advantages = np.empty_like(values)
    num_seeds, num_steps, num_envs = rewards.shape
    for s in range(num_seeds):
        for n in range(num_envs):
            trace = 0.0
            for t in range(num_steps - 1, -1, -1):
                following = 0.0 if terminated[s, t, n] else gamma[s] * next_values[s, t, n]
                delta = rewards[s, t, n] + following - values[s, t, n]
                trace = delta + (0.0 if ended[s, t, n] else gamma[s] * gae_lambda[s] * trace)
                advantages[s, t, n] = trace
    return advantages


def discounted_returns(
    rewards: np.ndarray, next_values: np.ndarray, terminated: np.ndarray, ended: np.ndarray, gamma: PerRow[float]
) -> np.ndarray:
    """Discounted rewards-to-go R_t = r_t + γ·R_{t+1}.

    The sum stops at the end of an episode and at the end of the rollout. There ``next_values`` bootstrap it, unless the
    episode terminated.
    """
    returns: np.ndarray = _returns(rewards, next_values, terminated, ended, per_seed(gamma, len(rewards)))
    return returns


@njit(cache=True)
def _returns(rewards, next_values, terminated, ended, gamma):  # type: ignore[no-untyped-def]
    returns = np.empty_like(next_values)
    num_seeds, num_steps, num_envs = rewards.shape
    for s in range(num_seeds):
        for n in range(num_envs):
            following = 0.0
            for t in range(num_steps - 1, -1, -1):
                if terminated[s, t, n]:
                    following = 0.0
                elif ended[s, t, n] or t == num_steps - 1:
                    following = next_values[s, t, n]
                following = rewards[s, t, n] + gamma[s] * following
                returns[s, t, n] = following
    return returns
