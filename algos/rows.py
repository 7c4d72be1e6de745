"""Several runs as the rows of one process: whether they fit together, and their joint config."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from algos.config import Config
from algos.per_row import MAY_DIFFER, Rows

OF_A_ROW = ("seed", "num_seeds")
"""The keys that determine the rows of a run."""


class RowsConfig(Config):
    """The config of several runs, which follow each other on the axis S. A setting in which they differ is a `Rows`."""

    rows: tuple[int, ...]

    @property
    def seeds(self) -> Sequence[int]:
        """The seed of each row. Several rows may have the same seed."""
        return self.rows


def common(config: Config) -> str:
    """A text that is equal for runs that can train in one process. It has all settings but seeds and numbers per row.

    Of a number per row it says whether there is one and whether it is zero, because code may branch on that.
    """
    return repr(_common(config, [name for name in Config.model_fields if name not in OF_A_ROW]))


def together(configs: Sequence[Config]) -> Config:
    """The joint config of runs with the same :func:`common`. For a single run it is the run's own."""
    if len(configs) == 1:
        return configs[0]
    counts = [config.num_seeds for config in configs]
    own = {name: _merged(name, configs, counts) for name in Config.model_fields if name not in OF_A_ROW}
    seeds = tuple(seed for config in configs for seed in config.seeds)
    return RowsConfig.model_construct(**own, seed=seeds[0], num_seeds=len(seeds), rows=seeds)


def numbers_per_row(section: BaseModel, prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield the numbers that may differ from row to row, with their dotted keys. Null is left out."""
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from numbers_per_row(value, f"{prefix}{name}.")
        elif _may_differ(field) and value is not None:
            yield f"{prefix}{name}", value


def _may_differ(field: FieldInfo) -> bool:
    return any(each is MAY_DIFFER for each in field.metadata)


def _common(section: BaseModel, names: Sequence[str] | None = None) -> Any:
    found: list[Any] = [type(section), section.model_extra]
    for name in type(section).model_fields if names is None else names:
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            value = _common(value)
        elif _may_differ(type(section).model_fields[name]) and value is not None:
            value = value != 0
        found.append((name, value))
    return found


def _merged(name: str, sections: Sequence[BaseModel], counts: Sequence[int]) -> Any:
    values = [getattr(section, name) for section in sections]
    first = values[0]
    if all(value == first for value in values):
        return first
    if isinstance(first, BaseModel):
        return first.model_copy(update={own: _merged(own, values, counts) for own in type(first).model_fields})
    return Rows(np.repeat(values, counts))
