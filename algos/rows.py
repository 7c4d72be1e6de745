"""Several runs as the rows of one: what they have in common, and the config of them all."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from algos.config import Config
from algos.per_row import MAY_DIFFER, Rows

OF_A_ROW = ("seed", "num_seeds")
"""Which rows a run has."""


class RowsConfig(Config):
    """Runs that train in one process, one after the other on the axis S; where they differ a setting is a `Rows`."""

    rows: tuple[int, ...]

    @property
    def seeds(self) -> Sequence[int]:
        """The seed of each row; one may occur in several runs."""
        return self.rows


def common(config: Config) -> str:
    """What runs have to agree in to train in one process, as a text: all but seeds and numbers per row.

    Of a number per row they agree in whether there is one, and whether it is zero: code may depend on that.
    """
    return repr(_common(config, [name for name in Config.model_fields if name not in OF_A_ROW]))


def together(configs: Sequence[Config]) -> Config:
    """The config of all rows of runs that have the same :func:`common`, in their order; a single run's is its own."""
    if len(configs) == 1:
        return configs[0]
    counts = [config.num_seeds for config in configs]
    own = {name: _merged(name, configs, counts) for name in Config.model_fields if name not in OF_A_ROW}
    seeds = tuple(seed for config in configs for seed in config.seeds)
    return RowsConfig.model_construct(**own, seed=seeds[0], num_seeds=len(seeds), rows=seeds)


def numbers_per_row(section: BaseModel, prefix: str = "") -> Iterator[tuple[str, float]]:
    """The settings of a run that may differ from row to row, by dotted key; not those that are null."""
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
