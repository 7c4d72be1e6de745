"""Gradient steps that are recorded on a CUDA device and replayed, because Python is slower than small minibatches."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from algos.core.batches import Batch
from algos.core.network import Network
from algos.core.optimiser import Optimiser
from algos.parts import is_ours

T = TypeVar("T")


class Step(NamedTuple):
    """The outcome of a gradient step."""

    active: Tensor  # [S], seeds that make the next step
    stepping: Tensor  # [S], seeds that made this step
    figures: dict[str, Tensor]  # [S] by name, to report
    num_steps: int = 1  # with this outcome; the figures are those of the last one


MakeStep = Callable[[Batch, Tensor], Step]
"""Makes a gradient step with a batch for the active seeds ``[S]``."""


def can_record(optimiser: Optimiser, *networks: Network) -> bool:
    """Whether kernels compute gradient steps of these, so that a later step can repeat what an earlier one called.

    On a CUDA device the steps must not wait for the device.
    """
    return all(network.compiled is not None for network in networks) and is_ours(type(optimiser).__module__)


class RecordedSteps:
    """Makes the steps ``step(batch, active)`` of an update. It records the second step and replays it from then on.

    All batches must have one shape. Python numbers that ``step`` uses must not change within the update. The first step
    is not recorded, because it may compile kernels or cache arrays, which a recording must not do.
    """

    def __init__(self, step: MakeStep) -> None:
        self._step = step
        self._inputs: tuple[_Held, Tensor] | None = None
        self._recording: tuple[torch.cuda.CUDAGraph, tuple[Step, Tensor]] | None = None

    def __call__(self, batch: Batch, active: Tensor) -> Step:
        if self._inputs is None:
            self._inputs, self._active = (_Held(batch), active.clone()), active
            return self._own_copy(*self._make(), active)
        held, mask = self._inputs
        held.hold(batch)
        if active is not self._active:
            mask.copy_(active)
            self._active = active
        if self._recording is None:
            self._recording = _record(self._make)
        graph, (outcome, figures) = self._recording
        graph.replay()
        return self._own_copy(outcome, figures.clone(), active)

    def _make(self) -> tuple[Step, Tensor]:
        """Make a step with the held inputs. Returns its outcome, and its figures stacked."""
        assert self._inputs is not None
        outcome = self._step(*self._inputs)
        return outcome, torch.stack([figure.detach() for figure in outcome.figures.values()])

    def _own_copy(self, outcome: Step, figures: Tensor, active: Tensor) -> Step:
        """The outcome of a step in memory that the next replay does not overwrite."""
        assert self._inputs is not None
        mask = self._inputs[1]
        following, stepping = (active if each is mask else each.clone() for each in (outcome.active, outcome.stepping))
        return Step(following, stepping, dict(zip(outcome.figures, figures.unbind(), strict=True)))


class _Held(Batch):
    """A batch that holds one batch after another at the same place in memory. It copies only the fields in use."""

    _source: Batch
    _fields: dict[str, Tensor]

    def __init__(self, batch: Batch) -> None:
        vars(self).update(_source=batch, _fields={})

    def __getattr__(self, name: str) -> Tensor:
        if name.startswith("_"):
            raise AttributeError(name)
        field = vars(self)[name] = self._fields[name] = getattr(self._source, name).clone()
        return field

    def hold(self, batch: Batch) -> None:
        """Copy the fields of another batch."""
        if batch is not self._source:
            vars(self)["_source"] = batch
            for name, field in self._fields.items():
                field.copy_(getattr(batch, name))


def _record(work: Callable[[], T]) -> tuple[torch.cuda.CUDAGraph, T]:
    """Record ``work`` on the device without running it. Returns the graph, and the result that a replay fills.

    ``torch.cuda.graph`` would collect garbage first, which takes as long as an update.
    """
    graph, stream, device = torch.cuda.CUDAGraph(), torch.cuda.Stream(), torch.cuda.current_device()
    pool = (_FIRST[device].pool(),) if device in _FIRST else ()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        graph.capture_begin(*pool)
        try:
            result = work()
        finally:
            graph.capture_end()
    torch.cuda.current_stream().wait_stream(stream)
    _FIRST.setdefault(device, graph)
    return graph, result


_FIRST: dict[int, torch.cuda.CUDAGraph] = {}
"""The first recording on each device. Later ones share its memory, because an earlier one is not replayed again."""
