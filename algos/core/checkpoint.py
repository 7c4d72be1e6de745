"""Checkpoints: a run's state as bytes and back, in the safetensors format, which holds data and no code."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save
from torch import Tensor

State = dict[str, np.ndarray]
"""Arrays by dotted name, such as ``policy.optimiser.mean0``."""


class CheckpointError(ValueError):
    """A checkpoint is damaged, or belongs to a run of another kind."""


def collect_state(**parts: Any) -> State:
    """The states of ``parts``, by name. A part without ``state_dict`` (or None) has none."""
    return {
        f"{name}.{key}": value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
        for name, part in parts.items()
        if hasattr(part, "state_dict")
        for key, value in part.state_dict().items()
    }


def restore_state(state: State, **parts: Any) -> None:
    """Gives each part the state that :func:`collect_state` took from it."""
    for name, part in parts.items():
        if hasattr(part, "load_state_dict"):
            prefix = f"{name}."
            part.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})


def share(state: State, rows: slice, num_rows: int) -> State:
    """The state of some of the ``num_rows`` rows of a process.

    Arrays lead with the rows, or with equally many entries for each row.
    """
    return {
        name: value[_scaled(rows, len(value) // num_rows)] if _of_rows(value, num_rows) else value
        for name, value in state.items()
    }


def joined(states: Sequence[State]) -> State:
    """The state of the rows of several states, each of one run alone or a :func:`share`.

    Raises:
        CheckpointError: They are not of the same kind, or not of the same iteration.
    """
    first, *others = states
    for other in others:
        if first.keys() != other.keys():
            raise CheckpointError(f"{min(first.keys() ^ other.keys())} is not part of every run")
    whole = {}
    for name, value in first.items():
        parts = [state[name] for state in states]
        if any(part.shape[1:] != value.shape[1:] or part.ndim != value.ndim for part in parts):
            raise CheckpointError(f"{name} has several shapes: {', '.join(str(list(part.shape)) for part in parts)}")
        if value.ndim == 0 and any(part != value for part in parts):
            raise CheckpointError(f"{name} is not the same in all runs")
        whole[name] = np.concatenate(parts) if value.ndim and others else value
    return whole


def _of_rows(value: np.ndarray, num_rows: int) -> bool:
    return value.ndim > 0 and len(value) > 0 and len(value) % num_rows == 0


def _scaled(rows: slice, factor: int) -> slice:
    return slice(rows.start * factor, rows.stop * factor)


def pack(state: State, facts: Mapping[str, Any]) -> bytes:
    """``state`` and JSON-able ``facts`` as one safetensors file."""
    return save({name: np.asarray(value, order="C") for name, value in state.items()}, {"facts": json.dumps(facts)})


def unpack(data: bytes) -> tuple[State, dict[str, Any]]:
    """The state and facts that :func:`pack` was given.

    Raises:
        CheckpointError: The bytes are not a whole checkpoint.
    """
    try:
        state = load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        facts = json.loads(header["__metadata__"]["facts"])
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"truncated, or not a checkpoint ({error})") from None
    if not isinstance(facts, dict):
        raise CheckpointError("not a checkpoint (its facts are no mapping)")
    return state, facts


def check_fits(state: State, own: State) -> None:
    """Checks that the arrays of a state are those of ``own``.

    Raises:
        CheckpointError: An array is missing, unknown, or of another shape or type; the message names it.
    """
    for name in sorted(state.keys() ^ own.keys()):
        raise CheckpointError(f"{name} is {'missing' if name in own else 'not part of this run'}")
    for name, value in own.items():
        found = state[name]
        if (found.shape, found.dtype) != (value.shape, value.dtype):
            raise CheckpointError(
                f"{name} is {found.dtype} {list(found.shape)}, this run's is {value.dtype} {list(value.shape)}"
            )
