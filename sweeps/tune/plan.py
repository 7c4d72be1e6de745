"""The plan of a study: its variants, tasks, search spaces, seeds and budgets."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from analysis.tuning.space import Distribution, read_distribution
from sweeps.tune.options import Options
from sweeps.tune.spaces import with_settings

FORMAT = 1
GRID = "grid"
"""The ``sampler`` of a study whose trials are the runs of a sweep."""

GROWS = ("trials", "test_seeds", "presets")
"""Keys whose values may grow when a study continues."""

NOT_PLANNED = ("study", "launcher", "workers", "grid", "budget")


@dataclass(frozen=True)
class Cell:
    """A variant on a task: the config of its runs before any setting is chosen."""

    variant: str
    task: str
    content: dict[str, Any]

    @property
    def env_id(self) -> str:
        return str(self.content["env"]["id"])

    @property
    def name(self) -> str:
        return f"{self.variant} on {self.env_id}"


@dataclass(frozen=True)
class Plan:
    """The plan of a study; ``content`` is that of ``study.json``."""

    content: Mapping[str, Any]
    options: Options
    cells: list[Cell]

    @property
    def variants(self) -> list[str]:
        return list(self.options.algo)

    @property
    def tasks(self) -> list[str]:
        return list(self.options.env)

    @property
    def overrides(self) -> list[str]:
        return list(self.content["overrides"])

    @property
    def config_dir(self) -> str | None:
        found: str | None = self.content["config_dir"]
        return found

    @cached_property
    def spaces(self) -> dict[str, dict[str, Distribution]]:
        """The space of each variant."""
        return {
            variant: {key: read_distribution(entry, f"space.{variant}.{key}") for key, entry in space.items()}
            for variant, space in self.content["spaces"].items()
        }

    def budget(self, task: str) -> int:
        """Env steps of each seed of a task."""
        return int(self.content["budgets"][task])

    def cell(self, variant: str, task: str) -> Cell:
        return next(cell for cell in self.cells if (cell.variant, cell.task) == (variant, task))

    @property
    def tuning_seeds(self) -> range:
        """The seeds of every trial."""
        first, count = self.content["tuning_seeds"]
        return range(first, first + count)

    @property
    def fresh_seeds(self) -> range:
        """The seeds that winners are trained on."""
        return range(self.options.test_seed, self.options.test_seed + self.options.test_seeds)

    def run_content(self, cell: Cell, settings: Mapping[str, Any], seeds: range) -> dict[str, Any]:
        """The config of a run with these settings and seeds."""
        chosen = with_settings(cell.content, settings)
        rollout = chosen["num_envs"] * chosen["num_steps"]
        iterations = self.budget(cell.task) // rollout
        return chosen | {"seed": seeds.start, "num_seeds": len(seeds), "iterations": iterations, "resume": True}
