"""Parts of a vector environment in threads: the same steps as in one piece."""

from collections.abc import Iterator

import numpy as np
import pytest

from algos.envs import make_vec
from algos.envs.threads import ThreadedVectorEnv
from algos.envs.vector import SameStepVectorEnv
from algos.kernels.acting import RowPolicy, row_policy
from tests.envs.test_make import USER

SIZES = (2, 3, 1)
SEEDS = [5, 11, 5, 2, 8, 1]


class Unsendable:
    """An actor that acts for all environments at once."""

    def __init__(self, policy: RowPolicy) -> None:
        self.act = policy.act

    def of(self, share: slice) -> None:
        """None."""


@pytest.fixture
def threaded() -> Iterator[ThreadedVectorEnv]:
    envs = ThreadedVectorEnv([make_vec("CartPole-v1", size, {}, "sync", max_episode_steps=15) for size in SIZES])
    yield envs
    envs.close()


def policy(envs: SameStepVectorEnv) -> RowPolicy:
    """Two random policies, of the first four and of the last two environments."""
    params = np.random.default_rng(0).normal(size=(2, 10)).astype(np.float32)
    arrays = np.zeros((2, 4)), np.ones((2, 4)), np.inf
    return row_policy(np.array([0, 0, 0, 0, 1, 1]), (4, 2), "tanh", params, None, envs.single_action_space, *arrays)


@pytest.mark.parametrize("sendable", [True, False])
def test_parts_give_what_the_whole_gives(threaded: ThreadedVectorEnv, sendable: bool) -> None:
    whole = make_vec("CartPole-v1", 6, {}, "sync", max_episode_steps=15)
    noise = np.random.default_rng(1).random((80, 6, 1)).astype(np.float32)
    for envs in (threaded, whole):
        envs.reset(seed=SEEDS)
    actors = (policy(envs) if sendable else Unsendable(policy(envs)) for envs in (threaded, whole))
    ours, theirs = (envs.roll(actor, noise) for envs, actor in zip((threaded, whole), actors, strict=True))
    for name in ours._fields:
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)
    assert set(ours.final_index[:, 1]) == set(range(6))
    assert ours.terminated.any()
    actions = np.array([0, 1, 1, 0, 1, 0])
    for mine, other in zip(threaded.step(actions)[:4], whole.step(actions)[:4], strict=True):
        np.testing.assert_array_equal(mine, other)


def test_an_error_in_a_part_is_raised_here() -> None:
    envs = ThreadedVectorEnv([make_vec("user/Fragile-v0", 1, {}, "sync", module=USER) for _ in range(2)])
    envs.reset(seed=0)
    actions = np.zeros(2, int)
    for _ in range(9):
        envs.step(actions)
    with pytest.raises(RuntimeError, match="the tenth step"):
        envs.step(actions)
    envs.close()
