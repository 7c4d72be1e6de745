"""Load trained agents from the directory of a run."""

from pathlib import Path

import torch
from pydantic import ValidationError

from algos.build import make_agents, make_environments
from algos.config import Config
from algos.core.checkpoint import CheckpointError, unpack
from algos.core.critic import Critic
from algos.core.policy import Policy
from algos.core.resources import Resources
from analysis.run_format import CHECKPOINT, CONFIG, read_config, read_info
from sweeps.errors import InputError, one_line


def failed_seeds(directory: Path) -> list[int]:
    """The seeds of a run that failed. Their policies are lost.

    Raises:
        InputError: The ``run.json`` of the run cannot be read.
    """
    return [failure["seed"] for failure in read_info(directory)["failed_seeds"]]


def load_agents(directory: Path, seeds: range) -> tuple[Config, Policy, Critic]:
    """Load the policies and critics of ``seeds`` from the last checkpoint of a run, with the config of these seeds.

    Settings of how a run is kept are ignored.

    Raises:
        InputError: There is no such run, it has no checkpoint yet, or it has other seeds.
    """
    content = read_config(directory)
    try:
        config = Config.model_validate({key: content[key] for key in Config.model_fields})
    except (KeyError, ValidationError) as error:
        raise InputError(
            f"{directory / CONFIG}: {one_line(error)}; expected: the file that seedbed train wrote"
        ) from None
    if not set(seeds) <= set(config.seeds):
        raise InputError(
            f"seed={', '.join(map(str, seeds))}: not in {directory}; expected: {config.seeds[0]} to {config.seeds[-1]}"
        )
    path = directory / CHECKPOINT
    try:
        state, _ = unpack(path.read_bytes())
    except (OSError, CheckpointError) as error:
        raise InputError(f"{path}: cannot be read ({error}); expected: a run's checkpoint") from None
    rows = [config.seeds.index(seed) for seed in seeds]
    own = config.model_copy(update={"seed": seeds.start, "num_seeds": len(seeds), "device": "cpu"})
    envs = make_environments(own.env, 1)
    policy, critic = make_agents(own, envs, Resources(own))
    envs.close()
    with torch.no_grad():
        policy.params.copy_(torch.from_numpy(state["policy.params"][rows]))
        critic.params.copy_(torch.from_numpy(state["critic.params"][rows]))
    statistics = policy.obs_normaliser.state_dict()
    policy.obs_normaliser.load_state_dict({name: state[f"policy.obs_normaliser.{name}"][rows] for name in statistics})
    return own, policy, critic
