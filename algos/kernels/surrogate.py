"""The clipped surrogate of PPO over a whole batch in one pass: its sum, its gradient and what is reported of it."""

import numpy as np
from numba import njit, prange

from algos.kernels.elementary import exp


@njit(cache=True, parallel=True, fastmath={"reassoc", "nsz"})
def clipped_surrogate_sums(
    log_probs: np.ndarray,
    old_log_probs: np.ndarray,
    advantages: np.ndarray,
    clip_coef: float,
    active: np.ndarray,
    sums: np.ndarray,
    slopes: np.ndarray,
) -> None:
    """For each active seed, sums over its samples and the slope of every sample; zeros for the others.

    ``log_probs, old_log_probs, advantages: [S, B]``. ``sums [S, 4]`` are those of min(r·Â, clip(r)·Â), r − 1 − log r,
    −log r, and of the samples with r outside 1 ± ε; ``slopes [S, B]`` are the first one's derivatives by log π.
    """
    for s in prange(log_probs.shape[0]):
        if not active[s]:
            sums[s] = 0.0
            slopes[s] = 0.0
            continue
        one = log_probs.dtype.type(1)
        low, high = one - log_probs.dtype.type(clip_coef), one + log_probs.dtype.type(clip_coef)
        objective, k3, log_ratios, outside = 0.0, 0.0, 0.0, 0.0
        for b in range(log_probs.shape[1]):
            log_ratio = log_probs[s, b] - old_log_probs[s, b]
            ratio = exp(log_ratio)
            advantage = advantages[s, b]
            whole = ratio * advantage
            clipped = min(max(ratio, low), high) * advantage
            slopes[s, b] = whole if whole <= clipped else 0.0
            objective += np.float64(min(whole, clipped))
            k3 += np.float64(ratio - one - log_ratio)
            log_ratios += np.float64(log_ratio)
            outside += 1.0 if ratio < low or ratio > high else 0.0
        sums[s, 0], sums[s, 1], sums[s, 2], sums[s, 3] = objective, k3, -log_ratios, outside
