"""Checkpoints: the state of a run as bytes, in the safetensors format, which holds data and no code."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save
from torch import Tensor

State = dict[str, np.ndarray]
"""Arrays by dotted name, such as ``run.optimiser.policy.mean0``."""


class CheckpointError(ValueError):
    """A checkpoint is damaged, or belongs to another kind of run."""


def collect_state(**parts: Any) -> State:
    """The states of all ``parts``, by dotted name. Parts without ``state_dict``, and None, have no state."""
    return {
        f"{name}.{key}": value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
        for name, part in parts.items()
        if hasattr(part, "state_dict")
        for key, value in part.state_dict().items()
    }


def restore_state(state: State, **parts: Any) -> None:
    """Load into each part the state that :func:`collect_state` took from it."""
    for name, part in parts.items():
        if hasattr(part, "load_state_dict"):
            prefix = f"{name}."
            part.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})


def take_rows(state: State, rows: slice, num_rows: int) -> State:
    """The state of a slice of the ``num_rows`` rows of a process.

    An array leads with the rows, or with the same number of entries for each row. Others belong to all rows.
    """
    return {
        name: value[_scaled(rows, len(value) // num_rows)] if _of_rows(value, num_rows) else value
        for name, value in state.items()
    }


def join_rows(states: Sequence[State]) -> State:
    """One state of the rows of several ``states``: the inverse of :func:`take_rows`.

    Raises:
        CheckpointError: The states are of different kinds of runs, or of different iterations.
    """
    first, *others = states
    for other in others:
        if first.keys() != other.keys():
            raise CheckpointError(f"{min(first.keys() ^ other.keys())} is missing in some runs; expected: in none")
    whole = {}
    for name, value in first.items():
        parts = [state[name] for state in states]
        if any(part.shape[1:] != value.shape[1:] or part.ndim != value.ndim for part in parts):
            shapes = ", ".join(str(list(part.shape)) for part in parts)
            raise CheckpointError(f"{name} has the shapes {shapes}; expected: one shape")
        if value.ndim == 0 and any(part != value for part in parts):
            raise CheckpointError(f"{name} differs between runs; expected: one value")
        whole[name] = np.concatenate(parts) if value.ndim and others else value
    return whole


def _of_rows(value: np.ndarray, num_rows: int) -> bool:
    return value.ndim > 0 and len(value) > 0 and len(value) % num_rows == 0


def _scaled(rows: slice, factor: int) -> slice:
    return slice(rows.start * factor, rows.stop * factor)


def pack(state: State, facts: Mapping[str, Any]) -> bytes:
    """The bytes of a safetensors file with ``state`` and ``facts``, which JSON must be able to hold."""
    return save({name: np.asarray(value, order="C") for name, value in state.items()}, {"facts": json.dumps(facts)})


def unpack(data: bytes) -> tuple[State, dict[str, Any]]:
    """The state and the facts in bytes of :func:`pack`.

    Raises:
        CheckpointError: The bytes are not a complete checkpoint.
    """
    try:
        state = load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        facts = json.loads(header["__metadata__"]["facts"])
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"truncated, or not a checkpoint ({error})") from None
    if not isinstance(facts, dict):
        raise CheckpointError("not a checkpoint (its facts are not a mapping)")
    return state, facts


def check_fits(state: State, own: State) -> None:
    """Check that ``state`` has the arrays of ``own``, with the same shapes and types.

    Raises:
        CheckpointError: It has not. The message names the first array that differs.
    """
    for name in sorted(state.keys() ^ own.keys()):
        raise CheckpointError(f"{name} is {'missing' if name in own else 'not part of this run'}")
    for name, value in own.items():
        found = state[name]
        if (found.shape, found.dtype) != (value.shape, value.dtype):
            raise CheckpointError(
                f"{name} is {found.dtype} {list(found.shape)}; expected: {value.dtype} {list(value.shape)}"
            )
