"""PPO's gradient steps with all minibatches of a pass, in one compiled loop.

Each seed makes all its steps before a thread takes the next one. So its parameters and the optimiser's state stay in
the cache, and threads wait for each other once in a pass. The steps have the bits of the same steps made one by one.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from algos.kernels.inner import inner
from algos.kernels.mlp import Array, CompiledMLP, gradient_block
from algos.kernels.optimisers import Arrays, adam_of_seed
from algos.kernels.parallel import for_each
from algos.kernels.policy_gradient import NUM_FIGURES, policy_gradient_task
from algos.kernels.threads import shared_out


class PolicyPart(NamedTuple):
    """What the policy's gradients need. Fields of samples are of M minibatches; see ``policy_gradient``."""

    network: CompiledMLP
    actions: Array  # [M, S, B, A]
    old_log_probs: Array  # [M, S, B]
    advantages: Array  # [M, S, B]
    spread: float | None
    lows: Array  # [S], bounds of r
    highs: Array
    ent_coefs: Array  # [S]


class ValuePart(NamedTuple):
    """What the critic's gradients need; see ``CompiledMLP.error_gradient``."""

    network: CompiledMLP
    targets: Array  # [M, S, B]
    old_values: Array  # [M, S, B], or [M, 0, 0] without clipping
    clips: Array  # [S]
    factors: Array  # [S]


class AdamPart(NamedTuple):
    """What the optimiser's steps need; see ``algos.kernels.optimisers``. The policy's parameters come first."""

    params: Arrays
    means: Arrays
    squares: Arrays
    steps: Arrays
    numbers: Arrays  # [S] each: the learning rate, ε, β1, β2, the bound on the norm


def steps(first: int, obs: Array, policy: PolicyPart, value: ValuePart | None, adam: AdamPart, active: Array) -> Array:
    """Make the steps with the minibatches from number ``first`` on of ``obs [M, S, B, D]``.

    Returns the sums over the samples of the last minibatch, ``[S, NUM_FIGURES]``. They are zero for seeds that are not
    ``active [S]``. Without a ``value`` part the policy alone is trained. A minibatch must be one block.
    """
    num_minibatches, num_seeds, batch = policy.advantages.shape
    seeds = active.nonzero()[0]
    dtype = obs.dtype
    figures = np.zeros((num_seeds, 1, NUM_FIGURES))
    grads = tuple([np.empty_like(params) for params in adam.params])
    parts = tuple([grad[:, None] for grad in grads])  # of one block
    networks = [policy.network] if value is None else [policy.network, value.network]
    multiply_adds = sum([3 * network.num_weights for network in networks]) * batch * seeds.size * num_minibatches
    nothing = np.empty(0, dtype)
    value_arguments = (
        None
        if value is None
        else (
            value.targets,
            value.old_values,
            value.clips,
            value.factors,
            value.network.sizes,
            value.network.relu,
            value.network.workspace(dtype),
            nothing,
            np.empty((num_seeds, 1)),
        )
    )
    with shared_out(seeds.size, multiply_adds):
        _steps_kernel(
            first, num_minibatches, seeds, obs, parts, figures,
            (
                policy.actions, policy.old_log_probs, policy.advantages, policy.spread, policy.lows, policy.highs,
                policy.ent_coefs, policy.network.sizes, policy.network.relu, policy.network.workspace(dtype),
            ),
            value_arguments,
            (adam.params, grads, adam.means, adam.squares, adam.steps, *adam.numbers, active),
        )  # fmt: skip
    return figures[:, 0]


@inner
def _steps_of_seed(i, first, stop, seeds, obs, parts, figures, policy, value, adam):  # type: ignore[no-untyped-def]
    actions, old_log_probs, advantages, spread, lows, highs, ent_coefs, sizes, relu, work = policy
    params, grads, means, squares, steps, rates, eps, beta1, beta2, max_norms, active = adam
    for m in range(first, stop):
        policy_gradient_task(
            i, params[0], obs[m], actions[m], old_log_probs[m], advantages[m], spread, lows, highs, ent_coefs,
            seeds, sizes, relu, work, parts[0], figures,
        )  # fmt: skip
        if value is not None:
            targets, old_values, clips, factors, value_sizes, value_relu, value_work, nothing, losses = value
            gradient_block(
                i, params[1], obs[m], targets[m].reshape(-1), True, old_values[m].reshape(-1), clips, factors,
                seeds, value_sizes, value_relu, value_work, nothing, parts[1], losses,
            )  # fmt: skip
        adam_of_seed(seeds[i], params, grads, means, squares, steps, rates, eps, beta1, beta2, max_norms, active)


@njit(cache=True, nogil=True)
def _steps_kernel(first, stop, seeds, obs, parts, figures, policy, value, adam):  # type: ignore[no-untyped-def]
    for_each(seeds.size, _steps_of_seed, (first, stop, seeds, obs, parts, figures, policy, value, adam))
