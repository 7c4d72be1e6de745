"""Environments that are stepped together. Importing this package registers the swing-up tasks with Gymnasium."""

import gymnasium as gym

from algos.envs.errors import TaskError
from algos.envs.make import make_vec
from algos.envs.registry import register
from algos.envs.task import OBSERVE, STEP, Task

__all__ = ["OBSERVE", "STEP", "Task", "TaskError", "make_vec", "register"]

for _version in ("v0", "v1"):
    gym.register(
        id=f"CartPoleSwingUp-{_version}",
        entry_point="algos.envs.swingup:CartPoleSwingUpEnv",
        vector_entry_point="algos.envs.swingup:batched",
        max_episode_steps=500,
        kwargs={"version": _version},
    )
