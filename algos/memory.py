"""Estimate of the memory that one row of a run takes."""

import math

import numpy as np

from algos.build import make_agents, make_environments
from algos.config import Config, LayersConfig
from algos.core.resources import Resources
from algos.envs.batched import BatchedEnv

ENVIRONMENT = 4_000_000
"""Bytes of an environment that is an object of its own; some simulators take more."""

COPIES = 12
"""Arrays with a number for each parameter: gradients, moments, checkpoints, the vectors of conjugate gradients."""


def bytes_per_row(config: Config) -> int:
    """Estimated bytes of one seed of a run: rollout, minibatches, activations, parameters, environments."""
    single = config.model_copy(update={"num_seeds": 1, "device": "cpu"})
    envs = make_environments(config.env, 1)
    policy, critic = make_agents(single, envs, Resources(single))
    observation = math.prod(envs.single_observation_space.shape or (1,))
    action = math.prod(envs.single_action_space.shape or (1,))
    batched = isinstance(envs, BatchedEnv)
    envs.close()
    number = np.dtype(config.dtype).itemsize
    parameters = policy.params.shape[1] + critic.params.shape[1]
    passes = [
        (getattr(part, "update_epochs", 1), getattr(part, "num_minibatches", 1))
        for part in (config.algo, config.critic)
    ]
    orders = max(epochs for epochs, _ in passes if epochs) * 8 if any(parts > 1 for _, parts in passes) else 0
    layers = sum(_width(section, parameters) for section in (config.policy, config.value))
    sample = number * (4 * observation + 3 * action + 16) + 8 * 8 + orders
    activations = 2 * number * layers * config.samples / min(parts for _, parts in passes)
    environments = config.num_envs * (4096 if batched else ENVIRONMENT)
    return int(config.samples * sample + activations + COPIES * number * parameters + environments)


def _width(section: object, parameters: int) -> float:
    """Activations per sample. For a module they are guessed from its parameters."""
    return sum(section.hidden) if isinstance(section, LayersConfig) else 4 * math.sqrt(parameters)
