"""Compose the config of each job of a sweep once, although Hydra, its launchers and our checks all ask for it."""

import pickle
from collections.abc import Callable, Sequence
from typing import Any

from omegaconf import DictConfig


class ComposeOnce:
    """Takes the place of a config loader's ``load_sweep_config`` and remembers its results.

    To compose a config takes Hydra 0.1 s, to copy one takes 1 ms. In another process a loader composes as Hydra does.
    """

    def __init__(self, compose: Callable[[DictConfig, list[str]], DictConfig]) -> None:
        self.compose = compose
        self.composed: dict[tuple[str, ...], bytes] = {}

    def __call__(self, master_config: DictConfig, sweep_overrides: Sequence[str]) -> DictConfig:
        """The config of a job. It is the caller's own copy."""
        key = tuple(sweep_overrides)
        if key not in self.composed:
            self.composed[key] = pickle.dumps(self.compose(master_config, list(sweep_overrides)))
        config: DictConfig = pickle.loads(self.composed[key])
        return config

    def __reduce__(self) -> str | tuple[Any, ...]:
        return self.compose.__reduce__()


def compose_once(loader: Any) -> None:
    """Have Hydra's config loader compose each job once; all that it composes are jobs of one sweep."""
    loader.load_sweep_config = ComposeOnce(loader.load_sweep_config)
