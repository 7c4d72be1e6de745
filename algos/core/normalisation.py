"""Normalisation of observations and rewards by running statistics of each seed, and clipping."""

import math

import numpy as np
from numba import njit

from algos.core.checkpoint import State, collect_state, restore_state
from algos.kernels.inner import inner
from algos.kernels.parallel import for_each
from algos.kernels.threads import shared_out
from algos.per_row import PerRow, per_seed

EPSILON = 1e-8  # added to a variance before its root, as in Gymnasium's wrappers and SB3's VecNormalize


class RunningMoments:
    """Mean and variance of all samples so far, each ``[S, D]`` float64 (Chan, Golub and LeVeque 1983).

    Before the first sample the mean is 0 and the variance 1.
    """

    def __init__(self, num_seeds: int, num_dimensions: int) -> None:
        self.mean = np.zeros((num_seeds, num_dimensions))
        self.variance = np.ones((num_seeds, num_dimensions))
        self.count = np.zeros(num_seeds)

    def update(self, samples: np.ndarray) -> None:
        """Include ``samples [S, B, D]``, except those of seeds with a value that is not finite."""
        new = samples.shape[1]
        with shared_out(len(samples), 10 * samples.size):
            mean, variance = _batch_moments(samples)
        good = np.isfinite(mean).all(1) & np.isfinite(variance).all(1)
        share = (new / (self.count + new))[:, None]
        shift = mean - self.mean
        variance = (1 - share) * self.variance + share * variance + share * (1 - share) * shift * shift
        self.mean = np.where(good[:, None], self.mean + share * shift, self.mean)
        self.variance = np.where(good[:, None], variance, self.variance)
        self.count += new * good

    @property
    def scale(self) -> np.ndarray:
        """The standard deviations ``[S, D]``, never 0."""
        return np.sqrt(self.variance + EPSILON)

    def state_dict(self) -> State:
        """The statistics."""
        return {"mean": self.mean, "variance": self.variance, "count": self.count}

    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        self.mean, self.variance, self.count = (state[name].copy() for name in ("mean", "variance", "count"))


@njit(cache=True, nogil=True)
def _batch_moments(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and population variance ``[S, D]`` of ``samples [S, B, D]``, added up in order of the samples."""
    num_seeds, _, num_dimensions = samples.shape
    mean, variance = np.zeros((num_seeds, num_dimensions)), np.zeros((num_seeds, num_dimensions))
    for_each(num_seeds, _moments_of_seed, (samples, mean, variance))
    return mean, variance


@inner
def _moments_of_seed(s: int, samples: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> None:
    num_samples, num_dimensions = samples.shape[1:]
    for b in range(num_samples):
        for d in range(num_dimensions):
            mean[s, d] += samples[s, b, d]
    for d in range(num_dimensions):
        mean[s, d] /= num_samples
    for b in range(num_samples):
        for d in range(num_dimensions):
            difference = samples[s, b, d] - mean[s, d]
            variance[s, d] += difference * difference
    for d in range(num_dimensions):
        variance[s, d] /= num_samples


class ObservationNormaliser:
    """Observations as the networks see them: clip((obs − mean) / scale, ±clip), in the networks' dtype.

    Each seed has its own mean and scale, over all observations of its environments. They change only after a rollout,
    so an update sees the observations as the policy did when it acted. They are 0 and 1 in the first rollout, and
    always without ``normalise``. With ``clip`` None nothing is clipped.
    """

    def __init__(
        self, num_seeds: int, num_obs: int, dtype: type[np.floating], normalise: bool, clip: float | None
    ) -> None:
        self.moments = RunningMoments(num_seeds, num_obs) if normalise else None
        self.mean = np.zeros((num_seeds, num_obs), dtype)
        self.scale = np.ones((num_seeds, num_obs), dtype)
        self.clip = math.inf if clip is None else clip

    def __call__(self, obs: np.ndarray, seeds: np.ndarray | None = None) -> np.ndarray:
        """The normalised ``obs [S, ..., D]``, or ``obs [K, D]`` of the ``seeds [K]`` (positions in S)."""
        if self.moments is None and math.isinf(self.clip):
            return obs
        mean, scale = (x if seeds is None else x[seeds] for x in (self.mean, self.scale))
        shape = (len(obs), *[1] * (obs.ndim - 2), obs.shape[-1])
        return clip_finite((obs - mean.reshape(shape)) / scale.reshape(shape), self.clip)

    def update(self, raw_obs: np.ndarray) -> None:
        """Include ``raw_obs [S, T, N, D]`` in the statistics."""
        if self.moments is not None:
            self.moments.update(raw_obs.reshape(len(raw_obs), -1, raw_obs.shape[-1]))
            self._take_moments()

    def state_dict(self) -> State:
        """The statistics, or nothing without ``normalise``."""
        return collect_state(moments=self.moments)

    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        if self.moments is not None:
            restore_state(state, moments=self.moments)
            self._take_moments()

    def _take_moments(self) -> None:
        assert self.moments is not None
        self.mean, self.scale = (x.astype(self.mean.dtype) for x in (self.moments.mean, self.moments.scale))


class RewardNormaliser:
    """Rewards as estimators see them: clip(r / std(G), ±clip).

    G_t = r_t + γ·G_{t−1} sums the rewards of the episode so far; older ones are discounted more. This is as in OpenAI's
    Baselines and SB3's VecNormalize (Engstrom et al. 2020, §3). The standard deviation is over all steps of a seed's
    environments so far, this rollout included; so a rollout has one scale. The mean is not subtracted. Without
    ``normalise`` the rewards are only clipped. With ``clip`` None they are not clipped.
    """

    def __init__(
        self, num_seeds: int, num_envs: int, gamma: PerRow[float], normalise: bool, clip: PerRow[float | None]
    ) -> None:
        self.gamma = per_seed(gamma, num_seeds)
        self.clip = clip
        self.moments = RunningMoments(num_seeds, 1) if normalise else None
        self.episode_return = np.zeros((num_seeds, num_envs))

    def __call__(self, rewards: np.ndarray, ended: np.ndarray) -> np.ndarray:
        """Normalise the ``rewards [S, T, N]`` of the next rollout. ``ended [S, T, N]`` marks the ends of episodes."""
        if self.moments is not None:
            running = _running_returns(rewards, ended, self.gamma, self.episode_return)
            self.moments.update(running.reshape(len(running), -1, 1))
            rewards = rewards / self.moments.scale[:, :, None]
        return rewards if self.clip is None else clip_finite(rewards, self.clip)

    def begin_episodes(self) -> None:
        """Begin an episode in all environments."""
        self.episode_return[:] = 0.0

    def state_dict(self) -> State:
        """The statistics and the sums of unfinished episodes, or nothing without ``normalise``."""
        if self.moments is None:
            return {}
        return {"episode_return": self.episode_return} | collect_state(moments=self.moments)

    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        if self.moments is not None:
            self.episode_return[:] = state["episode_return"]
            restore_state(state, moments=self.moments)


@njit(cache=True)
def _running_returns(
    rewards: np.ndarray, ended: np.ndarray, gamma: np.ndarray, episode_return: np.ndarray
) -> np.ndarray:
    """G_t = r_t + γ·G_{t−1} within each episode, ``[S, T, N]``. Continues from ``episode_return [S, N]`` in place."""
    running = np.empty_like(rewards)
    num_seeds, num_steps, num_envs = rewards.shape
    for s in range(num_seeds):
        for t in range(num_steps):
            for n in range(num_envs):
                running[s, t, n] = rewards[s, t, n] + gamma[s] * episode_return[s, n]
                episode_return[s, n] = 0.0 if ended[s, t, n] else running[s, t, n]
    return running


def clip_finite(x: np.ndarray, clip: PerRow[float]) -> np.ndarray:
    """``x`` clipped to ±clip. Infinities and NaN stay, because they must stop their seed."""
    return np.where(np.isfinite(x), np.clip(x, -clip, clip), x)
