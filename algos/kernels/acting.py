"""Actions of an MLP's policy for environments that compiled code does not step. They equal those of a compiled rollout.

A row is one environment's observation. Its action depends only on the row and on its own seed's parameters.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple, Self

import numpy as np
from gymnasium import spaces
from numba import boolean, float64, from_dtype, int64, njit, types

from algos.kernels.rollout import _choose
from algos.kernels.row import row_outputs, transposed_outputs, widest_layer


class RowPolicy(NamedTuple):
    """The policies of S seeds, ready to act in E environments; see ``algos.kernels.rollout``."""

    seeds: np.ndarray  # [E] int64, the seed of each environment
    sizes: np.ndarray  # [layers] int64
    hyperbolic: bool
    params: np.ndarray  # [S, P]
    output_weights: np.ndarray  # [S, ...] of the last layer, as ``transposed_outputs`` gives them
    obs_mean: np.ndarray  # [S, D]
    obs_scale: np.ndarray  # [S, D]
    obs_clip: float
    std: np.ndarray  # [S, A]; [S, 0] for Discrete actions
    low: np.ndarray  # [A], bounds of the environments' actions
    high: np.ndarray

    def of(self, share: slice) -> Self:
        """The policy for a slice of the environments."""
        return self._replace(seeds=np.ascontiguousarray(self.seeds[share]))

    def act(self, obs: np.ndarray, noise: np.ndarray, actions: np.ndarray, clipped: np.ndarray) -> None:
        """Fill ``actions [E, A]`` for ``obs [E, D]``, and ``clipped [E, A]`` with the same actions within their bounds.

        ``noise [E, A]`` is standard normal for Box actions and uniform for Discrete actions. ``obs`` are not
        normalised, and have the dtype of the parameters.
        """
        _compiled(self.params.dtype)(
            self.seeds, self.sizes, self.hyperbolic, self.params, self.output_weights, self.obs_mean, self.obs_scale,
            self.obs_clip, self.std, self.low, self.high, obs, noise, actions, clipped,
        )  # fmt: skip


def row_policy(
    seeds: np.ndarray,
    sizes: Sequence[int],
    activation: str,
    params: np.ndarray,
    std: np.ndarray | None,
    space: spaces.Space,
    obs_mean: np.ndarray,
    obs_scale: np.ndarray,
    obs_clip: float,
) -> RowPolicy:
    """The policies with these parameters, ready to act.

    Args:
        seeds: [E], the seed of each environment.
        space: of one environment's actions.

    The other arguments are those of :func:`algos.kernels.rollout.rollout`.
    """
    num_seeds, dtype = len(params), params.dtype
    low, high = np.empty(0, dtype), np.empty(0, dtype)
    if isinstance(space, spaces.Box):
        low, high = space.low.astype(dtype), space.high.astype(dtype)
    deviations = np.empty((num_seeds, 0)) if std is None else std
    params, obs_mean, obs_scale, deviations = (
        np.ascontiguousarray(array, dtype) for array in (params, obs_mean, obs_scale, deviations)
    )
    layers = np.array(sizes)
    output_weights = np.stack([transposed_outputs(row, layers) for row in params])
    _compiled(dtype)  # compile here, or each worker process would
    return RowPolicy(
        seeds,
        layers,
        activation == "tanh",
        params,
        output_weights,
        obs_mean,
        obs_scale,
        obs_clip,
        deviations,
        low,
        high,
    )


def _act(  # type: ignore[no-untyped-def]
    seeds, sizes, hyperbolic, params, output_weights, obs_mean, obs_scale, obs_clip, std, low, high,
    obs, noise, actions, clipped,
):  # fmt: skip
    num_obs, num_outputs, widest = sizes[0], sizes[-1], widest_layer(sizes, params)
    x, other = np.empty(widest, params.dtype), np.empty(widest, params.dtype)
    for row in range(len(seeds)):
        s = seeds[row]
        for i in range(num_obs):
            x[i] = min(max((obs[row, i] - obs_mean[s, i]) / obs_scale[s, i], -obs_clip), obs_clip)
        outputs = row_outputs(params[s], sizes, hyperbolic, output_weights[s], x, other)
        if std.shape[1] == 0:
            actions[row, 0] = clipped[row, 0] = _choose(outputs, num_outputs, noise[row, 0])
        else:
            for i in range(num_outputs):
                actions[row, i] = outputs[i] + std[s, i] * noise[row, i]
                clipped[row, i] = min(max(actions[row, i], low[i]), high[i])


@cache
def _compiled(dtype: np.dtype) -> Callable[..., None]:
    """``_act`` for parameters of this dtype."""
    real: Any = from_dtype(dtype)
    table = real[:, ::1]
    signature = types.void(
        int64[::1], int64[::1], boolean, table, table, table, table, float64, table, real[::1], real[::1],
        table, table, table, table,
    )  # fmt: skip
    return njit(signature, cache=True, nogil=True)(_act)
