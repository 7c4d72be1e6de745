"""Tries the user's own parts in one small update before the first job, so that errors appear at once."""

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv

from algos.build import make_agents, make_environments
from algos.config import Config, ModuleConfig
from algos.core.loop import RESERVED
from algos.core.policy import Policy
from algos.core.resources import Resources
from algos.core.run import Run
from algos.core.transitions import Episodes, FlatTensors, Steps, Transitions
from algos.parts import PartError, find_class, is_ours

NUM_SEEDS = 2


class Rehearsals:
    """Tries the user's parts that a command names, each once."""

    def __init__(self) -> None:
        self.targets: dict[str, str] = {}  # by the name of a variant
        self.done: list[tuple[Any, ...]] = []

    def check(self, config: Config) -> None:
        """Check that the parts of a job work together. Parts of this repository are not tried.

        Raises:
            PartError: They do not, or two variants of one command have the same name.
        """
        algo = config.algo
        other = self.targets.setdefault(algo.name, algo.target)
        if other != algo.target:
            raise PartError(f"algo.name={algo.name!r}: taken by {other} in this sweep; expected: another name")
        parts = (algo, config.critic, config.estimator, config.env, config.policy, config.value)
        if has_foreign(config) and parts not in self.done:
            self.done.append(parts)
            envs = make_environments(config.env, 1)
            if has_foreign_parts(config):
                rehearse(config, envs)
            else:
                small = two_seeds(config)
                make_agents(small, envs, Resources(small))
            envs.close()


def rehearse(config: Config, envs: VectorEnv) -> None:
    """Estimate, fit and update once, with two seeds, on random transitions with the shapes of the task.

    Raises:
        PartError: A part fails, or does not report one number per seed.
    """
    small = two_seeds(config)
    part = "critic"
    try:
        resources = Resources(small)
        resources.streams("actions")  # the collector's
        policy, critic = make_agents(small, envs, resources)
        part = "estimator"
        estimator_class: Any = find_class(small.estimator.target)
        run = Run(policy, critic, estimator_class(small.estimator, resources), resources)
        transitions = made_up(small, policy, envs)
        active = torch.ones(NUM_SEEDS, dtype=torch.bool)
        estimates = run.estimator.estimate(transitions, critic)
        part = "critic"
        critic.fit(transitions, estimates, active)
        part = "algo"
        algorithm_class: Any = find_class(small.algo.target)
        algorithm = algorithm_class(small.algo, run)
        shape = policy.params.shape
        stats = algorithm.update(policy, transitions, run.estimator.revise(transitions, estimates, critic), active)
    except PartError:
        raise
    except Exception as error:
        raise PartError(f"{_label(config, part)}: fails in a rehearsal ({type(error).__name__}: {error})") from error
    label = _label(config, "algo")
    if not isinstance(stats, dict):
        raise PartError(f"{label}: update returns {type(stats).__name__}; expected: a dict of numbers [S] by name")
    for name, values in stats.items():
        found = list(getattr(values, "shape", ["none"]))
        if found != [NUM_SEEDS]:
            raise PartError(f"{label}: update reports {name} of shape {found}; expected: [S], one number a seed")
        if name in RESERVED:
            raise PartError(f"{label}: update reports {name}, which the run reports itself; expected: another name")
    if policy.params.shape != shape:
        raise PartError(f"{label}: update gives the parameters another shape; expected: to change them in place")


def made_up(config: Config, policy: Policy, envs: VectorEnv) -> Transitions:
    """Random transitions: normal observations and rewards, actions of the policy, some ends of episodes."""
    rng = np.random.default_rng(0)
    dtype = policy.params.detach().numpy().dtype
    shape = (config.num_seeds, config.num_steps, config.num_envs)
    space = envs.single_action_space
    num_obs = int(np.prod(envs.single_observation_space.shape or (1,)))
    draw = rng.standard_normal if isinstance(space, spaces.Box) else rng.random
    obs = rng.standard_normal((*shape, num_obs)).astype(dtype)
    noise = draw((shape[0], shape[1] * shape[2], int(np.prod(space.shape or (1,))))).astype(dtype)
    with torch.no_grad():
        old = policy.distribution(torch.from_numpy(obs).flatten(1, 2)).detach()
        actions = old.sample(torch.from_numpy(noise))
        log_probs = old.log_prob(actions)
    none, flat = np.zeros(shape[0], np.int64), FlatTensors(policy.params.device)
    steps = Steps(
        obs=obs,
        actions=actions.numpy().reshape(*shape, -1),
        rewards=rng.standard_normal(shape),
        terminated=rng.random(shape) < 0.02,
        truncated=np.zeros(shape, bool),
        last_obs=obs[:, 0],
        final_obs=obs[0, 0, :0],
        final_index=np.zeros((0, 3), np.int64),
        episodes=Episodes(none, none.astype(float), none),
    )
    return Transitions(steps, obs, steps.last_obs, steps.final_obs, steps.rewards, flat, old, log_probs)


def two_seeds(config: Config) -> Config:
    """The config of the run with two seeds."""
    return config.model_copy(update={"num_seeds": NUM_SEEDS, "device": "cpu"})


def has_foreign(config: Config) -> bool:
    """Whether a part of a run, or a network, comes from outside."""
    networks = [section for section in (config.policy, config.value) if isinstance(section, ModuleConfig)]
    return has_foreign_parts(config) or not all(is_ours(section.target) for section in networks)


def has_foreign_parts(config: Config) -> bool:
    """Whether a part that learns comes from outside. Networks are tried when made, other parts in an update."""
    sections = (config.algo, config.critic, config.estimator)
    sections += tuple(getattr(section, "optimiser", section) for section in sections)
    return not all(is_ours(section.target) for section in sections)


def _label(config: Config, part: str) -> str:
    return f"{part}._target_={getattr(config, part).target!r}"
