"""From a validated config to the parts of a run."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import numba
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from torch import Tensor

from algos.a2c import A2C
from algos.config import (
    A2CConfig,
    AdamConfig,
    AnyCritic,
    AnyOptimiser,
    Config,
    EnvConfig,
    JointCriticConfig,
    NetworkConfig,
    NPGConfig,
    PostConfig,
    PPOConfig,
    PPOPenaltyConfig,
    ReinforceConfig,
    TRPOConfig,
)
from algos.core.collector import Collector
from algos.core.critic import Critic, JointCritic, SeparateCritic
from algos.core.estimators import TextbookEstimator
from algos.core.evaluation import Evaluator, PeriodicEvaluation
from algos.core.loop import Trainer
from algos.core.networks import MLP, init_orthogonal, init_torch_default
from algos.core.normalisation import ObservationNormaliser, RewardNormaliser
from algos.core.optimiser import Adam, Optimiser, RMSprop
from algos.core.policy import CategoricalHead, GaussianHead, Head, Policy, SquashedHead, StateDependentGaussianHead
from algos.core.post_estimator import PostEstimator
from algos.core.rollout import Rollout
from algos.core.stepping import make_stepping
from algos.envs.errors import TaskError
from algos.envs.make import make_vec
from algos.envs.vector import SameStepVectorEnv
from algos.machine import usable_cores
from algos.npg import NPG
from algos.ppo import PPO
from algos.ppo_penalty import PPOPenalty
from algos.reinforce import REINFORCE
from algos.streams import Streams, environment_seeds, stream
from algos.trpo import TRPO

DTYPES: dict[str, tuple[Any, torch.dtype]] = {
    "float32": (np.float32, torch.float32),
    "float64": (np.float64, torch.float64),
}


class Algorithm(Protocol):
    """A variant: how a policy moves after a rollout."""

    def update(self, policy: Policy, rollout: Rollout, active: Tensor) -> dict[str, Tensor]:
        """Update the active seeds of ``policy``; reports figures ``[S]``."""


def make_algorithm(config: Config, estimate: Callable[[Rollout], None] | None) -> Algorithm:
    """The variant that ``config.algo.name`` names; ``estimate`` is for one that recomputes advantages."""
    algo, seeds = config.algo, config.seeds
    elsewhere = ("name", "optimiser", "clip_schedule")
    settings = {name: getattr(algo, name) for name in type(algo).model_fields if name not in elsewhere}
    if "recompute_advantages" in settings:
        settings["recompute_advantages"] = estimate if settings["recompute_advantages"] else None
    match algo:
        case ReinforceConfig():
            return REINFORCE(**settings, gamma=config.gamma)
        case A2CConfig():
            return A2C(**settings)
        case PPOConfig():
            return PPO(**settings, streams=Streams(seeds, "policy_minibatches"))
        case PPOPenaltyConfig():
            return PPOPenalty(**settings, num_seeds=len(seeds), streams=Streams(seeds, "policy_minibatches"))
        case NPGConfig():
            return NPG(**settings)
        case TRPOConfig():
            return TRPO(**settings)


def make_optimiser(config: AnyOptimiser, params: Sequence[Tensor]) -> Optimiser:
    """The optimiser of ``params``; its schedule is the loop's business."""
    settings = {name: getattr(config, name) for name in type(config).model_fields if name not in ("name", "schedule")}
    return (Adam if isinstance(config, AdamConfig) else RMSprop)(params, **settings)


def make_head(space: spaces.Space, spread: str, squash: str) -> Head:
    """The action distribution that fits an action space; ``spread`` and ``squash`` are of Box actions."""
    if isinstance(space, spaces.Discrete):
        return CategoricalHead((int(space.n),))
    if isinstance(space, spaces.MultiDiscrete):
        return CategoricalHead(tuple(int(n) for n in space.nvec))
    assert isinstance(space, spaces.Box)
    num_actions = int(np.prod(space.shape))
    state_dependent = spread == "state_dependent"
    gaussian = StateDependentGaussianHead(num_actions) if state_dependent else GaussianHead(num_actions, spread)
    return SquashedHead(gaussian) if squash == "tanh" else gaussian


def initial_params(config: NetworkConfig, sizes: Sequence[int], seeds: Sequence[int], purpose: str) -> np.ndarray:
    """Initial parameters of every seed's network ``[S, P]``, float64."""
    if config.init == "torch":
        return np.stack([init_torch_default(sizes, stream(s, purpose), config.last_layer_scale) for s in seeds])
    gain = 2.0**0.5
    return np.stack([init_orthogonal(sizes, stream(s, purpose), gain, config.last_layer_scale) for s in seeds])


def make_critic(config: AnyCritic, network: MLP, params: Tensor, seeds: Sequence[int]) -> SeparateCritic | JointCritic:
    """The value functions, fitted as ``config.step`` says."""
    if isinstance(config, JointCriticConfig):
        return JointCritic(network, params, config.clip_coef, config.vf_coef)
    return SeparateCritic(
        network,
        params,
        config.clip_coef,
        make_optimiser(config.optimiser, [params]),
        config.update_epochs,
        config.num_minibatches,
        Streams(seeds, "critic_minibatches"),
    )


def make_agents(config: Config, envs: VectorEnv) -> tuple[Policy, Critic]:
    """The policies and critics of all seeds."""
    numpy_dtype, dtype = DTYPES[config.dtype]
    options: dict[str, Any] = {"dtype": dtype, "device": config.device}
    num_obs = int(np.prod(envs.single_observation_space.shape or (1,)))
    seeds = config.seeds

    head = make_head(envs.single_action_space, config.policy.spread, config.policy.squash)
    policy_network = MLP((num_obs, *config.policy.hidden, head.num_outputs), config.policy.activation)
    weights = initial_params(config.policy, policy_network.sizes, seeds, "policy_init")
    initial = np.concatenate([weights, np.zeros((len(seeds), head.num_extra))], axis=1)
    initial[:, initial.shape[1] - head.num_spread :] += config.policy.spread_init
    policy_params = torch.tensor(initial, **options).requires_grad_()

    value_network = MLP((num_obs, *config.value.hidden, 1), config.value.activation)
    values = initial_params(config.value, value_network.sizes, seeds, "critic_init")
    value_params = torch.tensor(values, **options).requires_grad_()

    critic = make_critic(config.critic, value_network, value_params, seeds)
    joint_loss = critic.loss if isinstance(critic, JointCritic) else None
    trained = [policy_params] if joint_loss is None else [policy_params, value_params]
    optimiser_config = getattr(config.algo, "optimiser", None)
    optimiser = None if optimiser_config is None else make_optimiser(optimiser_config, trained)
    normalisation = config.normalisation
    observations = ObservationNormaliser(
        len(seeds), num_obs, numpy_dtype, normalise=normalisation.obs, clip=normalisation.obs_clip
    )
    return Policy(policy_network, head, policy_params, optimiser, joint_loss, observations), critic


def make_estimator(config: Config) -> TextbookEstimator | PostEstimator:
    """How advantages and critic targets are computed."""
    if isinstance(config.estimator, PostConfig):
        return PostEstimator(config.gamma, config.gae_lambda, **config.estimator.model_dump(exclude={"name"}))
    return TextbookEstimator(config.gamma, config.gae_lambda)


def make_environments(config: EnvConfig, num_envs: int) -> SameStepVectorEnv:
    """``num_envs`` copies of the task.

    Raises:
        TaskError: the task is unknown, or not one that can be trained on.
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
    """Evaluates the policies of all seeds.

    Raises:
        TaskError: an episode of the task may never end.
    """
    envs = make_environments(config.env, len(config.seeds) * num_episodes)
    if envs.max_episode_steps is None:
        raise TaskError(f"{config.env.id} has no time limit: an evaluation may not end; set env.max_episode_steps")
    return Evaluator(envs, config.seeds, num_episodes, config.num_envs)


def make_trainer(config: Config) -> Trainer:
    """A run that is ready to iterate."""
    # Engines that run several jobs side by side tell each its share of the cores by OMP_NUM_THREADS.
    threads = config.threads or int(os.environ.get("OMP_NUM_THREADS") or usable_cores())
    torch.set_num_threads(threads)
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
    seeds = config.seeds
    envs = make_environments(config.env, len(seeds) * config.num_envs)
    policy, critic = make_agents(config, envs)
    dtype = DTYPES[config.dtype][0]
    stepping = make_stepping(envs, environment_seeds(seeds, config.num_envs), len(seeds), dtype, policy.head)
    collector = Collector(stepping, config.num_steps, Streams(seeds, "actions"), dtype)
    rewards = RewardNormaliser(
        len(seeds),
        config.num_envs,
        config.gamma,
        normalise=config.normalisation.reward,
        clip=config.normalisation.reward_clip,
    )
    estimator = make_estimator(config)
    estimate = partial(estimator.estimate, critic=critic) if isinstance(estimator, TextbookEstimator) else None
    algorithm = make_algorithm(config, estimate)
    schedules: list[tuple[Any, str]] = [
        (owner.optimiser, "learning_rate")  # type: ignore[union-attr]
        for owner, section in ((policy, config.algo), (critic, config.critic))
        if hasattr(section, "optimiser") and section.optimiser.schedule == "linear"
    ]
    if isinstance(config.algo, PPOConfig) and config.algo.clip_schedule == "linear":
        schedules.append((algorithm, "clip_coef"))
    evaluation = None
    if config.evaluation.interval is not None:
        evaluator = make_evaluator(config, config.evaluation.episodes)
        evaluation = PeriodicEvaluation(evaluator, config.evaluation.interval, config.iterations)
    return Trainer(
        seeds,
        config.iterations,
        collector,
        rewards,
        policy,
        critic,
        estimator,
        algorithm,
        schedules,
        evaluation,
    )
