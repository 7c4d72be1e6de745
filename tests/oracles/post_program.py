"""The post's A2C and PPO, one seed, written plainly from its description: the oracle of the faithful mode.

It shares no code with `algos`; `tests/speed` also times it, as the straightforward program. Everything random comes
from outside (initial parameters, action noise, environment seeds), so that another program fed the same numbers must
give the same results. Float64 throughout.

Axes: T steps, N environments, A action dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Literal

import gymnasium as gym
import numpy as np
import torch
from torch.distributions import Categorical, Distribution, MultivariateNormal, kl_divergence


@dataclass(frozen=True)
class Departures:
    """Where the post leaves the textbook (each default is the post's way); switch any of them alone.

    critic_target: "rewards_to_go" fits discounted sums of rewards, bootstrapped at the end of the rollout; "gae" fits
        unnormalised advantages plus values, both from the critic before fitting.
    values_after_fit: advantages from the forward pass before the last critic step; else from before any step.
    bootstrap_in_reward: the last reward keeps its bootstrap, in the TD errors and in `post_return`.
    cut_traces: the sum of TD errors stops where an episode ends.
    bootstrap_truncations: a time limit is no termination: the value of the final observation follows it.
    exact_kl: stop on the mean of KL(old || new) in closed form; else on the mean of log(old / new) of the actions.
    log_sigma_is_log_variance: exp(log_sigma) is the Gaussian's variance; else its standard deviation.
    """

    critic_target: Literal["rewards_to_go", "gae"] = "rewards_to_go"
    values_after_fit: bool = True
    bootstrap_in_reward: bool = True
    cut_traces: bool = False
    bootstrap_truncations: bool = False
    exact_kl: bool = False
    log_sigma_is_log_variance: bool = True


TEXTBOOK = Departures(
    critic_target="gae",
    values_after_fit=False,
    bootstrap_in_reward=False,
    cut_traces=True,
    bootstrap_truncations=True,
    exact_kl=True,
    log_sigma_is_log_variance=False,
)


@dataclass
class Iteration:
    """What one rollout and its updates gave. Arrays are [T, N]; parameters are lists of arrays as they came in."""

    post_return: float  # sum of rewards / number of episode ends; nan when no episode ended
    episodic_returns: list[float]  # true return of each episode that ended here, in order of time, then environment
    policy_steps: int
    approx_kl: float  # of the forward pass before the last policy step
    value_losses: list[float]
    policy_losses: list[float]
    actions: np.ndarray
    rewards: np.ndarray  # as the environments gave them
    returns: np.ndarray  # the critic's targets
    advantages: np.ndarray  # before normalisation
    normalized_advantages: np.ndarray
    policy_params: list[np.ndarray]
    critic_params: list[np.ndarray]
    rollout_seconds: float
    critic_seconds: float  # targets and advantages included
    policy_seconds: float


def network(params: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """Linear layers with ReLU between them; params = [W (in, out), b, W, b, ...]."""
    for W, b in zip(params[0:-2:2], params[1:-2:2], strict=True):
        x = torch.relu(x @ W + b)
    return x @ params[-2] + params[-1]


def predict(critic: Sequence[torch.Tensor], obs: np.ndarray) -> np.ndarray:
    """Values of observations [..., D]."""
    with torch.no_grad():
        return network(critic, torch.as_tensor(obs)).squeeze(-1).numpy()


def copies(params: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    return [p.detach().clone() for p in params]


class Policy:
    """Softmax over logits, or a Gaussian with diagonal covariance whose last parameter is log_sigma [A]."""

    def __init__(self, params: Sequence[np.ndarray], action_space: gym.Space, lr: float, log_variance: bool) -> None:
        self.params = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in params]
        self.discrete = isinstance(action_space, gym.spaces.Discrete)
        self.log_variance = log_variance
        self.optimiser = torch.optim.Adam(self.params, lr=lr)

    def distribution(self, obs: np.ndarray) -> Distribution:
        obs_tensor = torch.as_tensor(obs)
        if self.discrete:
            return Categorical(logits=network(self.params, obs_tensor))
        *layers, log_sigma = self.params
        variance = torch.exp(log_sigma) if self.log_variance else torch.exp(2 * log_sigma)
        return MultivariateNormal(network(layers, obs_tensor), torch.diag(variance))

    def act(self, obs: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Actions made of the given noise (normals [N, A], or uniforms [N] through the inverse CDF), and log-probs."""
        with torch.no_grad():
            pi = self.distribution(obs)
            if isinstance(pi, Categorical):
                exceeds = pi.probs.cumsum(-1) > torch.as_tensor(noise)[:, None]
                exceeds[:, -1] = True  # the sum may round to just below 1
                actions = exceeds.int().argmax(-1)
            else:
                actions = pi.mean + pi.stddev * torch.as_tensor(noise)
            return actions.numpy(), pi.log_prob(actions).numpy()


def discounted_sum(terms: np.ndarray, discounts: np.ndarray) -> np.ndarray:
    """result[t] = terms[t] + discounts[t] * result[t + 1]; nothing follows the last."""
    result = terms.copy()
    for t in reversed(range(len(terms) - 1)):
        result[t] += discounts[t] * result[t + 1]
    return result


def generalised_advantages(
    rewards: np.ndarray,
    values: np.ndarray,
    final_values: np.ndarray,
    dones: np.ndarray,
    gamma: float,
    gae_lambda: float,
    cut_traces: bool,
) -> np.ndarray:
    """Advantages [T, N] from values [T + 1, N] and, where an episode ended, the values of its final observation."""
    following = np.where(dones, final_values, values[1:])
    td_errors = rewards + gamma * following - values[:-1]
    trace = np.full_like(rewards, gamma * gae_lambda)
    return discounted_sum(td_errors, trace * ~dones if cut_traces else trace)


def train(
    envs: Sequence[gym.Env],
    env_seeds: Sequence[int],
    policy_params: Sequence[np.ndarray],
    critic_params: Sequence[np.ndarray],
    noise: Sequence[np.ndarray],
    *,
    algo: Literal["a2c", "ppo"],
    gamma: float,
    gae_lambda: float,
    policy_lr: float,
    critic_lr: float,
    critic_steps: int,
    policy_steps: int,
    clip_coef: float,
    target_kl: float,
    departures: Departures,
) -> list[Iteration]:
    """Trains one seed for len(noise) iterations; noise[i] is [T, N, A] normals, or [T, N] uniforms if discrete.

    The environments are reset with their seeds once, then only where an episode ends. A2C takes policy_steps=1 and
    reads neither clip_coef nor target_kl.
    """
    policy = Policy(policy_params, envs[0].action_space, policy_lr, departures.log_sigma_is_log_variance)
    critic = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in critic_params]
    critic_optimiser = torch.optim.Adam(critic, lr=critic_lr)

    obs = np.array([env.reset(seed=seed)[0] for env, seed in zip(envs, env_seeds, strict=True)], dtype=np.float64)
    running_returns = np.zeros(len(envs))
    iterations = []

    for iteration_noise in noise:
        started = perf_counter()
        T, N = iteration_noise.shape[:2]
        states = np.empty((T + 1, N, obs.shape[-1]))
        final_states = np.zeros((T, N, obs.shape[-1]))
        actions: list[np.ndarray] = []
        rewards, log_probs_old = np.empty((T, N)), np.empty((T, N))
        terminated, truncated = np.zeros((T, N), dtype=bool), np.zeros((T, N), dtype=bool)
        episodic_returns = []
        for t in range(T):
            states[t] = obs
            action, log_probs_old[t] = policy.act(obs, iteration_noise[t])
            actions.append(action)
            next_obs = np.empty_like(obs)
            for n, env in enumerate(envs):
                next_obs[n], rewards[t, n], terminated[t, n], truncated[t, n], _ = env.step(action[n])
                running_returns[n] += rewards[t, n]
                if terminated[t, n] or truncated[t, n]:
                    final_states[t, n] = next_obs[n]
                    next_obs[n] = env.reset()[0]
                    episodic_returns.append(float(running_returns[n]))
                    running_returns[n] = 0.0
            obs = next_obs
        states[T] = obs
        dones = terminated | truncated
        collected = perf_counter()

        bootstrapped = truncated & ~terminated if departures.bootstrap_truncations else np.zeros_like(dones)
        values, final_values = predict(critic, states), predict(critic, final_states) * bootstrapped
        following_last = np.where(dones[-1], final_values[-1], values[-1])
        bootstrapped_rewards = rewards.copy()
        bootstrapped_rewards[-1] += gamma * following_last
        own_rewards = bootstrapped_rewards if departures.bootstrap_in_reward else rewards

        if departures.critic_target == "rewards_to_go":
            terms = rewards + gamma * final_values
            terms[-1] = bootstrapped_rewards[-1]
            returns = discounted_sum(terms, gamma * ~dones)
        else:
            advantages_before_fit = generalised_advantages(
                own_rewards, values, final_values, dones, gamma, gae_lambda, departures.cut_traces
            )
            returns = advantages_before_fit + values[:-1]

        value_losses = []
        for _ in range(critic_steps):
            critic_before_last_step = copies(critic)
            predictions = network(critic, torch.as_tensor(states[:-1])).squeeze(-1)
            value_loss = torch.mean((predictions - torch.as_tensor(returns)) ** 2)
            critic_optimiser.zero_grad()
            value_loss.backward()
            critic_optimiser.step()
            value_losses.append(value_loss.item())
        if departures.values_after_fit:
            values = predict(critic_before_last_step, states)
            final_values = predict(critic_before_last_step, final_states) * bootstrapped

        advantages = generalised_advantages(
            own_rewards, values, final_values, dones, gamma, gae_lambda, departures.cut_traces
        )
        normalized = (advantages - advantages.mean()) / advantages.std()
        fitted = perf_counter()

        actions_tensor, advantages_tensor = torch.as_tensor(np.array(actions)), torch.as_tensor(normalized)
        old_log_probs = torch.as_tensor(log_probs_old)
        with torch.no_grad():
            old = policy.distribution(states[:-1])
        policy_losses = []
        for _ in range(policy_steps):
            new = policy.distribution(states[:-1])
            log_probs = new.log_prob(actions_tensor)
            if algo == "a2c":
                policy_loss = -torch.mean(log_probs * advantages_tensor)
            else:
                ratio = torch.exp(log_probs - old_log_probs)
                clipped = torch.where(
                    advantages_tensor > 0, ratio.clamp(max=1 + clip_coef), ratio.clamp(min=1 - clip_coef)
                )
                policy_loss = -torch.mean(clipped * advantages_tensor)
            kl = kl_divergence(old, new) if departures.exact_kl else old_log_probs - log_probs
            approx_kl = kl.mean().item()
            policy.optimiser.zero_grad()
            policy_loss.backward()
            policy.optimiser.step()
            policy_losses.append(policy_loss.item())
            if algo == "ppo" and approx_kl > target_kl:
                break
        improved = perf_counter()

        iterations.append(
            Iteration(
                post_return=float(own_rewards.sum() / dones.sum()) if dones.any() else float("nan"),
                episodic_returns=episodic_returns,
                policy_steps=len(policy_losses),
                approx_kl=approx_kl,
                value_losses=value_losses,
                policy_losses=policy_losses,
                actions=np.array(actions),
                rewards=rewards,
                returns=returns,
                advantages=advantages,
                normalized_advantages=normalized,
                policy_params=[p.numpy() for p in copies(policy.params)],
                critic_params=[p.numpy() for p in copies(critic)],
                rollout_seconds=collected - started,
                critic_seconds=fitted - collected,
                policy_seconds=improved - fitted,
            )
        )
    return iterations
