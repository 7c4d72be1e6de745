"""Random streams: one for each (seed, purpose). The numbers of a seed never depend on the seeds beside it.

A purpose that is not in ``PURPOSES``, such as one of a user's variant, gets a number from its name: the first four
bytes of the SHA-256, with the highest bit set. So it differs from the numbers in ``PURPOSES``.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

# The numbers are part of the promise that a seed's bytes never change: append, never renumber.
PURPOSES = {
    "policy_init": 0,
    "critic_init": 1,
    "actions": 2,
    "policy_minibatches": 3,
    "critic_minibatches": 4,
    "environment": 5,
    "evaluation_environment": 6,
    "evaluation_actions": 7,
    "recording": 8,
}


def seed_sequence(seed: int, purpose: str, *index: int) -> np.random.SeedSequence:
    """The root of one stream. ``index`` numbers the streams of one purpose, such as one for each environment."""
    return np.random.SeedSequence(entropy=seed, spawn_key=(purpose_number(purpose), *index))


def purpose_number(purpose: str) -> int:
    """The number of a purpose. It never changes."""
    if purpose in PURPOSES:
        return PURPOSES[purpose]
    return int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:4]) | 1 << 31


def stream(seed: int, purpose: str, *index: int) -> np.random.Generator:
    """An independent generator for one seed and purpose."""
    return np.random.Generator(np.random.PCG64(seed_sequence(seed, purpose, *index)))


def environment_seeds(seeds: Sequence[int], num_envs: int, purpose: str = "environment") -> list[int]:
    """The seeds of the S * N sub-environments, seed-major: one 32-bit integer per (seed, environment index)."""
    return [
        int(seed_sequence(seed, purpose, index).generate_state(1)[0]) for seed in seeds for index in range(num_envs)
    ]


def evaluation_seeds(seeds: Sequence[int], num_episodes: int, num_envs: int) -> list[int]:
    """Seeds of the environments for evaluation, ``num_episodes`` for each seed, seed-major.

    None of them is one of the seed's ``num_envs`` training environments.
    """
    chosen = []
    for seed in seeds:
        trained = set(environment_seeds([seed], num_envs))
        words = seed_sequence(seed, "evaluation_environment").generate_state(num_episodes + num_envs)
        chosen += [int(word) for word in words if int(word) not in trained][:num_episodes]
    return chosen


def fresh_seeds(env_seeds: Sequence[int], num_rollouts: int) -> list[int]:
    """New seeds for sub-environments that restart after ``num_rollouts`` rollouts."""
    return [int(np.random.SeedSequence((seed, num_rollouts)).generate_state(1)[0]) for seed in env_seeds]


class Streams:
    """The generators of all seeds for one purpose; their states can be saved and restored."""

    def __init__(self, seeds: Sequence[int], purpose: str) -> None:
        self.generators = [stream(seed, purpose) for seed in seeds]

    def standard_normal(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """Standard normal numbers ``[S, *shape]``."""
        return np.stack([generator.standard_normal(shape, dtype=dtype) for generator in self.generators])

    def uniform(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """Uniform numbers in [0, 1) ``[S, *shape]``."""
        return np.stack([generator.random(shape, dtype=dtype) for generator in self.generators])

    def permutations(self, count: int, length: int) -> np.ndarray:
        """``count`` permutations of ``range(length)`` per seed ``[S, count, length]``."""
        rows = np.tile(np.arange(length), (count, 1))
        return np.stack([generator.permuted(rows, axis=1) for generator in self.generators])

    def state_dict(self) -> dict[str, np.ndarray]:
        """The states as unsigned 64-bit words ``[S, 6]``."""
        return {"pcg64": np.array([generator_words(generator) for generator in self.generators], dtype=np.uint64)}

    def load_state_dict(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a state of :meth:`state_dict`."""
        self.generators = [generator_from_words(words) for words in state["pcg64"]]


def generator_words(generator: np.random.Generator) -> list[int]:
    """The state of a PCG64 generator as unsigned 64-bit words."""
    state: Any = generator.bit_generator.state
    mask = (1 << 64) - 1
    value, increment = state["state"]["state"], state["state"]["inc"]
    return [value >> 64, value & mask, increment >> 64, increment & mask, state["has_uint32"], state["uinteger"]]


def generator_from_words(words: np.ndarray) -> np.random.Generator:
    """The generator whose state :func:`generator_words` gave."""
    high, low, inc_high, inc_low, has_uint32, uinteger = (int(word) for word in words)
    bits = np.random.PCG64()
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": high << 64 | low, "inc": inc_high << 64 | inc_low},
        "has_uint32": has_uint32,
        "uinteger": uinteger,
    }
    return np.random.Generator(bits)
