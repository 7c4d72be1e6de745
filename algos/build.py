"""Builds the parts of a run from a validated config."""

import os
from typing import Any

import numba
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv

from algos.config import Config, EnvConfig, SharedConfig
from algos.core.collector import Collector
from algos.core.critic import Critic
from algos.core.evaluation import Evaluator, PeriodicEvaluation
from algos.core.loop import Trainer
from algos.core.network import Network
from algos.core.normalisation import ObservationNormaliser, RewardNormaliser
from algos.core.policy import CategoricalHead, GaussianHead, Head, Policy, SquashedHead, StateDependentGaussianHead
from algos.core.resources import Resources
from algos.core.run import Run
from algos.core.shared import OutputsOf
from algos.core.stepping import make_stepping
from algos.envs.errors import TaskError
from algos.envs.flat import observation_shape
from algos.envs.make import make_vec
from algos.envs.vector import SameStepVectorEnv
from algos.machine import usable_cores
from algos.networks import make_network
from algos.parts import PartError, find_class
from algos.per_row import per_seed
from algos.streams import environment_seeds

DTYPES: dict[str, tuple[Any, torch.dtype]] = {
    "float32": (np.float32, torch.float32),
    "float64": (np.float64, torch.float64),
}


def make_head(space: spaces.Space, spread: str, squash: str) -> Head:
    """The action distribution that fits an action space. ``spread`` and ``squash`` apply to Box actions."""
    if isinstance(space, spaces.Discrete):
        return CategoricalHead((int(space.n),))
    if isinstance(space, spaces.MultiDiscrete):
        return CategoricalHead(tuple(int(n) for n in space.nvec))
    assert isinstance(space, spaces.Box)
    num_actions = int(np.prod(space.shape))
    state_dependent = spread == "state_dependent"
    gaussian = StateDependentGaussianHead(num_actions) if state_dependent else GaussianHead(num_actions, spread)
    return SquashedHead(gaussian) if squash == "tanh" else gaussian


def make_agents(config: Config, envs: VectorEnv, resources: Resources) -> tuple[Policy, Critic]:
    """The policies and critics of all seeds.

    Raises:
        PartError: A module cannot be a network.
    """
    numpy_dtype, dtype = DTYPES[config.dtype]
    options: dict[str, Any] = {"dtype": dtype, "device": config.device}
    shape = observation_shape(envs.single_observation_space)
    seeds = config.seeds

    def network(key: str, num_outputs: int, purpose: str) -> tuple[Network, np.ndarray]:
        try:
            return make_network(getattr(config, key), shape, num_outputs, seeds, purpose, dtype, config.device)
        except PartError as error:
            raise PartError(f"{key}: {error}") from error

    head = make_head(envs.single_action_space, config.policy.spread, config.policy.squash)
    shared = isinstance(config.value, SharedConfig)
    policy_network, weights = network("policy", head.num_outputs + shared, "policy_init")
    initial = np.concatenate([weights, np.zeros((len(seeds), head.num_extra))], axis=1)
    initial[:, initial.shape[1] - head.num_spread :] += per_seed(config.policy.spread_init, len(seeds))[:, None]
    policy_params = torch.tensor(initial, **options).requires_grad_()
    if shared:
        value_network: Network = OutputsOf(policy_network, head.num_outputs, 1)
        policy_network, value_params = OutputsOf(policy_network, 0, head.num_outputs), policy_params
    else:
        value_network, values = network("value", 1, "critic_init")
        value_params = torch.tensor(values, **options).requires_grad_()

    normalisation = config.normalisation
    num_obs = int(np.prod(shape or (1,)))
    obs_normaliser = ObservationNormaliser(
        len(seeds), num_obs, numpy_dtype, normalise=normalisation.obs, clip=normalisation.obs_clip
    )
    critic_class: Any = find_class(config.critic.target)
    critic = critic_class(config.critic, value_network, value_params, resources)
    return Policy(policy_network, head, policy_params, obs_normaliser), critic


def make_environments(config: EnvConfig, num_envs: int) -> SameStepVectorEnv:
    """``num_envs`` copies of the task.

    Raises:
        TaskError: The task is unknown, or cannot be trained on.
    """
    return make_vec(
        config.id,
        num_envs,
        config.kwargs,
        config.vectorization,
        config.module,
        config.max_episode_steps,
        config.rescale_actions,
    )


def make_evaluator(config: Config, num_episodes: int) -> Evaluator:
    """The evaluator of the policies of all seeds.

    Raises:
        TaskError: An episode of the task may never end.
    """
    envs = make_environments(config.env, len(config.seeds) * num_episodes)
    if envs.max_episode_steps is None:
        raise TaskError(f"{config.env.id} has no time limit: an evaluation may not end; set env.max_episode_steps")
    return Evaluator(envs, config.seeds, num_episodes, config.num_envs)


def make_trainer(config: Config) -> Trainer:
    """The trainer of a run, ready to iterate. Sets the number of threads of PyTorch and Numba."""
    # Launchers that run several jobs at once set OMP_NUM_THREADS to each job's share of the cores.
    threads = config.threads or int(os.environ.get("OMP_NUM_THREADS") or usable_cores())
    torch.set_num_threads(threads)
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
    if torch.device(config.device).index is not None:  # kernels run on the current card
        torch.cuda.set_device(config.device)
    seeds = config.seeds
    resources = Resources(config)
    envs = make_environments(config.env, len(seeds) * config.num_envs)
    policy, critic = make_agents(config, envs, resources)
    dtype = DTYPES[config.dtype][0]
    reward_normaliser = RewardNormaliser(
        len(seeds),
        config.num_envs,
        config.gamma,
        normalise=config.normalisation.reward,
        clip=config.normalisation.reward_clip,
    )
    stepping = make_stepping(envs, environment_seeds(seeds, config.num_envs), len(seeds), dtype, policy)
    collector = Collector(stepping, config.num_steps, resources.streams("actions"), dtype, reward_normaliser)
    estimator_class: Any = find_class(config.estimator.target)
    run = Run(policy, critic, estimator_class(config.estimator, resources), resources)
    algorithm_class: Any = find_class(config.algo.target)
    evaluation = None
    if config.evaluation.interval is not None:
        evaluator = make_evaluator(config, config.evaluation.episodes)
        evaluation = PeriodicEvaluation(evaluator, config.evaluation.interval, config.iterations)
    return Trainer(run, collector, algorithm_class(config.algo, run), evaluation)
