"""Which action spaces ``rescale_actions`` changes."""

import numpy as np
from gymnasium import spaces

from algos.envs.errors import TaskError


def box_to_rescale(env_id: str, space: spaces.Space) -> spaces.Box | None:
    """The Box onto which actions from [-1, 1] are mapped. None for discrete actions and for a Box of [-1, 1].

    Raises:
        TaskError: The Box has no bounds.
    """
    if not isinstance(space, spaces.Box) or (np.all(space.low == -1) and np.all(space.high == 1)):
        return None
    if not space.is_bounded():
        raise TaskError(f"{env_id} has actions {space} without bounds; expected: env.rescale_actions=False")
    return space
