"""Trained agents, rebuilt from a run's directory."""

from pathlib import Path

import torch

from algos.build import make_agents, make_environments
from algos.core.checkpoint import CheckpointError, unpack
from algos.core.critic import Critic
from algos.core.policy import Policy
from sweeps.checks import RunConfig, validate
from sweeps.errors import InputError
from sweeps.run_directory import CHECKPOINT, read_config


def load_agents(directory: Path, seeds: range) -> tuple[RunConfig, Policy, Critic]:
    """The policies and critics of ``seeds`` as the last checkpoint of a run has them, and the config of these seeds.

    Raises:
        InputError: there is no such run, it has no checkpoint yet, or other seeds.
    """
    config = validate({**read_config(directory), "resume": True})
    if not set(seeds) <= set(config.seeds):
        raise InputError(
            f"seed={', '.join(map(str, seeds))}: not in {directory}; allowed: {config.seeds[0]} to {config.seeds[-1]}"
        )
    path = directory / CHECKPOINT
    try:
        state, _ = unpack(path.read_bytes())
    except (OSError, CheckpointError) as error:
        raise InputError(f"{path}: cannot be read ({error}); allowed: the checkpoint that sweeps.train wrote") from None
    rows = [config.seeds.index(seed) for seed in seeds]
    own = config.model_copy(update={"seed": seeds.start, "num_seeds": len(seeds), "device": "cpu"})
    envs = make_environments(own.env, 1)
    policy, critic = make_agents(own, envs)
    envs.close()
    with torch.no_grad():
        policy.params.copy_(torch.from_numpy(state["policy.params"][rows]))
        critic.params.copy_(torch.from_numpy(state["critic.params"][rows]))
    return own, policy, critic
