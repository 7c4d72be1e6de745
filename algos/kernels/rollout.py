"""Rollouts of batched environments in one compiled loop: network, action, step and reset, for all seeds.

Each seed is one task of a thread. Its results do not depend on other seeds or on the number of threads.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces
from numba import boolean, float64, from_dtype, int64, njit, types

from algos.envs.batched import BatchedEnv
from algos.envs.task import OBSERVE, STEP
from algos.kernels.elementary import exp
from algos.kernels.inner import inner
from algos.kernels.parallel import for_each
from algos.kernels.row import row_outputs, transposed_outputs, widest_layer


class Steps(NamedTuple):
    """The result of ``rollout``. Observations are not normalised.

    ``final_obs [K, D]`` are the last observations of the K episodes that were truncated without terminating, and
    ``final_index [K, 3]`` are their (s, t, n), sorted. Counts and sums are over the episodes that ended.
    """

    obs: np.ndarray  # [S, T, N, D]; floats have the parameters' dtype unless noted
    actions: np.ndarray  # [S, T, N, A] as sampled; [S, T, N, 1] int64 for Discrete
    rewards: np.ndarray  # [S, T, N] float64
    terminated: np.ndarray  # [S, T, N] bool
    truncated: np.ndarray  # [S, T, N] bool
    last_obs: np.ndarray  # [S, N, D]
    final_obs: np.ndarray
    final_index: np.ndarray  # int64
    episode_count: np.ndarray  # [S] int64
    return_sum: np.ndarray  # [S] float64
    length_sum: np.ndarray  # [S] int64


def rollout(
    envs: BatchedEnv,
    sizes: Sequence[int],
    activation: str,
    params: np.ndarray,
    std: np.ndarray | None,
    noise: np.ndarray,
    obs_mean: np.ndarray,
    obs_scale: np.ndarray,
    obs_clip: float,
    episode_return: np.ndarray,
) -> Steps:
    """Step the S * N sub-environments T times with a network's policy.

    The network sees clip((obs - obs_mean) / obs_scale, ±obs_clip). With mean 0, scale 1 and an infinite clip these are
    the observations, bit for bit. A Box action is mean + std * noise; the environment gets it clipped to the action
    space. A Discrete action is the first choice whose cumulative softmax probability exceeds the noise.

    Args:
        envs: S * N sub-environments, seed-major, already reset.
        sizes: (D, hidden..., outputs) of the network.
        activation: "relu" or "tanh", of the hidden layers.
        params: [S, P], layer after layer the weights [in, out] row-major, then the biases; float32 or float64.
        std: [S, A] for Box actions; None for Discrete.
        noise: [S, T, N, A] standard normal for Box, [S, T, N, 1] uniform in [0, 1) for Discrete; dtype of params.
        obs_mean: [S, D]
        obs_scale: [S, D], a standard deviation.
        obs_clip: a positive number.
        episode_return: [S, N] float64, returns so far of the running episodes; updated in place.
    """
    num_seeds, num_steps, num_envs = noise.shape[:3]
    num_obs, dtype = sizes[0], params.dtype
    space = envs.single_action_space
    if isinstance(space, spaces.Box):
        assert std is not None
        low, high = space.low.astype(dtype), space.high.astype(dtype)
    else:
        std, low, high = np.empty((num_seeds, 0), dtype), np.empty(0, dtype), np.empty(0, dtype)
    params, std, obs_mean, obs_scale = (
        np.ascontiguousarray(array, dtype) for array in (params, std, obs_mean, obs_scale)
    )
    by_seed = (num_seeds, num_envs)
    obs = np.empty((*noise.shape[:3], num_obs), dtype)
    actions = np.empty(noise.shape, dtype)
    rewards = np.empty(noise.shape[:3])
    terminated, truncated = np.empty(noise.shape[:3], np.bool_), np.empty(noise.shape[:3], np.bool_)
    episode_sums = np.zeros((num_seeds, 3))  # count, return, length
    # Room for a truncation at every step between two refills.
    room = envs.resets.shape[1] * num_envs
    final_count = np.empty(num_seeds, np.int64)
    final_place = np.empty((num_seeds, room, 2), np.int64)
    final_obs = np.empty((num_seeds, room, num_obs), dtype)
    places, observations = [], []

    run = _compiled(dtype)
    start = 0
    while start < num_steps:
        stop = min(num_steps, start + envs.steps_before_refill())
        run(
            envs.task.step, envs.task.observe, envs.max_episode_steps,
            envs.states.reshape(*by_seed, -1), envs.elapsed.reshape(by_seed),
            envs.resets.reshape(*by_seed, *envs.resets.shape[1:]), envs.resets_used.reshape(by_seed),
            np.array(sizes), activation == "tanh", params, obs_mean, obs_scale, obs_clip, std, low, high,
            noise, start, stop, obs, actions, rewards, terminated, truncated,
            episode_return, episode_sums, final_count, final_place, final_obs,
        )  # fmt: skip
        for s in np.flatnonzero(final_count):
            k = final_count[s]
            places.append(np.column_stack([np.full(k, s), final_place[s, :k]]))
            observations.append(final_obs[s, :k].copy())
        start = stop

    final_index = np.concatenate(places) if places else np.empty((0, 3), np.int64)
    order = np.lexsort(final_index.T[::-1])
    return Steps(
        obs=obs,
        actions=actions if isinstance(space, spaces.Box) else actions.astype(np.int64),
        rewards=rewards,
        terminated=terminated,
        truncated=truncated,
        last_obs=envs.observe().astype(dtype).reshape(*by_seed, num_obs),
        final_obs=(np.concatenate(observations) if places else np.empty((0, num_obs), dtype))[order],
        final_index=final_index[order],
        episode_count=episode_sums[:, 0].astype(np.int64),
        return_sum=episode_sums[:, 1],
        length_sum=episode_sums[:, 2].astype(np.int64),
    )


@inner
def _choose(logits, num_choices, uniform):  # type: ignore[no-untyped-def]
    """The first choice whose cumulative softmax probability exceeds ``uniform``."""
    largest = logits[0]
    for k in range(1, num_choices):
        largest = max(largest, logits[k])
    total = logits[0] * 0
    for k in range(num_choices):
        logits[k] = exp(logits[k] - largest)
        total += logits[k]
    cumulative = logits[0] * 0
    for k in range(num_choices - 1):
        cumulative += logits[k]
        if cumulative > uniform * total:
            return k
    return num_choices - 1


@inner
def _run_seed(  # type: ignore[no-untyped-def]
    step, observe, max_episode_steps, states, elapsed, resets, resets_used,
    sizes, hyperbolic, params, obs_mean, obs_scale, obs_clip, std, low, high,
    noise, start, stop, obs, actions, rewards, terminated, truncated,
    episode_return, episode_sums, final_place, final_obs,
):  # fmt: skip
    """Make the steps from ``start`` to ``stop`` of one seed. Arrays are those of ``rollout`` without the first axis.

    Adds number, returns and lengths of the episodes that ended to ``episode_sums``. Returns the number of episodes that
    were truncated without terminating.
    """
    num_envs, num_obs, num_outputs = len(states), sizes[0], sizes[-1]
    observation = np.empty(num_obs, np.float32)
    widest = widest_layer(sizes, params)
    x, other = np.empty(widest, params.dtype), np.empty(widest, params.dtype)
    output_weights = transposed_outputs(params, sizes)
    action = np.empty(num_outputs)
    finals = 0
    for t in range(start, stop):
        for n in range(num_envs):
            observe(states[n], observation)
            for i in range(num_obs):
                obs[t, n, i] = observation[i]
                x[i] = min(max((obs[t, n, i] - obs_mean[i]) / obs_scale[i], -obs_clip), obs_clip)
            outputs = row_outputs(params, sizes, hyperbolic, output_weights, x, other)
            if len(std) == 0:
                action[0] = _choose(outputs, num_outputs, noise[t, n, 0])
                actions[t, n, 0] = action[0]
            else:
                for i in range(num_outputs):
                    actions[t, n, i] = outputs[i] + std[i] * noise[t, n, i]
                    action[i] = np.float32(min(max(actions[t, n, i], low[i]), high[i]))
            rewards[t, n], terminated[t, n] = step(states[n], action)
            elapsed[n] += 1
            episode_return[n] += rewards[t, n]
            truncated[t, n] = elapsed[n] >= max_episode_steps
            if terminated[t, n] or truncated[t, n]:
                if not terminated[t, n]:
                    observe(states[n], observation)
                    for i in range(num_obs):
                        final_obs[finals, i] = observation[i]
                    final_place[finals, 0], final_place[finals, 1] = t, n
                    finals += 1
                episode_sums[0] += 1
                episode_sums[1] += episode_return[n]
                episode_sums[2] += elapsed[n]
                episode_return[n] = 0.0
                elapsed[n] = 0
                for i in range(states.shape[1]):
                    states[n, i] = resets[n, resets_used[n], i]
                resets_used[n] += 1
    return finals


@inner
def _run_task(  # type: ignore[no-untyped-def]
    s, max_episode_steps, step, observe, states, elapsed, resets, resets_used,
    sizes, hyperbolic, params, obs_mean, obs_scale, obs_clip, std, low, high,
    noise, start, stop, obs, actions, rewards, terminated, truncated,
    episode_return, episode_sums, final_count, final_place, final_obs,
):  # fmt: skip
    final_count[s] = _run_seed(
        step, observe, max_episode_steps, states[s], elapsed[s], resets[s], resets_used[s],
        sizes, hyperbolic, params[s], obs_mean[s], obs_scale[s], obs_clip, std[s], low, high,
        noise[s], start, stop, obs[s], actions[s], rewards[s], terminated[s], truncated[s],
        episode_return[s], episode_sums[s], final_place[s], final_obs[s],
    )  # fmt: skip


def _run(  # type: ignore[no-untyped-def]
    step, observe, max_episode_steps, states, elapsed, resets, resets_used,
    sizes, hyperbolic, params, obs_mean, obs_scale, obs_clip, std, low, high,
    noise, start, stop, obs, actions, rewards, terminated, truncated,
    episode_return, episode_sums, final_count, final_place, final_obs,
):  # fmt: skip
    # Numba warns of a tuple whose first element is a function.
    for_each(len(states), _run_task, (
        max_episode_steps, step, observe, states, elapsed, resets, resets_used,
        sizes, hyperbolic, params, obs_mean, obs_scale, obs_clip, std, low, high,
        noise, start, stop, obs, actions, rewards, terminated, truncated,
        episode_return, episode_sums, final_count, final_place, final_obs,
    ))  # fmt: skip


@cache
def _compiled(dtype: np.dtype) -> Callable[..., None]:
    """``_run`` for parameters of this dtype."""
    # Without a declared signature, each process would give a task's ``step`` a new type and compile again.
    real: Any = from_dtype(dtype)
    signature = types.void(
        types.FunctionType(STEP), types.FunctionType(OBSERVE), int64,
        float64[:, :, ::1], int64[:, ::1], float64[:, :, :, ::1], int64[:, ::1],
        int64[::1], boolean, real[:, ::1], real[:, ::1], real[:, ::1], float64, real[:, ::1], real[::1], real[::1],
        real[:, :, :, ::1], int64, int64, real[:, :, :, ::1], real[:, :, :, ::1], float64[:, :, ::1],
        boolean[:, :, ::1], boolean[:, :, ::1],
        float64[:, ::1], float64[:, ::1], int64[::1], int64[:, :, ::1], real[:, :, ::1],
    )  # fmt: skip
    return njit(signature, cache=True, nogil=True)(_run)
